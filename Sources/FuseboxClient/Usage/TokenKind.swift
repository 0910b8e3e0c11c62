/// A kind of tokens that providers count and charge apart. No token is of two kinds.
package enum TokenKind: String, CaseIterable, Sendable {
    /// Sent, and neither read from a cache nor written to one.
    case input
    /// Sent, and read from a cache.
    case cachedInput
    /// Sent, and written to a cache.
    case cacheWrite
    /// Received, without reasoning.
    case output
    /// Generated for reasoning.
    case reasoning
}

/// Tokens by kind, as far as they were told.
package struct ToldTokens: Sendable, Equatable {
    private var counts = InlineArray<5, Int?>(repeating: nil)

    /// No kind was told.
    package init() {}

    /// The tokens of a kind; nil if they were not told.
    package subscript(kind: TokenKind) -> Int? {
        get { counts[kind.place] }
        set { counts[kind.place] = newValue }
    }

    package static func == (left: Self, right: Self) -> Bool { TokenKind.allCases.allSatisfy { left[$0] == right[$0] } }

    /// Whether no kind was told.
    package var isEmpty: Bool { TokenKind.allCases.allSatisfy { self[$0] == nil } }

    /// Takes what a later report of the same call tells. What it leaves out stays.
    package mutating func update(with later: ToldTokens) {
        for kind in TokenKind.allCases { self[kind] = later[kind] ?? self[kind] }
    }
}

extension TokenKind {
    fileprivate var place: Int {
        switch self {
        case .input: 0
        case .cachedInput: 1
        case .cacheWrite: 2
        case .output: 3
        case .reasoning: 4
        }
    }
}
