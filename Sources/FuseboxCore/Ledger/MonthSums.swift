import FuseboxWire

/// What the history has of each provider's spend in each month: the sums of the days that its accounts have closed.
///
/// The files of the history are not read for a decision, so the state keeps what a bill of a month is compared with. It
/// keeps the months that the files keep, under the names of the providers: the sum of one that was forgotten stays, as
/// its records do. A provider with a sum takes some 150 bytes a month.
struct MonthSums: Sendable, Equatable {
    private struct Month: Sendable, Equatable {
        /// Months since January 1970.
        var number: Int64
        /// In nano-dollars.
        var spend: [Name: Int64] = [:]
    }

    /// Oldest first.
    private var months: [Month] = []

    init() {}

    /// Adds what a provider has spent on a day, in days since 1970-01-01. If another month begins and there are too
    /// many, the oldest is given up. Never more than one, because a wrong clock may have begun a far month.
    mutating func add(_ spend: Int64, of provider: Name, on day: Int64) {
        let number = CivilDate(dayNumber: day).monthNumber
        let place = months.lastIndex { $0.number <= number }
        if let place, months[place].number == number {
            let sum = months[place].spend[provider, default: 0]
            months[place].spend[provider] = sum.saturatingAdd(spend)
            return
        }
        months.insert(Month(number: number, spend: [provider: spend]), at: place.map { $0 + 1 } ?? 0)
        if months.count > Bounds.historyMonths { months.removeFirst() }
    }

    /// What a provider has spent in a month, in nano-dollars.
    ///
    /// - Parameter month: months since January 1970
    func spend(of provider: Name, in month: Int64) -> Int64 {
        months.first { $0.number == month }?.spend[provider] ?? 0
    }

    /// Calls `body` with every sum: by months, oldest first, and within a month by the names of the providers.
    func forEach(_ body: (_ month: Int64, Name, _ spend: Int64) -> Void) {
        for month in months {
            for (provider, spend) in month.spend.sorted(by: { $0.key < $1.key }) { body(month.number, provider, spend) }
        }
    }

    /// Adds a sum that `forEach` has told, in the same order.
    ///
    /// - Returns: false if the order is another one
    mutating func restore(_ spend: Int64, of provider: Name, in month: Int64) -> Bool {
        if months.last?.number != month {
            guard months.last.map({ $0.number < month }) ?? true else { return false }
            months.append(Month(number: month))
        }
        return months[months.count - 1].spend.updateValue(spend, forKey: provider) == nil
    }
}

extension Scope {
    /// Whether it is that of a provider's own account.
    var isOfProvider: Bool { provider != nil && deployment == nil && model == nil && tag == nil }
}
