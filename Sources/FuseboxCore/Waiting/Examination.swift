import FuseboxWire

/// What was found about a call that waits, or may wait.
struct Examination {
    /// What stands against a candidate, or would if it had no room.
    struct Obstacle {
        var subject: WaitSubject
        /// What the call needs of the limit.
        var need: Int64
    }

    /// The candidate that may be granted.
    var chosen: Int?
    /// The candidates that waiting calls come first for, a bit each.
    var passed: UInt16 = 0
    /// How long time alone keeps these calls back; nil: for ever.
    var passedMilliseconds: Int64? = 0
    /// The candidate whose share must be drawn at, because nothing else stands against it.
    var mustDraw: Int?
    /// The breaker whose share was drawn by a later call, and which this one takes.
    var takesDraw: RouteKey?
    /// The breaker at whose share this call leaves its draw to those that wait.
    var leavesDraw: RouteKey?
    /// Whether the call draws at a share on its arrival.
    var draws = false
    /// Whether a candidate can come free before the deadline.
    var canComeFree = false
    /// How long it takes until time lifts something; nil: time lifts nothing.
    var untilLifted: Int64?
    /// What stands against the first candidate.
    var reason: DenialReason?
    /// What stands against the candidates that can come free, each subject once.
    var obstacles: [Obstacle] = []
    /// The limits that cover these candidates and that the call needs something of, each once; none if it is not old.
    var covering: [Obstacle] = []

    /// Adds to a list what is not in it. Of one subject the largest need is kept.
    static func add(_ found: [Obstacle], to list: inout [Obstacle]) {
        for obstacle in found {
            if let known = list.firstIndex(where: { $0.subject == obstacle.subject }) {
                list[known].need = max(list[known].need, obstacle.need)
            } else {
                list.append(obstacle)
            }
        }
    }
}

/// What was found about one candidate.
private struct CandidateExamination {
    var obstacles: [Examination.Obstacle] = []
    var covering: [Examination.Obstacle] = []
    /// Whether nothing lifts an obstacle before the deadline.
    var isHopeless = false
    /// How long until time lifts the first of the obstacles.
    var untilLifted: Int64?
    /// The first call that comes first here, if any does.
    var behind: Int?
    /// Whether anything but calls that come first stands against it.
    var isDenied = false

    mutating func add(_ subject: WaitSubject?, need: Int64, for milliseconds: Int64?, isLiftable: Bool, left: Int64) {
        isDenied = true
        if let subject { obstacles.append(Examination.Obstacle(subject: subject, need: need)) }
        if !isLiftable, milliseconds.map({ $0 > left }) ?? true || subject == nil { isHopeless = true }
        if let milliseconds, milliseconds > 0 { untilLifted = min(untilLifted ?? .max, milliseconds) }
    }
}

/// The call that is examined.
struct ExaminedCall {
    /// Its place; nil: it arrives now.
    var slot: Int?
    var application: Application
    /// How long it may still wait.
    var left: Int64
    /// Where it stands; nil: behind every call that waits.
    var order: WaitQueue.Order?
    var hasDrawn = false
    /// Whether it reserves of every limit that covers it.
    var isOld = false
}

extension WaitQueue {
    /// Examines the candidates of a call in order, up to the first that may be granted.
    func examine(
        _ call: borrowing AdmitOf<NameView>, _ examined: ExaminedCall, _ machine: StateMachine
    ) -> Examination {
        let moment = examined.application.moment
        let asked = machine.look(call.tags, folds: call.foldsTags, examined.application)
        var found = Examination()
        for place in call.candidates.indices {
            let route = machine.route(by: call.candidates[place])
            var estimate = call.estimate
            estimate.cost = machine.heldCost(estimate, route, asked).cost
            var candidate = CandidateExamination()
            let breaker = machine.findBreaker(of: route, by: examined.application.user)
            let standing = breaker.map { machine.breakers.standing(of: $0, at: moment.now) }
            let objections = machine.objections(to: route, breaker, standing, at: moment)
            if let denial = objections.denial, !objections.isShareOnly {
                candidate.add(
                    .route(WaitSubject.Route(route)), need: 0, for: denial.retryAfterMilliseconds,
                    isLiftable: denial.reason == .share || denial.reason == .probes, left: examined.left)
            }
            examineLimits(of: route, asked, CallNeed(estimate), examined, machine, &candidate)
            if let breaker, let standing, standing.share > 0, standing.share < 1, candidate.obstacles.isEmpty,
                !candidate.isDenied, candidate.behind == nil
            {
                examineShare(of: machine.breakers.key(of: breaker), standing, place, examined, &candidate, &found)
            }
            if place == 0 { found.reason = reason(objections, candidate) }
            if !candidate.isDenied, candidate.behind == nil {
                if found.mustDraw == nil { found.chosen = place }
                return found
            }
            note(candidate, at: place, examined, &found)
        }
        return found
    }

    private func reason(_ objections: Objections, _ candidate: CandidateExamination) -> DenialReason? {
        if let longest = objections.longest { return longest }
        if candidate.isDenied { return .limit }
        return candidate.behind == nil ? nil : .waiting
    }

    /// Adds what was found about a candidate that is not granted.
    private func note(
        _ candidate: CandidateExamination, at place: Int, _ examined: ExaminedCall, _ found: inout Examination
    ) {
        if let first = candidate.behind, !candidate.isDenied {
            let lifts = waiters[first].liftsAt.map { max(0, $0 - examined.application.now) }
            // The soonest counts; nil is for ever.
            let before = found.passed == 0 ? nil : found.passedMilliseconds
            found.passedMilliseconds = [before, lifts].compactMap(\.self).min()
            found.passed |= 1 << UInt16(place)
        }
        guard !candidate.isHopeless else { return }
        found.canComeFree = true
        if let milliseconds = candidate.untilLifted {
            found.untilLifted = min(found.untilLifted ?? .max, milliseconds)
        }
        Examination.add(candidate.obstacles, to: &found.obstacles)
        Examination.add(candidate.covering, to: &found.covering)
    }

    /// Examines a breaker that lets a share through. Nothing else stands against the candidate.
    ///
    /// A call draws once. A draw of a later call goes to the first that waits for the share.
    private func examineShare(
        of breaker: RouteKey, _ standing: CircuitBreaker.Standing, _ place: Int, _ examined: ExaminedCall,
        _ candidate: inout CandidateExamination, _ found: inout Examination
    ) {
        let subject = WaitSubject.share(breaker)
        if examined.slot == nil, let first = firstInLine(forShareOf: breaker, at: examined.application.now) {
            candidate.behind = first
            candidate.obstacles.append(Examination.Obstacle(subject: subject, need: 0))
            found.leavesDraw = breaker
        } else if examined.slot == nil {
            guard !standing.nextPasses else { return }
            found.draws = true
            candidate.add(subject, need: 0, for: 0, isLiftable: true, left: examined.left)
        } else if examined.hasDrawn, !lines.hasDraw(at: breaker) {
            candidate.add(subject, need: 0, for: 0, isLiftable: true, left: examined.left)
        } else {
            if examined.hasDrawn { found.takesDraw = breaker }
            if !standing.nextPasses { found.mustDraw = place }
        }
    }

    /// Examines the limits that cover a candidate.
    private func examineLimits(
        of route: Route<NameView>, _ asked: borrowing AskedTags, _ need: CallNeed, _ examined: ExaminedCall,
        _ machine: StateMachine, _ candidate: inout CandidateExamination
    ) {
        guard !machine.limitTable.isEmpty else { return }
        let moment = examined.application.moment
        let scopes = asked.scopes(of: route)
        var walk = LimitTable.Walk()
        while let limit = walk.next(machine.limitTable, scopes, machine.tags) {
            let dimension = machine.limitTable.rules[limit.rule].limit.dimension
            guard machine.limitTable.rules[limit.rule].limit.mode == .deny, need.room(dimension) > 0 else { continue }
            let room = need.room(dimension)
            if examined.isOld, let entry = limit.entry {
                candidate.covering.append(Examination.Obstacle(subject: .limit(entry), need: room))
            }
            if let objection = machine.limitTable.objection(of: limit, to: need, at: moment) {
                add(objection, need: room, examined, &candidate)
            } else if let entry = limit.entry {
                examineLine(ofLimit: entry, room, examined, machine, &candidate)
            }
        }
        if route.model == nil {
            machine.limitTable.forEachModelObjection(to: scopes, need, at: moment) { objection in
                add(objection, need: 1, examined, &candidate)
            }
        }
        for objection in machine.limitTable.objections(to: scopes, newTags: asked.new, need, at: moment) {
            add(objection, need: 0, examined, &candidate)
        }
    }

    private func add(
        _ objection: LimitTable.Objection, need: Int64, _ examined: ExaminedCall,
        _ candidate: inout CandidateExamination
    ) {
        candidate.add(
            objection.entry.map { .limit($0) }, need: need, for: objection.obstacle.milliseconds,
            isLiftable: objection.obstacle.isLiftable, left: examined.left)
    }

    /// Examines whether calls that come first have reserved so much of a limit that this call finds no room.
    private func examineLine(
        ofLimit entry: Int, _ need: Int64, _ examined: ExaminedCall, _ machine: StateMachine,
        _ candidate: inout CandidateExamination
    ) {
        guard let line = lines.find(.limit(entry), machine) else { return }
        let now = examined.application.now
        var reserved = Int128(need)
        var walk = lines.walk(line)
        while let standing = walk.next(self, at: now) {
            let other = lines.standings[standing].waiter
            if other == examined.slot { return }
            if let order = examined.order, order < self.order(of: other, at: now) { return }
            guard lines.standings[standing].reserves else { continue }
            reserved += Int128(lines.standings[standing].need)
            guard !machine.limitTable.hasRoom(for: reserved, entry, at: now) else { continue }
            if candidate.behind == nil { candidate.behind = other }
            candidate.obstacles.append(Examination.Obstacle(subject: .limit(entry), need: need))
            return
        }
    }

    /// The first call that waits for the share of a breaker. Nil if none does.
    func firstInLine(forShareOf breaker: RouteKey, at now: Timestamp) -> Int? {
        guard let line = lines.find(forShareOf: breaker) else { return nil }
        var walk = lines.walk(line)
        return walk.next(self, at: now).map { lines.standings[$0].waiter }
    }
}

extension LimitTable {
    /// Whether the use of a limit has room for so much.
    func hasRoom(for need: Int128, _ place: Int, at now: Timestamp) -> Bool {
        used(place, at: now) + entries[place].held + need <= Int128(rules[entries[place].rule].amount)
    }
}
