import FuseboxWire

/// What the history has of each provider in each month: the sums of the days that its accounts have closed.
///
/// The files of the history are not read for a decision, so the state keeps what a bill of a month is compared with. It
/// keeps the months that the files keep, under the names of the providers: the sum of one that was forgotten stays, as
/// its records do. A provider with a sum takes some 160 bytes a month.
struct MonthSums: Sendable, Equatable {
    /// What the history has of a provider in a month. A number stops at the end of its range.
    struct Sum: Sendable, Equatable {
        /// What was spent, in nano-dollars.
        var spend: Int64 = 0
        /// Calls that used something, and whose cost nobody told.
        var unpriced: Int64 = 0

        mutating func add(_ use: DayUse) {
            spend = spend.saturatingAdd(use.spend)
            unpriced = unpriced.saturatingAdd(use.parts.unpriced)
        }
    }

    private struct Month: Sendable, Equatable {
        /// Months since January 1970.
        var number: Int64
        /// By provider.
        var sums: [Name: Sum] = [:]
    }

    /// Oldest first.
    private var months: [Month] = []

    init() {}

    /// Adds what a provider has used on a day, in days since 1970-01-01. If another month begins and there are too
    /// many, the oldest is given up. Never more than one, because a wrong clock may have begun a far month.
    mutating func add(_ use: DayUse, of provider: Name, on day: Int64) {
        let number = CivilDate(dayNumber: day).monthNumber
        let place = months.lastIndex { $0.number <= number }
        if let place, months[place].number == number {
            months[place].sums[provider, default: Sum()].add(use)
            return
        }
        var sum = Sum()
        sum.add(use)
        months.insert(Month(number: number, sums: [provider: sum]), at: place.map { $0 + 1 } ?? 0)
        if months.count > Bounds.historyMonths { months.removeFirst() }
    }

    /// What a provider has used in a month.
    ///
    /// - Parameter month: months since January 1970
    func sum(of provider: Name, in month: Int64) -> Sum {
        months.first { $0.number == month }?.sums[provider] ?? Sum()
    }

    /// Calls `body` with every sum: by months, oldest first, and within a month by the names of the providers.
    func forEach(_ body: (_ month: Int64, Name, Sum) -> Void) {
        for month in months {
            for (provider, sum) in month.sums.sorted(by: { $0.key < $1.key }) { body(month.number, provider, sum) }
        }
    }

    /// Adds a sum that `forEach` has told, in the same order.
    ///
    /// - Returns: false if the order is another one
    mutating func restore(_ sum: Sum, of provider: Name, in month: Int64) -> Bool {
        if months.last?.number != month {
            guard months.last.map({ $0.number < month }) ?? true else { return false }
            months.append(Month(number: month))
        }
        return months[months.count - 1].sums.updateValue(sum, forKey: provider) == nil
    }
}

extension Scope {
    /// Whether it is that of a provider's own account.
    var isOfProvider: Bool { provider != nil && deployment == nil && model == nil && tag == nil }
}
