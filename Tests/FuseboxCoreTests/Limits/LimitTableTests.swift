import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Random limits, calls, ends and times against `LimitModel`.
@Suite struct LimitTableTests {
    struct Pair {
        var table = LimitTable()
        var tags = TagTable()
        var model = LimitModel()
        var calls: [LimitModel.Call] = []
        var charges: [Int: Int] = [:]
        var scopes: [Int: CallScopes] = [:]
        var now: Int64 = 1_700_000_000_000
        var random: SplitMix64
        var nextCall = 1
        var granted = 0
        var denied = 0
        let tagTexts = ["user:a", "user:ab", "user:b", "team:x"]
        let prefixes = ["user:", "user:a", "team:"]

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        var moment: Moment { Moment(now: Timestamp(milliseconds: now), wall: Timestamp(milliseconds: now)) }

        mutating func pick(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

        mutating func tag(_ text: String) throws -> TagID {
            let name = try Name(text)
            if let known = tags.find(name) { return known }
            let tag = tags.intern(name, by: 0, table)
            tags.retain(tag)
            model.tagNames[tag] = text
            return tag
        }

        mutating func call() throws -> CallScopes {
            var call = CallScopes(
                provider: NameID(index: pick(2)), deployment: pick(3) == 0 ? NameID(index: 2 + pick(2)) : nil,
                model: pick(2) == 0 ? ModelID(index: pick(2)) : nil)
            for _ in 0..<pick(3) { call.add(try tag(tagTexts[pick(4)])) }
            return call
        }

        mutating func need() -> CallNeed {
            CallNeed(
                cost: Int64(pick(4) * 10), requests: 1, inputTokens: Int64(pick(3) * 5),
                outputTokens: Int64(pick(3) * 5))
        }

        mutating func limit() -> Limit {
            let dimension = LimitDimension.allCases[pick(6)]
            let window: LimitWindow =
                switch pick(5) {
                case 0: .sliding(milliseconds: 1_000)
                case 1: .sliding(milliseconds: 61_337)
                case 2: .fixed(milliseconds: 60_000)
                case 3: .manual
                default: .prepaid
                }
            let amount = Int64(dimension == .cost ? pick(30) * 10 : dimension == .inFlight ? pick(8) : pick(60))
            let mode: LimitMode = [.deny, .deny, .deny, .notify, .shadow][pick(5)]
            return Limit(
                dimension, amount, dimension == .inFlight ? LimitWindow() : window, mode: mode,
                onLapse: pick(2) == 0 ? .charge : .release)
        }

        // MARK: Operations

        mutating func set() throws {
            var limit = limit()
            var key = ScopeKey()
            // Often one that stands for the same, of a template in another's place or of a tag in a template's.
            if !model.rules.isEmpty, pick(2) == 0 {
                let other = model.rules[pick(model.rules.count)]
                key = other.key.withoutTag
                limit = Limit(
                    other.limit.dimension, Int64(pick(30)), other.limit.window, mode: other.limit.mode,
                    onLapse: other.limit.onLapse)
            } else if pick(2) == 0 {
                key.place = NameID(index: pick(4))
                if pick(2) == 0 { key.model = ModelID(index: pick(2)) }
            }
            var prefix: String?
            let tagged = pick(3)
            if tagged > 0, key.place.map({ $0.index < 2 }) ?? true {
                if tagged == 1 { key.tag = try tag(tagTexts[pick(4)]) } else { prefix = prefixes[pick(3)] }
            }
            let mark = table.newestGeneration
            let before = model.instances.map { ($0.key, $0.limit) }
            let prefixName = try prefix.map { try Name($0) }
            _ = table.set(key, prefixName, limit, &tags, at: moment.now)
            if prefix != nil {
                tags.renewTemplates(table)
                table.reassignUses(tags, at: moment.now)
            }
            model.rules.removeAll { $0.key == key && $0.prefix == prefix && $0.limit.isSame(as: limit) }
            model.rules.append(.init(key: key, prefix: prefix, limit: limit))
            model.refresh()
            if prefix == nil { _ = model.instance(key, limit) }
            for call in calls where !call.isLapsed {
                charges[call.number] = table.chargeLate(
                    scopes[call.number]!, &tags, call.need, newerThan: mark, isInFlight: call.isInFlight,
                    grantedAt: Timestamp(milliseconds: call.grantedAt), first: charges[call.number], at: moment.now)
                for key in call.keys {
                    for limit in model.limits(of: key)
                    where !before.contains(where: { $0.0 == key && $0.1.isSame(as: limit) }) {
                        model.takeLate(call, key, limit, at: now)
                    }
                }
            }
        }

        mutating func remove() {
            guard !model.rules.isEmpty else { return }
            let rule = model.rules.remove(at: pick(model.rules.count))
            let prefix = rule.prefix.flatMap { try? Name($0) }
            let place = table.findRule(rule.key, prefix, rule.limit)
            #expect(place != nil)
            guard let place else { return }
            table.remove(place, &tags, at: moment.now)
            if prefix != nil { tags.renewTemplates(table) }
            model.refresh()
            model.drop()
        }

        mutating func admit() throws {
            let scopes = try call()
            let need = need()
            var objections: [LimitTable.Objection] = []
            table.forEachObjection(to: scopes, tags, need, at: moment) { objections.append($0) }
            var keys: [ScopeKey] = []
            scopes.forEach { keys.append($0) }
            let sure = model.objections(keys, need, at: now, stretched: false)
            let possible = model.objections(keys, need, at: now, stretched: true)
            if objections.isEmpty {
                #expect(sure.isEmpty, "granted against \(sure)")
                granted += 1
                let number = nextCall
                nextCall += 1
                charges[number] = table.charge(scopes, &tags, need, at: moment)
                self.scopes[number] = scopes
                let call = LimitModel.Call(number: number, keys: keys, need: need, grantedAt: now)
                calls.append(call)
                for key in keys { for limit in model.limits(of: key) { model.take(call, key, limit, at: now) } }
            } else {
                #expect(!possible.isEmpty, "denied by \(objections)")
                denied += 1
                // Coming back when it says is not in vain, if nothing else stands against it then.
                for objection in objections {
                    guard let wait = objection.obstacle.milliseconds, wait > 0, let entry = objection.entry else {
                        continue
                    }
                    let rule = table.rules[objection.rule]
                    let needed = Int128(need[rule.limit.dimension])
                    let then = Timestamp(milliseconds: now + wait)
                    // What is held may still be in the way; what was used is not, and was a millisecond before.
                    #expect(table.used(entry, at: then) + needed <= Int128(rule.amount), "after \(wait)")
                    let before = Timestamp(milliseconds: now + wait - 1)
                    #expect(table.used(entry, at: before) + needed > Int128(rule.amount), "before \(wait)")
                }
            }
        }

        mutating func end() {
            guard !calls.isEmpty else { return }
            let place = pick(calls.count)
            let call = calls[place]
            switch pick(6) {
            case 0 where !call.isLapsed:
                let givesBack = pick(3) == 0
                table.lapse(charges[call.number], estimate: call.need, givesBack: givesBack, at: moment.now)
                model.lapse(call, givesBack: givesBack, at: now)
                calls[place].isLapsed = true
                calls[place].isInFlight = false
            case 1 where call.isInFlight:
                let holds = table.endFlight(charges[call.number], estimate: call.need, at: moment.now)
                #expect(holds == model.endFlight(call, at: now))
                calls[place].isInFlight = false
            default:
                let used: LimitTable.Used
                switch pick(4) {
                case 0: used = .cancelled
                case 1: used = .estimate
                default: used = .told(need())
                }
                table.settle(charges[call.number], estimate: call.need, used, at: moment.now)
                model.settle(call, used, at: now)
                charges[call.number] = nil
                scopes[call.number] = nil
                calls.remove(at: place)
            }
        }

        mutating func report() throws {
            let scopes = try call()
            let used = need()
            table.report(scopes, &tags, used, at: moment)
            scopes.forEach { key in
                for limit in model.limits(of: key) {
                    let place = model.instance(key, limit)
                    guard limit.dimension != .inFlight else { continue }
                    model.count(used[limit.dimension], place, call: 0, estimate: 0, at: now)
                }
            }
        }

        /// Whether the two agree.
        func compare() -> Bool {
            var count = 0
            var agree = true
            func check(_ holds: Bool, _ what: @autoclosure () -> String) {
                guard !holds else { return }
                agree = false
                Issue.record("\(what())")
            }
            table.entries.forEachSlot { place in
                count += 1
                let entry = table.entries[place]
                let limit = table.rules[entry.rule].limit
                guard let instance = model.instances.first(where: { $0.key == entry.key && $0.limit.isSame(as: limit) })
                else {
                    return check(false, "the model knows no use of \(limit) by \(entry.key)")
                }
                let used = Int64(table.used(place, at: moment.now))
                let exact = model.used(instance, at: now)
                if limit.window.kind == .sliding {
                    let most = model.used(instance, at: now, stretched: true)
                    check(used >= exact && used <= most, "\(limit) of \(entry.key): \(exact) <= \(used) <= \(most)")
                } else {
                    check(used == exact, "\(limit) of \(entry.key): used \(used), not \(exact)")
                }
                let held = instance.held.values.reduce(0, +)
                check(Int64(entry.held) == held, "\(limit) of \(entry.key): holds \(entry.held), not \(held)")
                check(limit == model.rule(entry.key, limit)?.limit, "\(limit) is not the model's")
            }
            check(count == model.instances.count, "\(count) uses, not \(model.instances.count)")
            check(table.slides.count <= count, "\(table.slides.count) slides")
            return agree
        }
    }

    @Test(arguments: 1...6)
    func agreesWithTheModel(seed: Int) throws {
        var pair = Pair(seed: UInt64(seed))
        for step in 0..<1_500 {
            switch pair.pick(40) {
            case 0...1: try pair.set()
            case 2: pair.remove()
            case 3...20: try pair.admit()
            case 21...33: pair.end()
            case 34...35: try pair.report()
            default: pair.now += Int64([0, 1, 13, 100, 950, 1_017, 5_000, 60_000][pair.pick(8)])
            }
            guard pair.compare() else {
                Issue.record("after step \(step)")
                return
            }
        }
        #expect(pair.granted > 30 && pair.denied > 30, "\(pair.granted) granted, \(pair.denied) denied")
    }
}
