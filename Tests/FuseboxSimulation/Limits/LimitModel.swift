import FuseboxWire

/// Limits as a list of rules and lists of uses. Nothing is indexed, and what a sliding window has used is summed when it
/// is asked for.
///
/// It is written from `proto-docs/limits.md`, apart from `FuseboxCore`, and knows names where that knows numbers.
struct LimitModel: Sendable {
    /// A scope without a template.
    struct Key: Hashable, Sendable {
        var provider: String?
        var deployment: String?
        var model: String?
        var tag: String?

        var withoutTag: Key { Key(provider: provider, deployment: deployment, model: model) }
        var withoutModel: Key { Key(provider: provider, deployment: deployment, tag: tag) }
    }

    /// A limit as it was set.
    struct Rule: Sendable {
        /// Its scope; of a template without the tag.
        var key: Key
        /// Of a template: what its tags begin with.
        var prefix: String?
        var limit: Limit
        var raised: Int64?
        var raisedUntil: Int64 = 0

        var amount: Int64 { max(limit.amount, raised ?? 0) }

        func covers(_ other: Key) -> Bool {
            guard let prefix else { return key == other }
            return other.tag.map { $0.hasPrefix(prefix) } == true && key == other.withoutTag
        }
    }

    /// What was counted in a sliding window.
    struct Use: Sendable {
        var at: Int64
        var amount: Int64
        /// What a denial may go by, for a sixtieth of the length longer: what was estimated, unless its call was cancelled.
        var most: Int64
    }

    /// What a limit took of a call.
    struct Taken: Sendable {
        enum State { case held, counted, assumed, released }

        var state: State
        var at: Int64
        /// The window that it counts in.
        var window: Int
    }

    /// What one scope has used of one limit.
    struct Instance: Sendable {
        var key: Key
        /// The limit's identity; its amount is that of the rule.
        var identity: Limit
        /// Counts its windows.
        var window = 0
        /// Of a fixed window: when it began.
        var start: Int64?
        /// What was used in the current window, where that does not slide.
        var used: Int64 = 0
        /// What was used in the last length, where the window slides.
        var uses: [Use] = []
        /// The part of what was used that is assumed of calls that were never settled.
        var assumed: [Use] = []
        var held: [UInt64: Int64] = [:]
        /// What became of each call that it took something of.
        var taken: [UInt64: Taken] = [:]
        /// Calls that a limit in the shadow would have denied, at least and at most.
        var wouldHaveDenied = (least: UInt64(0), most: UInt64(0))
    }

    /// A call that was admitted and not settled.
    struct Call: Sendable {
        /// How it ended unsettled.
        enum Ending { case expired, reclaimed, revoked }

        var permit: UInt64
        var worker: WorkerID
        var keys: [Key]
        /// The route as the call named it.
        var route: Key
        var need: Need
        var grantedAt: Int64
        var grantedAtWall: Int64
        var expiresAt: Int64
        var isInFlight = true
        /// How it ended unsettled, if it did, and when.
        var ending: (way: Ending, at: Int64)?

        var isLapsed: Bool { ending != nil }
    }

    var rules: [Rule] = []
    var instances: [Instance] = []
    var calls: [Call] = []
    var accounts: [Key: Account] = [:]
    /// What the successes of each route have cost, in their order.
    var costs: [Key: [Int64]] = [:]
    /// The calendars that were told, and when their current windows began on the wall clock.
    var calendars: [(window: LimitWindow, start: Int64)] = []
    /// What the wall clock says.
    var wall: Int64 = 0
    /// A limit that was exceeded though no call used more than was estimated.
    var violation: String?

    // MARK: What stands for what

    /// The places of the limits that stand for a scope: of those with one identity its own, else the longest template.
    func standing(for key: Key) -> [Int] {
        let covering = rules.indices.filter { rules[$0].covers(key) }
        return covering.filter { place in
            !covering.contains { other in
                rules[other].limit.isSame(as: rules[place].limit) && isNearer(rules[other], than: rules[place])
            }
        }
    }

    private func isNearer(_ rule: Rule, than other: Rule) -> Bool {
        guard let prefix = other.prefix else { return false }
        return rule.prefix.map { $0.count > prefix.count } ?? true
    }

    /// The limit that stands for what a scope has used of one like it.
    func rule(of instance: Instance) -> Int? {
        standing(for: instance.key).first { rules[$0].limit.isSame(as: instance.identity) }
    }

    func find(_ key: Key, _ limit: Limit) -> Int? {
        instances.firstIndex { $0.key == key && $0.identity.isSame(as: limit) }
    }

    mutating func instance(_ key: Key, _ limit: Limit) -> Int {
        if let known = find(key, limit) { return known }
        instances.append(Instance(key: key, identity: limit))
        return instances.count - 1
    }

    // MARK: What calls are likely to cost

    /// A route as a call names it.
    static func route(_ candidate: Candidate) -> Key {
        Key(provider: candidate.provider.text, deployment: candidate.deployment?.text, model: candidate.model?.text)
    }

    /// Whether a limit on cost that denies covers a call.
    func deniesCost(_ keys: [Key]) -> Bool {
        keys.contains { key in
            standing(for: key).contains { rules[$0].limit.dimension == .cost && rules[$0].limit.mode == .deny }
        }
    }

    /// What a call by a route holds if nobody tells what it costs: the cost that 95 % of the last 100 have not exceeded; the
    /// dearest if there are fewer than 20.
    func likelyCost(of route: Key) -> (cost: Int64, basis: CostBasis)? {
        guard let last = costs[route]?.suffix(100).sorted(), let dearest = last.last else { return nil }
        guard last.count >= 20 else { return (dearest, .dearest) }
        let place = last.indices.first { Double($0 + 1) >= 0.95 * Double(last.count) - 1e-9 }
        return place.map { (last[$0], .percentile) }
    }

    // MARK: What is used

    /// What was used in the current window.
    ///
    /// - Parameter stretched: whether a sliding window is taken a sixtieth longer, with what was estimated of calls that
    ///   were not cancelled
    func used(_ instance: Instance, at now: Int64, stretched: Bool = false) -> Int64 {
        let window = instance.identity.window
        guard window.kind == .sliding else { return isOver(instance, at: now) ? 0 : instance.used }
        let length = window.lengthMilliseconds + (stretched ? window.lengthMilliseconds / 60 : 0)
        let used: Int64 = instance.uses.reduce(0) { sum, use in
            guard use.at > now - length else { return sum }
            return sum + (stretched ? use.most : use.amount)
        }
        return max(0, used)
    }

    func held(_ instance: Instance) -> Int64 { instance.held.values.reduce(0, +) }

    /// The part of what was used that is assumed of calls that were never settled.
    func assumed(_ instance: Instance, at now: Int64, stretched: Bool = false) -> Int64 {
        guard !isOver(instance, at: now) else { return 0 }
        let window = instance.identity.window
        let length = window.lengthMilliseconds + (stretched ? window.lengthMilliseconds / 60 : 0)
        return instance.assumed.reduce(0) { sum, use in
            window.kind == .sliding && use.at <= now - length ? sum : sum + use.amount
        }
    }

    /// Whether a fixed window is over, or has not begun.
    func isOver(_ instance: Instance, at now: Int64) -> Bool {
        guard instance.identity.window.kind == .fixed else { return false }
        return instance.start.map { now - $0 >= instance.identity.window.lengthMilliseconds } ?? true
    }

    /// Whether what a limit took of a call counts in its current window.
    func isAlive(_ instance: Instance, _ taken: Taken, at now: Int64) -> Bool {
        guard taken.window == instance.window, !isOver(instance, at: now) else { return false }
        let window = instance.identity.window
        return window.kind != .sliding || now - taken.at < window.lengthMilliseconds
    }

    /// The denying limits without room for a call.
    func objections(to keys: [Key], _ need: Need, at now: Int64, stretched: Bool) -> [Rule] {
        var found: [Rule] = []
        for key in keys {
            for place in standing(for: key) where rules[place].limit.mode == .deny {
                if !hasRoom(for: need, key, rules[place], at: now, stretched: stretched) { found.append(rules[place]) }
            }
        }
        guard !keys.contains(where: { $0.model != nil }) else { return found }
        return found + modelObjections(to: keys, need, at: now, stretched: stretched)
    }

    /// The denying limits on models that are used up: a call that names none may be of each.
    private func modelObjections(to keys: [Key], _ need: Need, at now: Int64, stretched: Bool) -> [Rule] {
        instances.compactMap { instance in
            guard instance.key.model != nil, keys.contains(instance.key.withoutModel),
                let rule = rule(of: instance).map({ rules[$0] }), rule.limit.mode == .deny
            else { return nil }
            let needed = min(1, need[rule.limit.dimension] ?? 1)
            let level = used(instance, at: now, stretched: stretched) + held(instance)
            return needed > 0 && level + needed > rule.amount ? rule : nil
        }
    }

    /// Whether a limit has room for a call. One that takes nothing always finds it; one that does not say what it takes
    /// needs some.
    func hasRoom(for need: Need, _ key: Key, _ rule: Rule, at now: Int64, stretched: Bool) -> Bool {
        let needed = need[rule.limit.dimension] ?? 1
        guard needed > 0 else { return true }
        guard let instance = find(key, rule.limit).map({ instances[$0] }) else { return needed <= rule.amount }
        return used(instance, at: now, stretched: stretched) + held(instance) + needed <= rule.amount
    }
}

extension LimitModel {
    /// What a call takes of each dimension; nil: nobody has told.
    struct Need: Sendable {
        var cost: Int64?
        var input: Int64?
        var output: Int64?
        var tokens: Int64?

        /// What a call has used of which nothing was told.
        static let nothing = Need(cost: 0, input: 0, output: 0, tokens: 0)

        private init(cost: Int64?, input: Int64?, output: Int64?, tokens: Int64?) {
            (self.cost, self.input, self.output, self.tokens) = (cost, input, output, tokens)
        }

        /// A total of tokens counts in full against limits of either kind.
        init(_ estimate: Estimate) {
            cost = estimate.cost?.nanodollars
            input = (estimate.inputTokens ?? estimate.tokens).map { Int64($0) }
            output = (estimate.outputTokens ?? estimate.tokens).map { Int64($0) }
            tokens = estimate.tokens.map { Int64($0) }
            if tokens == nil, input != nil || output != nil { tokens = (input ?? 0) + (output ?? 0) }
        }

        init(_ cost: Money, _ inputTokens: UInt32, _ outputTokens: UInt32) {
            self.cost = cost.nanodollars
            input = Int64(inputTokens)
            output = Int64(outputTokens)
            tokens = Int64(inputTokens) + Int64(outputTokens)
        }

        init(_ usage: CallUsage) { self.init(usage.cost, usage.tokens) }

        /// What was told of a call.
        init(_ cost: Money?, _ tokens: TokenUsage) {
            func sum(_ counts: UInt32?...) -> Int64? {
                let told = counts.compactMap(\.self)
                return told.isEmpty ? nil : told.reduce(0) { $0 + Int64($1) }
            }
            self.cost = cost?.nanodollars
            input = sum(tokens.input, tokens.cachedInput, tokens.cacheWrite)
            output = sum(tokens.output, tokens.reasoning)
            if input != nil || output != nil { self.tokens = (input ?? 0) + (output ?? 0) }
        }

        /// What counts of a call: what was told, and else what was estimated.
        func filled(from estimate: Need) -> Need {
            var need = self
            need.cost = cost ?? estimate.cost ?? 0
            need.input = input ?? estimate.input ?? 0
            need.output = output ?? estimate.output ?? 0
            need.tokens = (need.input ?? 0) + (need.output ?? 0)
            // An estimate may be one number for both kinds.
            if input == nil || output == nil, let all = estimate.tokens,
                all != (estimate.input ?? 0) + (estimate.output ?? 0)
            {
                need.tokens = max(all, tokens ?? 0)
            }
            return need
        }

        subscript(dimension: LimitDimension) -> Int64? {
            switch dimension {
            case .cost: cost
            case .requests, .inFlight: 1
            case .tokens: tokens
            case .inputTokens: input
            case .outputTokens: output
            case .unknown: nil
            }
        }
    }
}
