import FuseboxWire
import Testing

@testable import FuseboxCore

/// Limits as a list of rules and lists of uses: nothing is indexed, nothing is summed before it is asked for.
///
/// It is written from the documents, apart from `LimitTable`.
struct LimitModel {
    struct Rule {
        var key: ScopeKey
        var prefix: String?
        var limit: Limit
    }

    struct Use {
        var call: Int
        var at: Int64
        var amount: Int64
        /// What was estimated of it at the admission, unless it was cancelled: what a denial may go by.
        var estimate: Int64
        var isAssumed = false
    }

    /// What a limit took of a call.
    struct Taken {
        var isHeld: Bool
        var at: Int64
        var isAssumed = false
        var isReleased = false
    }

    /// What one scope has used of one limit.
    struct Instance {
        var key: ScopeKey
        var limit: Limit
        var uses: [Use] = []
        var held: [Int: Int64] = [:]
        /// What became of each call that it took something of.
        var taken: [Int: Taken] = [:]
        /// Uses before this do not count.
        var start: Int64?
    }

    struct Call {
        var number: Int
        var keys: [ScopeKey]
        var need: CallNeed
        var grantedAt: Int64
        var isInFlight = true
        var isLapsed = false
        /// What it gave back when it lapsed.
        var released: Set<Int> = []
    }

    var rules: [Rule] = []
    var instances: [Instance] = []
    var tagNames: [TagID: String] = [:]

    func rule(_ key: ScopeKey, _ limit: Limit) -> Rule? {
        if let own = rules.first(where: { $0.prefix == nil && $0.key == key && $0.limit.isSame(as: limit) }) {
            return own
        }
        guard let tag = key.tag, let name = tagNames[tag] else { return nil }
        return rules.filter {
            guard let prefix = $0.prefix else { return false }
            return name.hasPrefix(prefix) && $0.key == key.withoutTag && $0.limit.isSame(as: limit)
        }.max { ($0.prefix ?? "").count < ($1.prefix ?? "").count }
    }

    /// The limits that stand for a scope.
    func limits(of key: ScopeKey) -> [Limit] {
        var found: [Limit] = []
        for rule in rules where !found.contains(where: { $0.isSame(as: rule.limit) }) {
            if let standing = self.rule(key, rule.limit) { found.append(standing.limit) }
        }
        return found
    }

    mutating func instance(_ key: ScopeKey, _ limit: Limit) -> Int {
        if let known = instances.firstIndex(where: { $0.key == key && $0.limit.isSame(as: limit) }) { return known }
        instances.append(Instance(key: key, limit: limit))
        return instances.count - 1
    }

    /// Drops what no limit stands for any more.
    mutating func drop() { instances = instances.filter { rule($0.key, $0.limit) != nil } }

    /// What was used in the last so many milliseconds, or in the window that holds now.
    func used(_ instance: Instance, at now: Int64, stretched: Bool = false) -> Int64 {
        let window = instance.limit.window
        switch window.kind {
        case .sliding:
            let length = window.lengthMilliseconds + (stretched ? window.lengthMilliseconds / 60 : 0)
            return instance.uses.filter { $0.at > now - length }.reduce(0) {
                $0 + (stretched ? max($1.amount, $1.estimate) : $1.amount)
            }
        case .fixed:
            guard let start = instance.start, now - start < window.lengthMilliseconds else { return 0 }
            return instance.uses.filter { $0.at >= start }.reduce(0) { $0 + $1.amount }
        default: return instance.uses.reduce(0) { $0 + $1.amount }
        }
    }
}

// MARK: What happens to calls

extension LimitModel {
    /// The limits of instances follow the rules.
    mutating func refresh() {
        for place in instances.indices {
            if let rule = rule(instances[place].key, instances[place].limit) { instances[place].limit = rule.limit }
        }
    }

    func objections(_ keys: [ScopeKey], _ need: CallNeed, at now: Int64, stretched: Bool) -> [Limit] {
        var found: [Limit] = []
        for key in keys {
            for limit in limits(of: key) where limit.mode == .deny {
                let needed = need[limit.dimension]
                guard needed > 0 else { continue }
                var sum = needed
                if let instance = instances.first(where: { $0.key == key && $0.limit.isSame(as: limit) }) {
                    sum += used(instance, at: now, stretched: stretched) + instance.held.values.reduce(0, +)
                }
                if sum > limit.amount { found.append(limit) }
            }
        }
        return found
    }

    mutating func count(_ amount: Int64, _ place: Int, call: Int, estimate: Int64, at now: Int64) {
        guard amount > 0 else { return }
        if instances[place].limit.window.kind == .fixed {
            let length = instances[place].limit.window.lengthMilliseconds
            if instances[place].start.map({ now - $0 >= length }) ?? true {
                instances[place].start = now
                instances[place].uses = []
            }
        }
        instances[place].uses.append(Use(call: call, at: now, amount: amount, estimate: max(amount, estimate)))
    }

    /// Whether what was counted at a moment still counts.
    private func isAlive(_ instance: Instance, since then: Int64, at now: Int64) -> Bool {
        switch instance.limit.window.kind {
        case .sliding: now - then < instance.limit.window.lengthMilliseconds
        case .fixed:
            instance.start.map { then >= $0 && now - $0 < instance.limit.window.lengthMilliseconds } ?? false
        default: true
        }
    }

    /// Makes a call's use so much, from the moment it was counted at.
    private mutating func correct(
        _ place: Int, call: Int, from before: Int64, to amount: Int64, since then: Int64, isCancelled: Bool,
        at now: Int64
    ) {
        guard amount != before else { return }
        guard isAlive(instances[place], since: then, at: now) else {
            if amount > before { count(amount - before, place, call: call, estimate: 0, at: now) }
            return
        }
        instances[place].uses.append(
            Use(
                call: call, at: then, amount: amount - before,
                estimate: isCancelled ? amount - before : max(0, amount - before)))
    }

    mutating func take(_ call: Call, _ key: ScopeKey, _ limit: Limit, at now: Int64) {
        let place = instance(key, limit)
        let amount = call.need[limit.dimension]
        switch limit.dimension {
        case .cost, .inFlight: instances[place].held[call.number] = amount
        default: count(amount, place, call: call.number, estimate: amount, at: now)
        }
        instances[place].taken[call.number] = Taken(
            isHeld: limit.dimension == .cost || limit.dimension == .inFlight, at: now)
    }

    mutating func takeLate(_ call: Call, _ key: ScopeKey, _ limit: Limit, at now: Int64) {
        let place = instance(key, limit)
        let amount = call.need[limit.dimension]
        switch limit.dimension {
        case .cost: instances[place].held[call.number] = amount
        case .inFlight: instances[place].held[call.number] = call.isInFlight ? amount : nil
        default:
            if limit.window.kind == .fixed, instances[place].start == nil, true { instances[place].start = now }
            correct(
                place, call: call.number, from: 0, to: amount,
                since: limit.window.kind == .sliding ? call.grantedAt : now, isCancelled: false, at: now)
        }
        instances[place].taken[call.number] = Taken(
            isHeld: limit.dimension == .cost || limit.dimension == .inFlight && call.isInFlight,
            at: limit.window.kind == .fixed ? now : call.grantedAt)
    }

    mutating func settle(_ call: Call, _ used: LimitTable.Used, at now: Int64) {
        for place in instances.indices {
            guard let taken = instances[place].taken.removeValue(forKey: call.number) else { continue }
            let dimension = instances[place].limit.dimension
            let estimate = call.need[dimension]
            var isCancelled = false
            let actual: Int64
            switch used {
            case .cancelled: (actual, isCancelled) = (0, true)
            case .estimate: actual = estimate
            case .told(let need): actual = need[dimension]
            }
            if instances[place].held.removeValue(forKey: call.number) != nil {
                if dimension == .cost { count(actual, place, call: call.number, estimate: actual, at: now) }
                continue
            }
            switch dimension {
            case .inFlight: break
            case .requests:
                if isCancelled {
                    correct(place, call: call.number, from: 1, to: 0, since: taken.at, isCancelled: true, at: now)
                }
            default:
                correct(
                    place, call: call.number, from: taken.isReleased ? 0 : estimate, to: actual, since: taken.at,
                    isCancelled: isCancelled, at: now)
            }
        }
    }

    mutating func lapse(_ call: Call, givesBack: Bool, onlyWatching: Bool = false, at now: Int64) {
        for place in instances.indices {
            guard var taken = instances[place].taken[call.number], !taken.isReleased, !taken.isAssumed else { continue }
            let limit = instances[place].limit
            let estimate = call.need[limit.dimension]
            let isCharged = !givesBack && limit.onLapse == .charge
            switch limit.dimension {
            case .requests: continue
            case .inFlight: instances[place].held[call.number] = nil
            case .cost:
                instances[place].held[call.number] = nil
                if isCharged { count(estimate, place, call: call.number, estimate: estimate, at: now) }
                taken.at = now
            default:
                if !isCharged {
                    correct(
                        place, call: call.number, from: estimate, to: 0, since: taken.at, isCancelled: false, at: now)
                }
            }
            if isCharged { taken.isAssumed = true } else { taken.isReleased = true }
            instances[place].taken[call.number] = taken
        }
    }

    mutating func endFlight(_ call: Call, at now: Int64) -> Bool {
        var holds = false
        for place in instances.indices {
            guard let taken = instances[place].taken[call.number], !taken.isReleased else { continue }
            let limit = instances[place].limit
            if limit.dimension == .inFlight || limit.mode != .deny {
                var copy = self
                copy.instances = [instances[place]]
                copy.lapse(call, givesBack: true, at: now)
                instances[place] = copy.instances[0]
            } else if limit.dimension != .requests, call.need[limit.dimension] > 0 {
                holds = true
            }
        }
        return holds
    }
}
