import FuseboxWire

/// What calls do to limits.
extension LimitModel {
    /// The scopes that a call by this route for these tags falls under.
    static func keys(_ provider: String?, _ deployment: String?, _ model: String?, _ tags: [String]) -> [Key] {
        var keys = [Key()]
        guard let provider else { return keys + tags.map { Key(tag: $0) } }
        keys.append(Key(provider: provider))
        if let deployment { keys.append(Key(provider: provider, deployment: deployment)) }
        if let model { keys.append(Key(provider: provider, model: model)) }
        if let deployment, let model { keys.append(Key(provider: provider, deployment: deployment, model: model)) }
        for tag in tags {
            keys.append(Key(tag: tag))
            keys.append(Key(provider: provider, tag: tag))
            if let model { keys.append(Key(provider: provider, model: model, tag: tag)) }
        }
        return keys
    }

    // MARK: Admitting

    /// Charges a call to every limit that it falls under. None that denies may then be exceeded.
    mutating func grant(_ call: Call, at now: Int64) {
        calls.append(call)
        countOnAccounts(Sums(requests: 1), call.keys, at: now)
        for key in call.keys {
            for rule in standing(for: key).map({ rules[$0] }) {
                noteShadow(call.need, key, rule, at: now)
                let place = instance(key, rule.limit)
                take(call, place, at: now)
                let level = used(instances[place], at: now) + held(instances[place])
                if rule.limit.mode == .deny, call.need[rule.limit.dimension] ?? 0 > 0, level > rule.amount {
                    violation = "permit \(call.permit): \(level) of '\(rule.limit)' on \(key)"
                }
            }
        }
    }

    private mutating func noteShadow(_ need: Need, _ key: Key, _ rule: Rule, at now: Int64) {
        guard rule.limit.mode == .shadow else { return }
        let isSure = !hasRoom(for: need, key, rule, at: now, stretched: false)
        let isPossible = !hasRoom(for: need, key, rule, at: now, stretched: true)
        let place = instance(key, rule.limit)
        if isSure { instances[place].wouldHaveDenied.least += 1 }
        if isPossible { instances[place].wouldHaveDenied.most += 1 }
    }

    /// Takes what a call needs: requests and tokens count at once, cost and places in flight are held.
    private mutating func take(_ call: Call, _ place: Int, at now: Int64) {
        let dimension = instances[place].identity.dimension
        let amount = call.need[dimension] ?? 0
        let isHeld = dimension == .cost || dimension == .inFlight
        if isHeld {
            instances[place].held[call.permit] = amount
        } else {
            count(amount, place, at: now)
        }
        instances[place].taken[call.permit] = Taken(
            state: isHeld ? .held : .counted, at: now, window: instances[place].window)
    }

    /// Lets a limit that was just set see a call in force.
    mutating func takeLate(_ call: Call, _ place: Int, at now: Int64) {
        let limit = instances[place].identity
        let amount = call.need[limit.dimension] ?? 0
        var state = Taken.State.held
        switch limit.dimension {
        case .cost: instances[place].held[call.permit] = amount
        case .inFlight where call.isInFlight: instances[place].held[call.permit] = amount
        case .inFlight: state = .released
        default:
            state = .counted
            if limit.dimension == .requests, let start = pastStart(place, at: now) {
                // The account tells it, with those before it.
                let isBefore = call.grantedAt < start
                instances[place].taken[call.permit] = Taken(
                    state: state, at: call.grantedAt, window: instances[place].window - (isBefore ? 1 : 0))
                return
            }
            if isOver(instances[place], at: now) { begin(place, at: now) }
            let taken = Taken(state: .counted, at: call.grantedAt, window: instances[place].window)
            correct(place, by: amount, taken, isCancelled: false, at: now)
        }
        instances[place].taken[call.permit] = Taken(
            state: state, at: call.grantedAt, window: instances[place].window)
    }

    /// Lets a limit that was just set see a call that ended unsettled before: it takes what it would have kept of it.
    mutating func takeEnded(_ call: Call, _ place: Int, at now: Int64) {
        guard let ending = call.ending, let rule = rule(of: instances[place]) else { return }
        let limit = rules[rule].limit
        let isTold = pastStart(place, at: now) != nil
        guard limit.dimension != .inFlight, limit.dimension != .requests || isTold else { return }
        let at = limit.dimension == .cost ? ending.at : call.grantedAt
        let isWithin = windowStart(place, at: now).map { at >= $0 } ?? false
        var taken = Taken(state: .counted, at: at, window: instances[place].window - (isWithin ? 0 : 1))
        if limit.dimension != .requests {
            let isFreed = ending.way == .revoked || ending.way == .reclaimed && limit.mode != .deny
            taken.state = limit.onLapse == .charge && !isFreed ? .assumed : .released
            let estimate = call.need[limit.dimension] ?? 0
            if taken.state == .assumed, isWithin, estimate > 0 {
                correct(place, by: estimate, taken, isCancelled: false, at: now)
                assume(estimate, place, taken, at: now)
            }
        }
        instances[place].taken[call.permit] = taken
    }

    // MARK: Counting

    /// Counts a call that was not admitted.
    mutating func report(_ keys: [Key], _ used: Need, at now: Int64) {
        countOnAccounts(Sums(used, requests: 1), keys, at: now)
        countInLimits(keys, used, at: now)
    }

    private mutating func countInLimits(_ keys: [Key], _ used: Need, at now: Int64) {
        for key in keys {
            for rule in standing(for: key).map({ rules[$0] }) {
                let place = instance(key, rule.limit)
                if rule.limit.dimension != .inFlight { count(used[rule.limit.dimension] ?? 0, place, at: now) }
            }
        }
    }

    mutating func count(_ amount: Int64, _ place: Int, at now: Int64) {
        guard amount > 0 else { return }
        if isOver(instances[place], at: now) { begin(place, at: now) }
        add(Use(at: now, amount: amount, most: amount), place, at: now)
    }

    private mutating func add(_ use: Use, _ place: Int, at now: Int64) {
        let window = instances[place].identity.window
        guard window.kind == .sliding else {
            instances[place].used = max(0, instances[place].used + use.amount)
            return
        }
        let oldest = now - window.lengthMilliseconds - window.lengthMilliseconds / 60
        instances[place].uses.removeAll { $0.at <= oldest }
        // What was taken back already cannot be given back once more.
        let there = instances[place].uses.reduce(0) { $0 + ($1.at == use.at ? $1.most : 0) }
        instances[place].uses.append(Use(at: use.at, amount: use.amount, most: max(use.most, -there)))
    }

    /// Begins a new window. What calls hold stays held.
    mutating func begin(_ place: Int, at now: Int64) {
        instances[place].assumed = []
        instances[place].window += 1
        instances[place].start = now
        instances[place].used = 0
    }

    /// Corrects what a limit took of a call, in the window that it counts in. If that is over, a refund has no effect, and
    /// an excess counts now.
    private mutating func correct(_ place: Int, by change: Int64, _ taken: Taken, isCancelled: Bool, at now: Int64) {
        guard change != 0 else { return }
        guard isAlive(instances[place], taken, at: now) else { return count(change, place, at: now) }
        add(Use(at: taken.at, amount: change, most: isCancelled ? change : max(0, change)), place, at: now)
    }

    /// Notes what a limit assumes of a call, in the window that it counts in; of a negative amount that it does not any more.
    private mutating func assume(_ amount: Int64, _ place: Int, _ taken: Taken, at now: Int64) {
        guard isAlive(instances[place], taken, at: now) else { return }
        instances[place].assumed.append(Use(at: taken.at, amount: amount, most: amount))
    }

    // MARK: Ending

    /// How a call ended.
    enum End {
        case cancelled
        /// It took what was estimated, because it does not say.
        case asEstimated
        /// It told so much, and this model answered. What a success does not tell counts as estimated.
        case used(Need, answering: String, isSuccess: Bool)
        /// Nobody says that it took anything.
        case nothing
    }

    /// Settles a call. No limit rises beyond its amount, unless the call used more than was estimated, or had given back
    /// what it took.
    mutating func settle(_ permit: UInt64, _ end: End, at now: Int64) {
        guard let index = calls.firstIndex(where: { $0.permit == permit }) else { return }
        let call = calls.remove(at: index)
        switch end {
        case .cancelled: giveBackRequest(of: call, at: now)
        case .used(let used, let answering, _): countUsage(of: call, used, answering: answering, at: now)
        // The account has seen a call, though nobody says what it took.
        case .asEstimated: countOnAccounts(Sums(.nothing, requests: 0), call.keys, at: now)
        case .nothing: break
        }
        for place in instances.indices {
            guard let taken = instances[place].taken.removeValue(forKey: permit) else { continue }
            let dimension = instances[place].identity.dimension
            let estimate = call.need[dimension] ?? 0
            let actual =
                switch end {
                case .cancelled, .nothing: 0 as Int64
                case .asEstimated: estimate
                case .used(let told, _, let isSuccess):
                    told.filled(from: isSuccess ? call.need : .nothing)[dimension] ?? 0
                }
            let before = level(place, at: now)
            settle(call, place, taken, from: estimate, to: actual, end, at: now)
            if actual <= estimate, taken.state != .released { expectNoRise(place, from: before, at: now) }
        }
        guard case .used(let told, let answering, let isSuccess) = end else { return }
        countOfModel(answering, call, told.filled(from: isSuccess ? call.need : .nothing), at: now)
        if isSuccess, let cost = told.cost { costs[call.route, default: []].append(cost) }
    }

    /// The limits of the model that answered count a call that asked for none when it ends.
    private mutating func countOfModel(_ answering: String, _ call: Call, _ used: Need, at now: Int64) {
        guard !call.keys.contains(where: { $0.model != nil }) else { return }
        var tags: [String] = []
        for tag in call.keys.compactMap(\.tag) where !tags.contains(tag) { tags.append(tag) }
        let keys = Self.keys(
            call.keys.compactMap(\.provider).first, call.keys.compactMap(\.deployment).first, answering, tags)
        countInLimits(keys.filter { $0.model != nil }, used, at: now)
    }

    private mutating func settle(
        _ call: Call, _ place: Int, _ taken: Taken, from estimate: Int64, to actual: Int64, _ end: End, at now: Int64
    ) {
        var isCancelled = false
        if case .cancelled = end { isCancelled = true }
        switch instances[place].identity.dimension {
        case .inFlight: instances[place].held[call.permit] = nil
        case .requests:
            if isCancelled { correct(place, by: -1, taken, isCancelled: true, at: now) }
        case .cost where taken.state == .held:
            instances[place].held[call.permit] = nil
            count(actual, place, at: now)
        default:
            let counted = taken.state == .released ? 0 : estimate
            if taken.state == .assumed { assume(-estimate, place, taken, at: now) }
            correct(place, by: actual - counted, taken, isCancelled: isCancelled, at: now)
        }
    }

    /// Ends a call that was never settled, by the rule of each limit. It is remembered for a late settle.
    mutating func lapse(_ permit: UInt64, _ way: Call.Ending, at now: Int64) {
        guard let index = calls.firstIndex(where: { $0.permit == permit && !$0.isLapsed }) else { return }
        calls[index].ending = (way, now)
        calls[index].isInFlight = false
        for place in instances.indices where instances[place].taken[permit] != nil {
            guard let rule = rule(of: instances[place]) else { continue }
            let before = level(place, at: now)
            lapse(calls[index], place, isCharged: way != .revoked && rules[rule].limit.onLapse == .charge, at: now)
            expectNoRise(place, from: before, at: now)
        }
    }

    private mutating func lapse(_ call: Call, _ place: Int, isCharged: Bool, at now: Int64) {
        guard var taken = instances[place].taken[call.permit], taken.state == .held || taken.state == .counted else {
            return
        }
        let dimension = instances[place].identity.dimension
        let estimate = call.need[dimension] ?? 0
        switch dimension {
        case .requests: return
        case .inFlight: instances[place].held[call.permit] = nil
        case .cost:
            instances[place].held[call.permit] = nil
            if isCharged { count(estimate, place, at: now) }
            taken.at = now
            taken.window = instances[place].window
        default:
            if !isCharged { correct(place, by: -estimate, taken, isCancelled: false, at: now) }
        }
        taken.state = isCharged && dimension != .inFlight ? .assumed : .released
        if taken.state == .assumed { assume(estimate, place, taken, at: now) }
        instances[place].taken[call.permit] = taken
    }

    /// An operator ends a call, or gives back what is assumed of one that has ended.
    mutating func revoke(_ permit: UInt64, at now: Int64) {
        guard let index = calls.firstIndex(where: { $0.permit == permit }) else { return }
        guard let ending = calls[index].ending else { return lapse(permit, .revoked, at: now) }
        calls[index].ending = (.revoked, ending.at)
        for place in instances.indices {
            guard let taken = instances[place].taken[permit], taken.state == .assumed else { continue }
            let estimate = calls[index].need[instances[place].identity.dimension] ?? 0
            assume(-estimate, place, taken, at: now)
            correct(place, by: -estimate, taken, isCancelled: false, at: now)
            instances[place].taken[permit]?.state = .released
        }
    }

    /// The worker of a call has died: its places in flight are free, and so is what it holds of limits that do not deny.
    /// If nothing else is held, it has lapsed.
    mutating func endFlight(_ permit: UInt64, at now: Int64) {
        guard let index = calls.firstIndex(where: { $0.permit == permit && $0.isInFlight }) else { return }
        calls[index].isInFlight = false
        var holds = false
        for place in instances.indices {
            guard let taken = instances[place].taken[permit], let rule = rule(of: instances[place]) else { continue }
            let limit = rules[rule].limit
            if limit.dimension == .inFlight || limit.mode != .deny {
                lapse(calls[index], place, isCharged: false, at: now)
            } else if limit.dimension != .requests, calls[index].need[limit.dimension] ?? 0 > 0,
                taken.state != .released
            {
                holds = true
            }
        }
        if !holds { lapse(permit, .reclaimed, at: now) }
    }

    /// Lets a call in force last longer.
    mutating func renew(_ permit: UInt64, until: Int64) {
        guard let index = calls.firstIndex(where: { $0.permit == permit && !$0.isLapsed }) else { return }
        calls[index].expiresAt = max(calls[index].expiresAt, until)
    }

    // MARK: The promise

    private func level(_ place: Int, at now: Int64) -> Int64 {
        used(instances[place], at: now) + held(instances[place])
    }

    private mutating func expectNoRise(_ place: Int, from before: Int64, at now: Int64) {
        let after = level(place, at: now)
        guard after > before, let rule = rule(of: instances[place]), rules[rule].limit.mode == .deny,
            after > rules[rule].amount
        else { return }
        violation =
            "the end of a call took '\(rules[rule].limit)' on \(instances[place].key) from \(before) to \(after)"
    }
}
