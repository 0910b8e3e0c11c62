import FuseboxTestSupport
import FuseboxWire

/// The book of a spending `fusebox-caller`.
struct SpendingBook {
    struct Grant {
        var at: Int64
        var estimate: Int64
        /// Whether it was settled as never sent, or was about to be.
        var isCancelled = false
    }

    struct Settle {
        var permit: UInt64
        /// Nil for a call that was never sent.
        var cost: Int64?
        var standing: PermitStanding
    }

    var grants: [UInt64: Grant] = [:]
    var settles: [Settle] = []
    /// The cost of the last settle if it was not acknowledged; 0 for a call that was never sent.
    var unacknowledged: Int64?
    var denials: [LimitDimension: Int] = [:]
    /// The number of its tries; nil if it died before its end.
    var tries: Int?

    /// The settles that were acknowledged with a cost.
    var charged: [Settle] { settles.filter { $0.cost != nil } }
    var spend: Int64 { charged.reduce(0) { $0 + ($1.cost ?? 0) } }

    init(_ lines: [[Substring]]) throws {
        for words in lines {
            let numbers = words.dropFirst().map { Int64($0) ?? -1 }
            switch (words.first, numbers.count) {
            case ("granted", 3): grants[UInt64(numbers[0])] = Grant(at: numbers[1], estimate: numbers[2])
            case ("settling", 2):
                unacknowledged = max(0, numbers[1])
                if numbers[1] < 0 { grants[UInt64(numbers[0])]?.isCancelled = true }
            case ("settled", 3):
                unacknowledged = nil
                let standing = PermitStanding(rawValue: UInt8(numbers[2]))
                guard standing.isKnown else { throw TestFailure("\(words)") }
                let cost = numbers[1] < 0 ? nil : numbers[1]
                settles.append(Settle(permit: UInt64(numbers[0]), cost: cost, standing: standing))
            case ("denied", 2): denials[try Self.dimension(words[1])] = Int(numbers[1])
            case ("ended", 1): tries = Int(numbers[0])
            default: throw TestFailure("a book with the line \(words.joined(separator: " "))")
            }
        }
    }

    private static func dimension(_ word: Substring) throws -> LimitDimension {
        guard let dimension = LimitDimension.allCases.first(where: { "\($0)" == word }) else {
            throw TestFailure("a book with the dimension \(word)")
        }
        return dimension
    }
}
