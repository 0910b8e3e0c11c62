import FuseboxCore
import FuseboxWire

/// A state machine with `LimitModel` beside it. Both get the same commands, and must agree on every decision and on all
/// that is used, held and assumed.
package struct LimitPair: Sendable {
    /// What has happened so far.
    package struct Counts: Sendable, Equatable {
        package var granted = 0
        package var denied = 0
        package var settled = 0
        package var lapsed = 0
        package var deaths = 0

        package init() {}
    }

    package private(set) var machine: StateMachine
    var model = LimitModel()
    /// Where the two do not agree, or a promise is broken; nil: nowhere so far.
    package private(set) var violation: String?
    package private(set) var counts = Counts()

    package init(_ machine: StateMachine) { self.machine = machine }

    mutating func fail(_ what: @autoclosure () -> String) { if violation == nil { violation = what() } }

    /// Goes on with the same state from a file.
    mutating func restart(_ machine: StateMachine) { self.machine = machine }

    /// The limits that are set, by the model.
    var limits: [(scope: Scope, limit: Limit)] {
        model.rules.map { rule in
            let tag = rule.prefix.map { $0 + "*" } ?? rule.key.tag
            let scope = Scope(
                provider: rule.key.provider.map { Names.name($0) },
                deployment: rule.key.deployment.map { Names.name($0) },
                model: rule.key.model.map { Names.name($0) }, tag: tag.map { Names.name($0) })
            return (scope, rule.limit)
        }
    }

    // MARK: Applying

    /// Lets time pass without a command.
    mutating func passTime(to moment: Moment) { machine.passTime(to: moment) }

    /// Applies a command to both; returns nil if it was refused.
    @discardableResult
    mutating func apply<C: StateCommand>(
        _ command: C, at moment: Moment, by user: UInt32 = 0, worker: WorkerID = WorkerID(), request: UInt64 = 0
    ) -> C.Reply? {
        let now = max(moment.now, machine.lastMoment.now).milliseconds
        var effects: [Event] = []
        do throws(Refusal) {
            let reply = try machine.apply(
                command, at: moment, by: user, isOperator: true, worker: worker, request: request, effects: &effects)
            model.wall = max(moment.wall, machine.lastMoment.wall).milliseconds
            if let admit = command as? Admit, let reply = reply as? Admit.Reply {
                decided(admit, reply, by: user, worker, at: now)
            } else if let turn = command as? GrantTurn, let reply = reply as? Admit.Reply {
                decided(turn.call, reply, by: user, worker, at: now)
                if reply.permit == nil { fail("ticket \(turn.ticket) had its turn and no permit") }
            } else {
                note(command, at: now, by: user)
            }
            for case .permitLapsed in effects { counts.lapsed += 1 }
            if let broken = model.violation { fail(broken) }
            return reply
        } catch { return nil }
    }

    /// Lets the model know of a command that was carried out.
    private mutating func note(_ command: some StateCommand, at now: Int64, by user: UInt32) {
        switch command {
        case let set as LimitSet: noteSet(set, at: now)
        case let remove as LimitRemove: model.remove(remove.scope, remove.limits)
        case let raise as LimitRaise:
            let milliseconds = raise.milliseconds ?? raise.until.map { $0 - machine.lastMoment.wall } ?? 0
            model.raise(raise.scope, raise.limit, until: now + milliseconds)
        case let reset as LedgerReset: model.reset(reset.scope, at: now)
        case let adjust as LedgerAdjust: noteAdjust(adjust, at: now)
        case let begin as BeginWindow:
            model.begin(begin.calendar, start: begin.start.milliseconds, keepsUse: begin.keepsUse, at: now)
        case is Advance: model.advance(to: now)
        case let settle as Settle: noteSettle(settle, at: now)
        case let renew as Renew: model.renew(renew.permit, until: now + renew.ttlMilliseconds)
        case let revoke as Revoke: model.revoke(revoke.permit, at: now)
        case let reclaim as ReclaimPermits:
            counts.deaths += 1
            for call in model.calls where call.worker == reclaim.worker { model.endFlight(call.permit, at: now) }
        case let report as Report: noteReport(report, at: now, by: user)
        case let record as LedgerRecord:
            let keys = LimitModel.keys(
                record.provider.text, record.deployment?.text, record.model.text, Self.tags(record.tags, of: user))
            model.report(keys, LimitModel.Need(record.cost, record.tokens), at: now)
        default: return
        }
    }

    /// The tags of a call, with that of its user.
    private static func tags(_ told: WireLimits.TagList, of user: UInt32) -> [String] {
        var tags: [String] = []
        for place in told.indices where !tags.contains(told[place].text) { tags.append(told[place].text) }
        return tags + ["uid:\(user)"]
    }

    private mutating func noteSettle(_ settle: Settle, at now: Int64) {
        counts.settled += 1
        let end: LimitModel.End =
            if settle.outcome == .cancelled {
                .cancelled
            } else if let usage = settle.usage {
                .used(
                    LimitModel.Need(usage), answering: (usage.model ?? .unspecifiedModel).text,
                    isSuccess: settle.outcome == .success)
            } else {
                // A success has used something, though nobody says how much.
                settle.outcome == .success ? .asEstimated : .nothing
            }
        model.settle(settle.permit, end, at: now)
    }

    private mutating func noteReport(_ report: Report, at now: Int64, by user: UInt32) {
        guard report.outcome != .cancelled else { return }
        var name = report.candidate.model
        if report.usage != nil { name = name ?? report.usage?.model ?? .unspecifiedModel }
        let keys = LimitModel.keys(
            report.candidate.provider.text, report.candidate.deployment?.text, name?.text,
            Self.tags(report.tags, of: user))
        model.report(keys, report.usage.map { LimitModel.Need($0) } ?? .nothing, at: now)
        guard report.outcome == .success, let cost = report.usage?.cost else { return }
        model.costs[LimitModel.route(report.candidate), default: []].append(cost.nanodollars)
    }

    // MARK: Decisions

    /// A call was admitted by a route only if no limit stands against it; and it was denied the routes before that only if
    /// one does.
    private mutating func decided(
        _ admit: Admit, _ reply: Admit.Reply, by user: UInt32, _ worker: WorkerID, at now: Int64
    ) {
        let tags = Self.tags(admit.tags, of: user)
        var needs: [LimitModel.Need] = []
        for place in admit.candidates.indices {
            let route = admit.candidates[place]
            let keys = LimitModel.keys(route.provider.text, route.deployment?.text, route.model?.text, tags)
            var need = LimitModel.Need(admit.estimate)
            var basis: CostBasis = need.cost == nil ? .nothing : .told
            if need.cost == nil, model.deniesCost(keys),
                let likely = model.likelyCost(of: LimitModel.route(route))
            {
                (need.cost, basis) = (likely.cost, likely.basis)
            }
            needs.append(need)
            if let chosen = reply.decision.candidate, Int(chosen) == place {
                let sure = model.objections(to: keys, need, at: now, stretched: false)
                if let first = sure.first { fail("admitted against '\(first.limit)' on \(first.key)") }
                let held = reply.decision.heldCost?.nanodollars
                if held != need.cost || reply.decision.costBasis != basis {
                    fail("\(String(describing: held)) held, \(reply.decision.costBasis), not \(need) \(basis)")
                }
                counts.granted += 1
                model.grant(
                    LimitModel.Call(
                        permit: reply.permit ?? 0, worker: worker, keys: keys, route: LimitModel.route(route),
                        need: need, grantedAt: now,
                        grantedAtWall: model.wall, expiresAt: now + admit.ttlMilliseconds),
                    at: now)
                return
            }
            let denial = reply.decision.denials[place]
            if denial.reason == .limit, model.objections(to: keys, need, at: now, stretched: true).isEmpty {
                fail(
                    "denied by \(reply.decision.limits.map { "'\($0.limit)' on \($0.scope)" }), and nothing is in the way"
                )
            }
        }
        counts.denied += 1
        for objection in reply.decision.limits {
            let namesModel = admit.candidates[Int(objection.candidate)].model != nil
            let most = objection.scope.model != nil && !namesModel ? 1 : Int64.max
            let need = needs[Int(objection.candidate)]
            checkRetry(objection, min(most, need[objection.limit.dimension] ?? 1), at: now)
        }
    }

    /// Coming back when a limit says is not in vain, as far as that limit's use goes, and not too late.
    private mutating func checkRetry(_ objection: LimitObjection, _ needed: Int64, at now: Int64) {
        let kind = objection.limit.window.kind
        guard let wait = objection.retryAfterMilliseconds, wait > 0, kind == .sliding || kind == .fixed,
            let place = model.find(LimitModel.Target(objection.scope).key, objection.limit)
        else { return }
        let instance = model.instances[place]
        let room = objection.amount - needed
        if model.used(instance, at: now + wait) > room { fail("'\(objection.limit)' has no room after \(wait) ms") }
        if model.used(instance, at: now + wait - 1, stretched: true) <= room {
            fail("'\(objection.limit)' has room before \(wait) ms")
        }
    }

    // MARK: Comparing

    /// Compares the model with the state machine.
    mutating func compare(at moment: Moment) {
        var machine = machine
        var effects: [Event] = []
        let difference = difference(at: max(moment.now, machine.lastMoment.now).milliseconds) { list in
            try? machine.apply(list, at: moment, effects: &effects)
        }
        if let difference { fail(difference) }
        let other = accountDifference { try? machine.apply($0, at: moment, effects: &effects) }
        if let other { fail(other) }
    }

    /// Where a listing of limits is not what the model says; nil: nowhere.
    func difference(at now: Int64, _ list: (LimitList) -> LimitList.Reply?) -> String? {
        guard let set = Self.entries(of: nil, list) else { return "no list of limits" }
        guard set.count == model.rules.count else { return "\(set.count) limits, not \(model.rules.count)" }
        var templates: [Scope] = []
        var uses = 0
        for entry in set {
            let target = LimitModel.Target(entry.scope)
            guard
                let rule = model.rules.first(where: {
                    $0.key == target.key && $0.prefix == target.prefix && $0.limit == entry.limit
                        && $0.raised == entry.raisedAmount
                })
            else { return "'\(entry.limit)' on \(entry.scope) is not set, or raised otherwise" }
            if target.prefix == nil {
                if let difference = difference(entry, of: target.key, at: now) { return difference }
                uses += 1
            } else {
                let count = model.instances.count { isTemplate(rule, of: $0) }
                guard entry.uses == count else { return "\(entry.uses) uses of \(entry.scope), not \(count)" }
                if !templates.contains(entry.scope) { templates.append(entry.scope) }
            }
        }
        for scope in templates {
            guard let entries = Self.entries(of: scope, list) else { return "no list of \(scope)" }
            for entry in entries where entry.template != nil {
                if let difference = difference(entry, of: LimitModel.Target(entry.scope).key, at: now) {
                    return difference
                }
                uses += 1
            }
        }
        return uses == model.instances.count ? nil : "\(uses) uses, not \(model.instances.count)"
    }

    private func isTemplate(_ rule: LimitModel.Rule, of instance: LimitModel.Instance) -> Bool {
        guard rule.limit.isSame(as: instance.identity), rule.covers(instance.key),
            let place = model.rule(of: instance)
        else { return false }
        return model.rules[place].prefix == rule.prefix
    }

    static func entries(of scope: Scope?, _ list: (LimitList) -> LimitList.Reply?) -> [LimitEntry]? {
        var entries: [LimitEntry] = []
        var cursor: UInt64 = 0
        repeat {
            guard let page = list(LimitList(scope: scope, cursor: cursor)) else { return nil }
            entries += page.entries
            cursor = page.next
        } while cursor != 0
        return entries
    }

    private func difference(_ entry: LimitEntry, of key: LimitModel.Key, at now: Int64) -> String? {
        let what = "'\(entry.limit)' on \(entry.scope)"
        guard let instance = model.find(key, entry.limit).map({ model.instances[$0] }) else {
            return "\(what) was never used"
        }
        let exact = model.used(instance, at: now)
        let most = model.used(instance, at: now, stretched: true)
        guard (exact...most).contains(entry.used) else { return "\(what): used \(entry.used), not \(exact) to \(most)" }
        let held = model.held(instance)
        guard entry.held == held else { return "\(what): \(entry.held) held, not \(held)" }
        let assumed = model.assumed(instance, at: now)
        let mostAssumed = model.assumed(instance, at: now, stretched: true)
        guard (assumed...mostAssumed).contains(entry.assumed) else {
            return "\(what): \(entry.assumed) assumed, not \(assumed) to \(mostAssumed)"
        }
        let shadow = instance.wouldHaveDenied
        guard (shadow.least...shadow.most).contains(entry.wouldHaveDenied) else {
            return "\(what): would have denied \(entry.wouldHaveDenied), not \(shadow.least) to \(shadow.most)"
        }
        guard entry.limit.window.kind == .fixed else { return nil }
        let start = model.isOver(instance, at: now) ? nil : instance.start
        let left = start.map { $0 + entry.limit.window.lengthMilliseconds - now }
        return entry.endsInMilliseconds == left
            ? nil : "\(what) ends in \(String(describing: entry.endsInMilliseconds))"
    }
}
