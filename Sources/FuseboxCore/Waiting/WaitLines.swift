import FuseboxCollections
import FuseboxWire

/// What a call waits for.
enum WaitSubject: Sendable, Hashable {
    /// The use of a limit, by its place.
    case limit(Int)
    /// A route: its marks and its breaker.
    case route(Route)
    /// The share of a breaker, and nothing else.
    case share(RouteKey)
    /// Nothing that is known: it is examined next.
    case examination

    /// The names of a route.
    struct Route: Sendable, Hashable {
        let provider: NameID?
        let deployment: NameID?
        let model: ModelID?

        init(_ route: FuseboxCore.Route<NameView>) {
            provider = route.providerID
            deployment = route.deploymentID
            model = route.modelID
        }
    }

    /// The provider and the deployment whose changes concern it.
    var names: [NameID] {
        switch self {
        case .limit, .examination: []
        case .route(let route): [route.provider, route.deployment].compactMap { $0 }
        case .share(let breaker): [breaker.place]
        }
    }
}

/// The lines in which calls wait.
struct WaitLines: Sendable {
    /// A call in a line.
    struct Standing: Sendable {
        let waiter: Int
        let line: Int
        let user: Int
        let priority: UInt8
        let arrival: UInt64
        /// What the call needs of the limit; the largest over its candidates.
        var need: Int64
        /// Whether it has reserved that.
        var reserves = false
    }

    /// The calls of one user in a line, by priority, in the order of their arrival.
    struct UserLine: Sendable {
        let user: Int
        var count = 0
        var chains = InlineArray<8, Chain>(repeating: Chain())
    }

    struct Line: Sendable {
        let subject: WaitSubject
        var users: [UserLine] = []
        /// Whether it must be looked at.
        var isChanged = false
        /// The draws at the breaker's share that later calls have left to this line.
        var draws = 0
    }

    private(set) var standings = SlotTable<Standing>()
    private var links = ChainLinks()
    private(set) var lines = SlotTable<Line>()
    /// The lines in which calls of each user stand, by the users' places.
    private var ofUser: [[Int]] = []
    /// The lines that are not of a limit.
    private var others: [WaitSubject: Int] = [:]
    /// The lines that changes of a name concern.
    private var ofName: [NameID: [Int]] = [:]
    /// The lines that must be looked at.
    private(set) var changed: [Int] = []
    /// The lines to which draws were left.
    private var drawn: [Int] = []

    // MARK: Asking

    /// The line for a subject. Nil if no call waits for it.
    func find(_ subject: WaitSubject, _ machine: StateMachine) -> Int? {
        switch subject {
        case .limit(let entry):
            let line = machine.limitTable.entries[entry].line
            return line == LimitTable.Entry.noLine ? nil : Int(line)
        case .route, .share, .examination: return others[subject]
        }
    }

    /// The line for the share of a breaker. Nil if no call waits for it.
    func find(forShareOf breaker: RouteKey) -> Int? { others[.share(breaker)] }

    /// The lines among those of these standings in which one call is examined at a time.
    func narrowLines(of all: [Int]) -> [Int] {
        all.compactMap { standing in
            let line = standings[standing].line
            switch lines[line].subject {
            case .route, .share, .examination: return line
            case .limit: return nil
            }
        }
    }

    /// The calls of a line in the order of their turns, those without a connection left out.
    func walk(_ line: Int) -> Walk { Walk(lines[line], standings) }

    /// A walk over a line. It has the next call of each user and priority.
    struct Walk {
        private var heads: [Int] = []

        fileprivate init(_ line: Line, _ standings: borrowing SlotTable<Standing>) {
            heads.reserveCapacity(line.users.count)
            for user in line.users.indices {
                for priority in line.users[user].chains.indices {
                    if let first = line.users[user].chains[priority].first { heads.append(first) }
                }
            }
        }

        /// The next standing. Nil at the end of the line.
        mutating func next(_ queue: borrowing WaitQueue, at now: Timestamp) -> Int? {
            while !heads.isEmpty {
                var best = 0
                if heads.count > 1 {
                    var first = queue.order(of: queue.lines.standings[heads[0]].waiter, at: now)
                    for place in 1..<heads.count {
                        let order = queue.order(of: queue.lines.standings[heads[place]].waiter, at: now)
                        if order < first { (best, first) = (place, order) }
                    }
                }
                let standing = heads[best]
                if let next = queue.lines.links.next(after: standing) {
                    heads[best] = next
                } else {
                    heads.remove(at: best)
                }
                if !queue.waiters[queue.lines.standings[standing].waiter].isAway { return standing }
            }
            return nil
        }
    }

    /// The standing of a call in a line, of all its standings. Nil if it is not in the line.
    func standing(in line: Int, of all: [Int]) -> Int? { all.first { standings[$0].line == line } }

    /// Whether a call stands in the line for a subject, of all its standings.
    func isInLine(_ subject: WaitSubject, of all: [Int]) -> Bool {
        all.contains { lines[standings[$0].line].subject == subject }
    }

    /// What a call has reserved in a line, of all its standings.
    func reserved(in line: Int, of all: [Int]) -> Int64 {
        guard let standing = standing(in: line, of: all), standings[standing].reserves else { return 0 }
        return standings[standing].need
    }

    // MARK: Joining and leaving

    /// Puts a call into the line for a subject, unless it stands there. Returns its standing.
    mutating func join(
        _ subject: WaitSubject, need: Int64, _ slot: Int, _ waiter: inout WaitQueue.Waiter,
        _ machine: inout StateMachine
    ) -> Int {
        let line = find(subject, machine) ?? open(subject, &machine)
        if let known = standing(in: line, of: waiter.standings) {
            standings[known].need = need
            return known
        }
        let standing = standings.insert(
            Standing(
                waiter: slot, line: line, user: waiter.user, priority: waiter.priority, arrival: waiter.arrival,
                need: need))
        waiter.standings.append(standing)
        let user = userLine(waiter.user, in: line)
        lines[line].users[user].count += 1
        let priority = Int(waiter.priority)
        // It mostly comes last.
        var previous = lines[line].users[user].chains[priority].last
        while let earlier = previous, standings[earlier].arrival > waiter.arrival {
            previous = links.previous(before: earlier)
        }
        lines[line].users[user].chains[priority].insert(standing, after: previous, &links)
        return standing
    }

    private mutating func userLine(_ user: Int, in line: Int) -> Int {
        if let known = lines[line].users.firstIndex(where: { $0.user == user }) { return known }
        lines[line].users.append(UserLine(user: user))
        while ofUser.count <= user { ofUser.append([]) }
        ofUser[user].append(line)
        return lines[line].users.count - 1
    }

    private mutating func open(_ subject: WaitSubject, _ machine: inout StateMachine) -> Int {
        let line = lines.insert(Line(subject: subject))
        switch subject {
        case .limit(let entry): machine.limitTable.entries[entry].line = UInt32(line)
        case .route, .share, .examination:
            others[subject] = line
            for name in subject.names {
                ofName[name, default: []].append(line)
                machine.news.watch(name, true)
            }
        }
        return line
    }

    private mutating func close(_ line: Int, _ machine: inout StateMachine) {
        switch lines[line].subject {
        case .limit(let entry):
            // The use may be gone.
            if machine.limitTable.entries.contains(entry), machine.limitTable.entries[entry].line == UInt32(line) {
                machine.limitTable.entries[entry].line = LimitTable.Entry.noLine
            }
        case .route, .share, .examination:
            let subject = lines[line].subject
            others[subject] = nil
            for name in subject.names {
                ofName[name]?.removeAll { $0 == line }
                guard ofName[name]?.isEmpty == true else { continue }
                ofName[name] = nil
                machine.news.watch(name, false)
            }
        }
        if lines[line].isChanged { changed.removeAll { $0 == line } }
        lines.remove(at: line)
    }

    /// Reserves for a call what it needs of a limit.
    mutating func reserve(_ standing: Int) { standings[standing].reserves = true }

    /// Takes a call out of a line.
    mutating func leave(_ standing: Int, _ machine: inout StateMachine) {
        let left = standings[standing]
        guard let user = lines[left.line].users.firstIndex(where: { $0.user == left.user }) else {
            preconditionFailure("a standing has its user's line")
        }
        lines[left.line].users[user].chains[Int(left.priority)].remove(standing, &links)
        lines[left.line].users[user].count -= 1
        standings.remove(at: standing)
        if lines[left.line].users[user].count == 0 {
            lines[left.line].users.remove(at: user)
            if let place = ofUser[left.user].firstIndex(of: left.line) { ofUser[left.user].remove(at: place) }
        }
        if lines[left.line].users.isEmpty { close(left.line, &machine) }
    }

    /// Takes a call out of all its lines, which are then looked at.
    mutating func leaveAll(_ slot: Int, _ all: inout [Int], _ machine: inout StateMachine) {
        noteChange(of: all)
        for standing in all { leave(standing, &machine) }
        all.removeAll()
    }

    // MARK: Changes

    /// Notes that a line must be looked at.
    mutating func noteChange(_ line: Int) {
        guard !lines[line].isChanged else { return }
        lines[line].isChanged = true
        changed.append(line)
    }

    /// Notes that calls of a user have another order among those of others.
    mutating func noteOrder(ofUser user: Int) {
        guard user < ofUser.count else { return }
        for place in ofUser[user].indices where lines[ofUser[user][place]].users.count > 1 {
            noteChange(ofUser[user][place])
        }
    }

    /// Notes that the lines of these standings must be looked at.
    mutating func noteChange(of all: [Int]) { for standing in all { noteChange(standings[standing].line) } }

    /// Notes that a later call leaves its draw at a breaker's share to those who wait for it.
    mutating func leaveDraw(at breaker: RouteKey) {
        guard let line = find(forShareOf: breaker) else { return }
        if lines[line].draws == 0 { drawn.append(line) }
        lines[line].draws += 1
        noteChange(line)
    }

    /// Whether a later call has left its draw to those who wait for a breaker's share.
    func hasDraw(at breaker: RouteKey) -> Bool { find(forShareOf: breaker).map { lines[$0].draws > 0 } ?? false }

    /// Takes a draw that a later call has left to those who wait for a breaker's share.
    mutating func takeDraw(at breaker: RouteKey) {
        guard let line = find(forShareOf: breaker), lines[line].draws > 0 else { return }
        lines[line].draws -= 1
    }

    /// Notes that every line must be looked at.
    mutating func noteAll() { lines.forEachSlot { noteChange($0) } }

    /// Takes over what the state machine has noted.
    mutating func take(newsOf machine: inout StateMachine) {
        if !machine.limitTable.freed.isEmpty {
            for entry in machine.limitTable.freed where machine.limitTable.entries.contains(entry) {
                if let line = find(.limit(entry), machine) { noteChange(line) }
            }
            machine.limitTable.freed.removeAll(keepingCapacity: true)
        }
        for name in machine.news.take() { for line in ofName[name] ?? [] { noteChange(line) } }
    }

    /// A line that must be looked at, which is done then. Nil if there is none.
    mutating func takeChanged() -> Int? {
        guard let line = changed.popLast() else { return nil }
        lines[line].isChanged = false
        return line
    }

    /// Notes that every call that was to be examined has been. Draws that nobody has taken are gone.
    mutating func settle() {
        for line in drawn where lines.contains(line) { lines[line].draws = 0 }
        drawn.removeAll(keepingCapacity: true)
    }
}
