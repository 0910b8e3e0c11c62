import FuseboxCollections
import FuseboxWire

/// The calls that wait for their turn.
///
/// It is a value beside the state machine and not part of the state. A grant is an input like an admission, so a replay
/// needs no queue. The queue does no I/O and has no clock. Its owner tells it of every change, asks for the `next`
/// turn, applies it to the state machine, and asks again.
///
/// A waiting call stands in a *line* for each thing that it waits for: the use of a limit, or a provider with its mark and
/// its breaker. Only a line that has changed is looked at. What a call *reserves* of a limit counts against every call
/// behind it, so a look ends with the first calls whose reservations use the limit up.
///
/// - A call reserves what it needs of a limit once that limit is all that it waits for. From an age of 10 s on it
///   reserves what it needs of every limit that covers it. It keeps its reservations until it leaves the queue.
/// - The most urgent step comes first: the priority less one for each 10 s of waiting. Within a step the user comes
///   first whose last grant from the queue is longest ago, then the call that arrived first.
package struct WaitQueue: Sendable {
    /// A call that waits.
    struct Waiter: Sendable {
        let worker: WorkerID
        /// Its worker's place in `workers`.
        let place: Int
        /// Its user's place in `users`.
        let user: Int
        let isOperator: Bool
        let ticket: UInt64
        /// The payload of its request.
        var request: [UInt8]
        let priority: UInt8
        /// Counts the arrivals.
        let arrival: UInt64
        let since: Timestamp
        let until: Timestamp
        /// Whether its worker has no connection. Then it is passed over and its reservations do not count.
        var isAway = false
        /// Whether it has drawn at a share.
        var hasDrawn: Bool
        /// Whether it is to be examined: it has an entry in `front`.
        var isPending = false
        /// What stood against its first candidate when it was last examined.
        var reason: DenialReason
        /// When time alone lets it through, as of its last examination; nil: never.
        var liftsAt: Timestamp?
        /// Its standings in lines.
        var standings: [Int] = []
    }

    /// A user of the host whose calls wait, or have waited.
    struct User: Sendable {
        let number: UInt32
        var waiting = 0
        /// The number of its last grant from the queue; 0: it had none.
        var lastGrant: UInt64 = 0
    }

    /// Where a call stands among the others. The least comes first.
    struct Order: Sendable, Comparable {
        var step: Int64
        var lastGrant: UInt64
        var arrival: UInt64

        static func < (left: Order, right: Order) -> Bool {
            if left.step != right.step { return left.step < right.step }
            if left.lastGrant != right.lastGrant { return left.lastGrant < right.lastGrant }
            return left.arrival < right.arrival
        }
    }

    private struct Key: Hashable {
        var worker: WorkerID
        var ticket: UInt64
    }

    /// How long a call waits until it is one step more urgent.
    static let stepMilliseconds: Int64 = 10_000

    /// The most calls that wait, in all and of one user.
    package let limit: Int
    package let limitPerUser: Int

    var waiters = SlotTable<Waiter>()
    private var index: [Key: Int] = [:]
    /// The calls of each worker that has some, in the order of their arrival, and their places in this table.
    private var workers = SlotTable<Chain>()
    private var workerLinks = ChainLinks()
    private var ofWorker: [WorkerID: Int] = [:]
    var users = SlotTable<User>()
    private var userIndex: [UInt32: Int] = [:]
    /// In the order of their arrival.
    private var arrived = Chain()
    private var arrivedLinks = ChainLinks()
    private var arrivals: UInt64 = 0
    private var grants: UInt64 = 0
    /// When each waiter is looked at again: its deadline, its next step, or when time lifts what stands against it.
    private var wakes = DeadlineHeap()
    var lines = WaitLines()
    /// The waiters that are examined next, because a line of theirs has changed, or because their time has come.
    var front = WaitFront()
    /// The waiters whose time is over, by their deadlines. The number of its arrival tells a waiter from a later one in
    /// the same slot.
    private var expired: [(slot: Int, arrival: UInt64)] = []

    /// An empty queue with these bounds.
    package init(limit: Int, limitPerUser: Int) {
        self.limit = limit
        self.limitPerUser = limitPerUser
    }

    /// Whether no call waits.
    package var isEmpty: Bool { waiters.isEmpty }

    /// The number of calls that wait.
    package var count: Int { waiters.count }

    // MARK: Asking

    /// The place of a waiting call. Nil if it does not wait.
    func find(_ worker: WorkerID, _ ticket: UInt64) -> Int? { index[Key(worker: worker, ticket: ticket)] }

    /// Whether a call waits.
    package func contains(_ worker: WorkerID, ticket: UInt64) -> Bool { find(worker, ticket) != nil }

    /// Whether calls of a worker wait.
    package func contains(_ worker: WorkerID) -> Bool { ofWorker[worker] != nil }

    /// Whether one more call of a user may join, or why not.
    func room(forUser number: UInt32) -> QueueDecision {
        guard count < limit else { return .full }
        guard let user = userIndex[number] else {
            return users.count < Bounds.waitingUsers || mayForgetUser ? .joins : .full
        }
        return users[user].waiting < limitPerUser ? .joins : .fullForUser
    }

    func order(of slot: Int, at now: Timestamp) -> Order {
        // It is read in place, because a copy of the waiter would count references.
        Order(
            step: Self.step(waiters[slot].priority, since: waiters[slot].since, at: now),
            lastGrant: users[waiters[slot].user].lastGrant, arrival: waiters[slot].arrival)
    }

    /// Where a call of a user would stand that arrives now.
    func order(ofArriving priority: UInt8, user number: UInt32) -> Order {
        Order(
            step: Int64(priority), lastGrant: userIndex[number].map { users[$0].lastGrant } ?? 0, arrival: arrivals + 1)
    }

    private static func step(_ priority: UInt8, since: Timestamp, at now: Timestamp) -> Int64 {
        Int64(priority) - (now - since) / stepMilliseconds
    }

    /// Calls `body` with the waiting calls that arrived after the one with this number, until it returns false.
    func forEach(after arrival: UInt64, _ body: (Waiter, User) -> Bool) {
        var next = arrived.first
        while let slot = next {
            next = arrivedLinks.next(after: slot)
            let waiter = waiters[slot]
            guard waiter.arrival > arrival else { continue }
            guard body(waiter, users[waiter.user]) else { return }
        }
    }

    // MARK: Joining and leaving

    /// Adds a call. It is examined next.
    mutating func add(
        _ request: [UInt8], _ call: borrowing AdmitOf<NameView>, _ application: Application, hasDrawn: Bool
    ) -> Int {
        arrivals += 1
        let user = user(application.user)
        users[user].waiting += 1
        let place = place(of: application.worker)
        let now = application.now
        let slot = waiters.insert(
            Waiter(
                worker: application.worker, place: place, user: user,
                isOperator: application.isOperator, ticket: application.request,
                request: request, priority: call.priority, arrival: arrivals, since: now,
                until: now + call.waitMilliseconds, hasDrawn: hasDrawn, reason: .waiting))
        index[Key(worker: application.worker, ticket: application.request)] = slot
        workers[waiters[slot].place].append(slot, &workerLinks)
        arrived.append(slot, &arrivedLinks)
        setWake(slot, at: now, lifting: nil)
        return slot
    }

    /// Removes a call. Those behind it in its lines are looked at.
    mutating func remove(_ slot: Int, _ machine: inout StateMachine) {
        lines.leaveAll(slot, &waiters[slot].standings, &machine)
        wakes.remove(.wait, slot)
        arrived.remove(slot, &arrivedLinks)
        let waiter = waiters[slot]
        users[waiter.user].waiting -= 1
        index[Key(worker: waiter.worker, ticket: waiter.ticket)] = nil
        workers[waiter.place].remove(slot, &workerLinks)
        if workers[waiter.place].isEmpty {
            workers.remove(at: waiter.place)
            ofWorker[waiter.worker] = nil
        }
        waiters[slot].request = []
        waiters.remove(at: slot)
        machine.news.waiting = count
    }

    private mutating func place(of worker: WorkerID) -> Int {
        if let known = ofWorker[worker] { return known }
        let place = workers.insert(Chain())
        ofWorker[worker] = place
        return place
    }

    /// Ends the wait of a call. Returns whether it has waited.
    package mutating func withdraw(_ worker: WorkerID, ticket: UInt64, _ machine: inout StateMachine) -> Bool {
        guard let slot = find(worker, ticket) else { return false }
        remove(slot, &machine)
        return true
    }

    /// Notes that a worker has lost its connection, or has one again. Meanwhile its calls keep their places, are passed
    /// over and reserve nothing.
    package mutating func setAway(_ worker: WorkerID, _ isAway: Bool) {
        var next = ofWorker[worker].flatMap { workers[$0].first }
        while let slot = next {
            next = workerLinks.next(after: slot)
            guard waiters[slot].isAway != isAway else { continue }
            waiters[slot].isAway = isAway
            lines.noteChange(of: waiters[slot].standings)
        }
    }

    /// Removes the calls of a worker that does not come back.
    package mutating func forget(_ worker: WorkerID, _ machine: inout StateMachine) {
        while let place = ofWorker[worker], let slot = workers[place].first { remove(slot, &machine) }
    }

    /// Notes that a call was granted, and removes it.
    package mutating func granted(_ turn: Turn, _ machine: inout StateMachine) {
        grants += 1
        users[waiters[turn.slot].user].lastGrant = grants
        if let breaker = turn.takesDraw { lines.takeDraw(at: breaker) }
        // The user's other calls come behind those of others now, who may find room.
        lines.noteOrder(ofUser: waiters[turn.slot].user)
        remove(turn.slot, &machine)
    }

    /// Notes that a call has drawn at a share without success.
    package mutating func drew(_ turn: Turn) {
        if let breaker = turn.takesDraw { lines.takeDraw(at: breaker) }
        waiters[turn.slot].hasDrawn = true
    }

    /// Has every call examined anew: limits, names or prices were changed.
    ///
    /// A call keeps what it has reserved until its turn to be examined, which may be one of the next turns of the owner.
    /// So none that arrives meanwhile passes it.
    package mutating func examineAll(_ machine: inout StateMachine) {
        waiters.forEachSlot { slot in examineNext(slot, &machine) }
    }

    /// Has every call examined anew, without reservations: the state was replaced by another, in which the places of
    /// limits and names are others.
    package mutating func beginAnew(_ machine: inout StateMachine) {
        waiters.forEachSlot { slot in
            lines.leaveAll(slot, &waiters[slot].standings, &machine)
            examineNext(slot, &machine)
        }
    }

    /// Notes that windows have begun anew.
    package mutating func windowsBegan() { lines.noteAll() }

    // MARK: The front

    /// Has a call examined in its turn.
    mutating func addToFront(_ slot: Int, at now: Timestamp) {
        if front.count > 2 * waiters.count + 64 {
            // Most entries are of calls that are gone.
            for entry in front.removeAll() where isLive(entry) && waiters[entry.slot].isPending {
                front.add(entry.slot, entry.order)
            }
        }
        waiters[slot].isPending = true
        front.add(slot, order(of: slot, at: now))
    }

    /// The call that is examined next. Nil if none is to be examined.
    mutating func firstOfFront(at now: Timestamp) -> Int? {
        while let entry = front.first {
            guard isLive(entry), waiters[entry.slot].isPending else {
                front.removeFirst()
                continue
            }
            guard !waiters[entry.slot].isAway else {
                examined(entry.slot)
                continue
            }
            let order = order(of: entry.slot, at: now)
            if !(entry.order < order) { return entry.slot }
            front.putOffFirst(to: order)
        }
        return nil
    }

    /// Notes that the first call of the front needs no further look.
    mutating func examined(_ slot: Int) {
        waiters[slot].isPending = false
        front.removeFirst()
    }

    /// Whether the waiter of an entry still waits.
    private func isLive(_ entry: WaitFront.Entry) -> Bool {
        waiters.contains(entry.slot) && waiters[entry.slot].arrival == entry.order.arrival
    }

    private mutating func examineNext(_ slot: Int, _ machine: inout StateMachine) {
        let standing = lines.join(.examination, need: 0, slot, &waiters[slot], &machine)
        lines.noteChange(of: [standing])
    }

    // MARK: Users

    /// The place of a user, new or known.
    private mutating func user(_ number: UInt32) -> Int {
        if let known = userIndex[number] { return known }
        if users.count >= Bounds.waitingUsers { forgetUser() }
        let place = users.insert(User(number: number))
        userIndex[number] = place
        return place
    }

    private var mayForgetUser: Bool { users.contains { $0.waiting == 0 } }

    /// Forgets the user without waiting calls whose last grant is longest ago.
    private mutating func forgetUser() {
        var oldest: Int?
        users.forEachSlot { place in
            guard users[place].waiting == 0 else { return }
            if let known = oldest, users[known].lastGrant <= users[place].lastGrant { return }
            oldest = place
        }
        guard let oldest else { return }
        userIndex[users[oldest].number] = nil
        users.remove(at: oldest)
    }

    // MARK: Time

    /// When a call must be looked at next. Nil if none waits.
    package var nextWake: Timestamp? { wakes.first.map { Timestamp(milliseconds: $0.milliseconds) } }

    /// Sets when a call is looked at again.
    ///
    /// - Parameter lifting: when time lifts something that stands against it; nil: not before its next step
    mutating func setWake(_ slot: Int, at now: Timestamp, lifting: Timestamp?) {
        let waiter = waiters[slot]
        // A call whose time is over is among `expired`.
        guard now < waiter.until else { return wakes.remove(.wait, slot) }
        let step = waiter.since + ((now - waiter.since) / Self.stepMilliseconds + 1) * Self.stepMilliseconds
        let wake = min(waiter.until, min(step, lifting ?? step))
        wakes.set(.wait, slot, order: waiter.arrival, at: wake.milliseconds)
    }

    /// Wakes the calls that have become more urgent, or that time may have let through. Notes those whose time is over;
    /// they are taken with `nextExpired` once they were examined.
    package mutating func wake(at now: Timestamp) {
        while let due = wakes.first, due.milliseconds <= now.milliseconds {
            let slot = due.subject
            // It may come before others now, reserve more, or find room.
            lines.noteChange(of: waiters[slot].standings)
            addToFront(slot, at: now)
            if waiters[slot].until <= now {
                wakes.remove(.wait, slot)
                // They come in the order of their deadlines, or they are late together.
                expired.append((slot, waiters[slot].arrival))
            } else {
                setWake(slot, at: now, lifting: nil)
            }
        }
    }

    /// Whether the time of a call is over that has nothing more to hope for.
    package var hasExpired: Bool { !expired.isEmpty }

    /// A call whose time is over. It is removed. A call that is still to be examined is not taken: it may be granted.
    package mutating func nextExpired(_ machine: inout StateMachine, at moment: Moment) -> (
        worker: WorkerID, ticket: UInt64, decision: AdmissionDecision
    )? {
        var place = 0
        while place < expired.count {
            let (slot, arrival) = expired[place]
            guard waiters.contains(slot), waiters[slot].arrival == arrival else {
                // It was granted or withdrawn.
                expired.remove(at: place)
                continue
            }
            guard !waiters[slot].isPending || waiters[slot].isAway else {
                place += 1
                continue
            }
            expired.remove(at: place)
            let decision = lastDecision(of: slot, machine, at: moment)
            let (worker, ticket) = (waiters[slot].worker, waiters[slot].ticket)
            remove(slot, &machine)
            return (worker, ticket, decision)
        }
        return nil
    }
}
