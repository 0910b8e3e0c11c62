import FuseboxWire

/// The accounts of scopes, as sums and plain lists of what was counted.
extension LimitModel {
    /// Spend, requests and tokens.
    struct Sums: Sendable, Equatable {
        var cost: Int64 = 0
        var requests: Int64 = 0
        var input: Int64 = 0
        var output: Int64 = 0

        init() {}

        init(requests: Int64) { self.requests = requests }

        init(_ used: Need, requests: Int64) {
            (cost, input, output) = (used.cost ?? 0, used.input ?? 0, used.output ?? 0)
            self.requests = requests
        }

        init(_ usage: AccountUsage) {
            (cost, requests) = (usage.spend.nanodollars, usage.requests)
            (input, output) = (usage.sentTokens, usage.receivedTokens)
        }

        static func += (sums: inout Sums, other: Sums) {
            sums.cost += other.cost
            sums.requests += other.requests
            sums.input += other.input
            sums.output += other.output
        }

        subscript(dimension: LimitDimension) -> Int64 {
            switch dimension {
            case .cost: cost
            case .requests: requests
            case .tokens: input + output
            case .inputTokens: input
            case .outputTokens: output
            case .inFlight, .unknown: 0
            }
        }
    }

    /// What was counted at one moment.
    struct Counted: Sendable {
        /// On the wall clock.
        var at: Int64
        var sums: Sums
        /// Requests that were given back, where a step of the clock hides in which hour they were counted.
        var lostRequests: Int64 = 0
    }

    struct Account: Sendable {
        /// Since the account began or was reset.
        var sums = Sums()
        /// When it first counted since then, on the steady clock.
        var firstCounted: Int64?
        /// All of it; a reset forgets none.
        var counted: [Counted] = []

        fileprivate mutating func count(_ sums: Sums, at now: Int64, _ wall: Int64) {
            self.sums += sums
            firstCounted = firstCounted ?? now
            counted.append(Counted(at: wall, sums: sums))
        }

        /// Gives back the request of a call. It is not part of the sums if they were reset since.
        fileprivate mutating func giveBackRequest(of call: Call, isSameHour: Bool, at wall: Int64) {
            if let firstCounted, firstCounted <= call.grantedAt { sums.requests = max(0, sums.requests - 1) }
            guard let place = counted.lastIndex(where: { $0.at == call.grantedAtWall && $0.sums.requests > 0 }) else {
                return
            }
            if isSameHour {
                counted[place].sums.requests -= 1
            } else {
                counted.append(Counted(at: wall, sums: Sums(), lostRequests: 1))
            }
        }

        /// Takes a cost from the newest use backwards.
        fileprivate mutating func takeBack(_ cost: Int64) {
            sums.cost -= cost
            var left = cost
            for place in counted.indices.reversed() where left > 0 {
                let taken = min(left, counted[place].sums.cost)
                counted[place].sums.cost -= taken
                left -= taken
            }
        }
    }

    /// Whether scopes of this shape have accounts: the host, providers, deployments, models, tags.
    static func hasAccount(_ key: Key) -> Bool {
        guard key.tag == nil else { return key.provider == nil }
        return key.deployment == nil || key.model == nil
    }

    // MARK: Counting

    /// Counts on the accounts of a call's scopes.
    mutating func countOnAccounts(_ sums: Sums, _ keys: [Key], at now: Int64) {
        for key in keys where Self.hasAccount(key) {
            accounts[key, default: Account()].count(sums, at: now, wall)
        }
    }

    /// Counts what a call has used. If it asked for no model, the one that answered counts its request too.
    mutating func countUsage(of call: Call, _ used: Need, answering: String, at now: Int64) {
        countOnAccounts(Sums(used, requests: 0), call.keys, at: now)
        guard let provider = call.keys.compactMap(\.provider).first, !call.keys.contains(where: { $0.model != nil })
        else { return }
        countOnAccounts(Sums(used, requests: 1), [Key(provider: provider, model: answering)], at: now)
    }

    /// Gives back the request of a call that was never sent, in the hour in which it was counted.
    mutating func giveBackRequest(of call: Call, at now: Int64) {
        let isSameHour = (wall - (now - call.grantedAt)) / Self.hour == call.grantedAtWall / Self.hour
        for key in call.keys where Self.hasAccount(key) {
            accounts[key]?.giveBackRequest(of: call, isSameHour: isSameHour, at: wall)
        }
    }

    /// Corrects what was spent. A negative cost takes from the newest use backwards; what is assumed stays.
    mutating func adjust(_ keys: [Key], _ cost: Int64, at now: Int64) {
        if cost >= 0 {
            var used = Need.nothing
            used.cost = cost
            countOnAccounts(Sums(used, requests: 0), keys, at: now)
        } else {
            for key in keys where Self.hasAccount(key) { accounts[key]?.takeBack(-cost) }
        }
        for key in keys {
            for rule in standing(for: key).map({ rules[$0] }) {
                let place = instance(key, rule.limit)
                guard rule.limit.dimension == .cost else { continue }
                if cost >= 0 { count(cost, place, at: now) } else { takeBack(-cost, place, at: now) }
            }
        }
    }

    private mutating func takeBack(_ amount: Int64, _ place: Int, at now: Int64) {
        guard instances[place].identity.window.kind == .sliding else {
            guard !isOver(instances[place], at: now) else { return }
            let settled = instances[place].used - assumed(instances[place], at: now)
            instances[place].used -= min(amount, max(0, settled))
            return
        }
        var taken: [Use] = []
        var (left, mostLeft) = (amount, amount)
        for at in Set(instances[place].uses.map(\.at)).sorted(by: >) where left > 0 || mostLeft > 0 {
            let there = instances[place].uses.filter { $0.at == at }
            let assumed = instances[place].assumed.reduce(0) { $0 + ($1.at == at ? $1.amount : 0) }
            let least = min(left, max(0, there.reduce(0) { $0 + $1.amount } - assumed))
            let most = min(mostLeft, max(0, there.reduce(0) { $0 + $1.most } - assumed))
            taken.append(Use(at: at, amount: -least, most: -most))
            (left, mostLeft) = (left - least, mostLeft - most)
        }
        instances[place].uses += taken
    }

    /// Begins the accounts of a scope anew, and of what lies within it.
    mutating func resetAccounts(_ target: Target) {
        for key in Array(accounts.keys) where isReset(key, by: target) {
            accounts[key]?.sums = Sums()
            accounts[key]?.firstCounted = nil
        }
    }

    private func isReset(_ key: Key, by target: Target) -> Bool {
        if let prefix = target.prefix { return target.key == Key() && key.tag?.hasPrefix(prefix) == true }
        if target.key == Key() || target.key == key { return true }
        return target.key == Key(provider: key.provider) && key.provider != nil
    }

    // MARK: Past use

    /// What a new limit of a scope begins with, at least and at most; nil: nothing.
    ///
    /// Accounts tell whole hours, days and 30 days, and one that the window's start falls into counts in full.
    func past(of key: Key, _ limit: Limit) -> ClosedRange<Int64>? {
        guard Self.hasAccount(key), let account = accounts[key] else { return nil }
        let start: Int64
        switch limit.window.kind {
        case .manual:
            let sum = max(0, account.sums[limit.dimension])
            return sum...sum
        case .calendar:
            guard let known = calendars.last(where: { Self.isSame($0.window, limit.window) }) else { return nil }
            start = known.start
        case .sliding where limit.window.lengthMilliseconds >= Self.hour: start = wall - limit.window.lengthMilliseconds
        case .none, .sliding, .fixed, .prepaid, .unknown: return nil
        }
        var (least, most): (Int64, Int64) = (0, 0)
        let straddled = Self.stretch(of: start, at: wall)
        for counted in account.counted {
            let amount = counted.sums[limit.dimension]
            if counted.at >= start { least += amount }
            if counted.at >= straddled.lowerBound { most += amount }
            if limit.dimension == .requests { least -= counted.lostRequests }
        }
        return max(0, least)...max(0, most)
    }

    /// When the current window of a limit began on the steady clock; nil: it begins with nothing.
    func windowStart(_ place: Int, at now: Int64) -> Int64? {
        let window = instances[place].identity.window
        switch window.kind {
        case .sliding: return now - window.lengthMilliseconds + 1
        case .calendar: return calendars.last { Self.isSame($0.window, window) }.map { now - (wall - $0.start) }
        case .manual: return accounts[instances[place].key].flatMap { $0.firstCounted }
        case .none, .fixed, .prepaid, .unknown: return nil
        }
    }

    /// When the window of a new limit began on the steady clock, if its account tells what was used in it.
    func pastStart(_ place: Int, at now: Int64) -> Int64? {
        let (key, limit) = (instances[place].key, instances[place].identity)
        guard past(of: key, limit) != nil, let account = accounts[key] else { return nil }
        switch limit.window.kind {
        case .manual: return account.firstCounted ?? .max
        case .calendar:
            return calendars.last { Self.isSame($0.window, limit.window) }.map { now - (wall - $0.start) }
        default: return 0
        }
    }

    /// Lets a new limit whose window slides count what its scope has used before.
    mutating func countPast(_ place: Int, at now: Int64) {
        let limit = instances[place].identity
        guard limit.window.kind == .sliding, past(of: instances[place].key, limit) != nil,
            let account = accounts[instances[place].key]
        else { return }
        for counted in account.counted {
            let amount = counted.sums[limit.dimension]
            let lost = limit.dimension == .requests ? counted.lostRequests : 0
            let end = min(wall, Self.stretch(of: counted.at, at: wall).upperBound)
            instances[place].uses.append(Use(at: now - (wall - counted.at), amount: amount - lost, most: 0))
            instances[place].uses.append(Use(at: now - (wall - end), amount: 0, most: amount))
        }
    }

    private static let hour: Int64 = 3_600_000

    /// The hour that a moment lies in; if it is long ago the day, or the 30 days.
    private static func stretch(of moment: Int64, at wall: Int64) -> ClosedRange<Int64> {
        let age = wall - moment
        let length = age <= 25 * hour ? hour : age <= 32 * 24 * hour ? 24 * hour : 720 * hour
        let start = moment - moment % length
        return start...(start + length)
    }
}
