import FuseboxCollections
import FuseboxWire

/// What was used in a stretch of time.
struct UseSums: Sendable, Equatable {
    /// In nano-dollars.
    var cost: Int64 = 0
    var requests: Int64 = 0
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    /// Calls that used something, and whose cost nobody told.
    var unpriced: Int64 = 0

    /// Adds other sums. Sums stop at the end of their range.
    mutating func add(_ other: UseSums) {
        cost = cost.saturatingAdd(other.cost)
        requests = requests.saturatingAdd(other.requests)
        inputTokens = inputTokens.saturatingAdd(other.inputTokens)
        outputTokens = outputTokens.saturatingAdd(other.outputTokens)
        unpriced = unpriced.saturatingAdd(other.unpriced)
    }

    /// What was used of a dimension of limits.
    subscript(dimension: LimitDimension) -> Int64 {
        switch dimension {
        case .cost: cost
        case .requests: requests
        case .tokens: inputTokens.saturatingAdd(outputTokens)
        case .inputTokens: inputTokens
        case .outputTokens: outputTokens
        case .inFlight, .unknown: 0
        }
    }
}

/// What an account has used lately: by hours for a day, by days for a month, by stretches of 30 days for a year.
///
/// A new limit takes its past use from it, and reports take from it what a day and a month have cost. It follows the
/// wall clock.
struct RecentUse: Sendable {
    /// The place of its newest stretch in the pool. Nil if there is none.
    fileprivate(set) var newest: Int?
}

/// The stretches of all accounts.
struct RecentUsePool: Sendable {
    struct Stretch: Sendable {
        /// The first moment of the stretch.
        var start: Timestamp
        /// The first moment after the stretch.
        var end: Timestamp
        var sums: UseSums
        /// The next older stretch of the account.
        var older: Int?
    }

    static let hour: Int64 = 3_600_000
    private static let day = 24 * hour
    private static let month = 30 * day
    /// How long hours are kept, how long days are kept, and how long anything is kept.
    private static let hourly = 25 * hour
    private static let daily = 32 * day
    private static let longest = 13 * month

    private var stretches = SlotTable<Stretch>()

    init() {}

    /// The number of stretches.
    var count: Int { stretches.count }

    /// Adds to the newest hour. If all accounts together have `Bounds.recentStretches`, the newest stretch becomes
    /// longer instead. The sum since a moment within it is then too large, and never too small.
    mutating func add(_ sums: UseSums, at wall: Timestamp, to use: inout RecentUse) {
        if let newest = use.newest, stretches[newest].end > wall { return stretches[newest].sums.add(sums) }
        addLater(sums, at: wall, to: &use)
    }

    /// Adds what was used after the newest stretch.
    private mutating func addLater(_ sums: UseSums, at wall: Timestamp, to use: inout RecentUse) {
        condense(&use, at: wall)
        guard let newest = use.newest, stretches.count >= Bounds.recentStretches else {
            return put(sums, at: wall, in: &use)
        }
        stretches[newest].end = Self.hourEnd(of: wall)
        stretches[newest].sums.add(sums)
    }

    private mutating func put(_ sums: UseSums, at wall: Timestamp, in use: inout RecentUse) {
        let end = Self.hourEnd(of: wall)
        use.newest = stretches.insert(Stretch(start: end - Self.hour, end: end, sums: sums, older: use.newest))
    }

    private static func hourEnd(of wall: Timestamp) -> Timestamp {
        Timestamp(milliseconds: unit(of: wall, hour) * hour + hour)
    }

    /// The number of the hour, the day or the 30 days of a moment.
    private static func unit(of moment: Timestamp, _ length: Int64) -> Int64 {
        let quotient = moment.milliseconds / length
        return moment.milliseconds % length < 0 ? quotient - 1 : quotient
    }

    /// Takes a cost back, from the newest use backwards, until nothing is left to take back.
    mutating func takeBack(cost: Int64, from use: RecentUse) {
        var left = cost
        var place = use.newest
        while let found = place, left > 0 {
            let taken = min(left, max(0, stretches[found].sums.cost))
            stretches[found].sums.cost -= taken
            left -= taken
            place = stretches[found].older
        }
    }

    /// Takes back a request that was counted at a moment.
    mutating func takeBackRequest(countedAt wall: Timestamp, from use: RecentUse) {
        var place = use.newest
        while let found = place {
            if stretches[found].start <= wall, stretches[found].sums.requests > 0 {
                stretches[found].sums.requests -= 1
                return
            }
            place = stretches[found].older
        }
    }

    /// Joins hours into days and days into months when they are old enough. Forgets what is older than 13 months.
    private mutating func condense(_ use: inout RecentUse, at wall: Timestamp) {
        guard var kept = use.newest else { return }
        if wall - stretches[kept].end > Self.longest { return removeAll(&use) }
        while let next = stretches[kept].older {
            let age = wall - stretches[next].end
            if age > Self.longest {
                stretches[kept].older = nil
                remove(from: next)
                return
            }
            let length = age > Self.daily ? Self.month : age > Self.hourly ? Self.day : 0
            let joins =
                length > 0 && wall - stretches[kept].end > (length == Self.month ? Self.daily : Self.hourly)
                && Self.unit(of: stretches[kept].start, length) == Self.unit(of: stretches[next].start, length)
            guard joins else {
                kept = next
                continue
            }
            stretches[kept].start = stretches[next].start
            stretches[kept].sums.add(stretches[next].sums)
            stretches[kept].older = stretches[next].older
            stretches.remove(at: next)
        }
    }

    /// Forgets an account's use.
    mutating func removeAll(_ use: inout RecentUse) {
        if let newest = use.newest { remove(from: newest) }
        use.newest = nil
    }

    private mutating func remove(from place: Int) {
        var next: Int? = place
        while let found = next {
            next = stretches[found].older
            stretches.remove(at: found)
        }
    }

    /// What was used since a moment. The stretch that contains the moment counts in full.
    func sum(of use: RecentUse, since moment: Timestamp) -> UseSums {
        var sums = UseSums()
        forEachStretch(of: use, since: moment) { sums.add($0.sums) }
        return sums
    }

    /// Calls `body` with the stretches that end after a moment, newest first.
    @inline(__always)
    func forEachStretch(of use: RecentUse, since moment: Timestamp, _ body: (Stretch) -> Void) {
        var place = use.newest
        while let found = place {
            let stretch = stretches[found]
            guard stretch.end > moment else { return }
            body(stretch)
            place = stretch.older
        }
    }

    /// The stretches that end after a moment, oldest first.
    func stretches(of use: RecentUse, since moment: Timestamp = .earliest) -> [Stretch] {
        var found: [Stretch] = []
        forEachStretch(of: use, since: moment) { found.append($0) }
        return found.reversed()
    }

    /// Restores a stretch, which must be newer than the others of its account.
    mutating func restore(_ stretch: Stretch, in use: inout RecentUse) {
        var stretch = stretch
        stretch.older = use.newest
        use.newest = stretches.insert(stretch)
    }
}
