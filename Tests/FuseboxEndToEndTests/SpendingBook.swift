import FuseboxTestSupport
import FuseboxWire

/// The book of a spending `fusebox-caller`.
struct SpendingBook {
    /// What a call used.
    struct Usage {
        /// In nano-dollars.
        var cost: Int64
        var input: Int64
        var output: Int64

        subscript(dimension: LimitDimension) -> Int64 {
            switch dimension {
            case .cost: cost
            case .requests: 1
            case .inputTokens: input
            case .outputTokens: output
            case .tokens: input + output
            case .inFlight, .unknown: 0
            }
        }
    }

    struct Call {
        /// On the daemon's steady clock.
        var grantedAt: Int64
        /// The place of its route.
        var route: Int
        /// Between these moments it was in flight at least, on CLOCK_MONOTONIC.
        var flight: Range<Int64>
        /// Nil for a call that was never sent, or whose settle was not acknowledged.
        var usage: Usage?
        var isCancelled = false
    }

    var calls: [UInt64: Call] = [:]
    /// What the last settle told if it was not acknowledged.
    var unacknowledged: Usage?
    var tries = 0
    /// The limits that denied calls, such as `requests host`.
    var denials: Set<String> = []
    /// Settles of permits that were settled before.
    var repeated = 0

    /// What the settles that were acknowledged have used.
    func sum(of dimension: LimitDimension) -> Int64 { calls.values.reduce(0) { $0 + ($1.usage?[dimension] ?? 0) } }

    init(_ lines: [[Substring]]) throws {
        for words in lines {
            let numbers = words.dropFirst().map { Int64($0) ?? -1 }
            switch (words.first, numbers.count) {
            case ("tried", 0): tries += 1
            case ("granted", 4):
                calls[UInt64(numbers[0])] = Call(
                    grantedAt: numbers[1], route: Int(numbers[2]), flight: numbers[3]..<numbers[3])
            case ("settling", 5):
                let permit = UInt64(numbers[0])
                unacknowledged = Usage(cost: max(0, numbers[1]), input: numbers[2], output: numbers[3])
                if numbers[1] < 0 { calls[permit]?.isCancelled = true }
                if let begin = calls[permit]?.flight.lowerBound { calls[permit]?.flight = begin..<numbers[4] }
            case ("settled", 5):
                unacknowledged = nil
                if PermitStanding(rawValue: UInt8(numbers[4])) == .settled { repeated += 1 }
                if numbers[1] >= 0 {
                    calls[UInt64(numbers[0])]?.usage = Usage(
                        cost: numbers[1], input: numbers[2], output: numbers[3])
                }
            case ("denied", 2): denials.insert("\(words[1]) \(words[2])")
            default: throw TestFailure("a book with the line \(words.joined(separator: " "))")
            }
        }
    }
}
