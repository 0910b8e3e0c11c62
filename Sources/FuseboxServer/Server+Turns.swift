import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// What happens between two waits for the sockets.
extension Server: EventLoopDelegate {
    public func turnBegins(_ loop: EventLoop) {
        turnStartedAt = SystemClock.threadNanoseconds
        turn += 1
        readClocks()
        keeper.beginTurn(at: moment)
        schedule.begin(at: SystemClock.monotonicNanoseconds)
        admitCallers()
        continueRequests()
    }

    public func turnEnds(_ loop: EventLoop) {
        keeper.endTurn()
        flushAll()
        deliverEvents()
        if schedule.hasWaiting { loop.runAgain() }
        continueShutdown()
        if isServing { setAlarm() }
        let nanoseconds = SystemClock.threadNanoseconds - turnStartedAt
        keeper.engine.hasUsed(processorNanoseconds: nanoseconds)
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds)
    }

    /// Hands events to subscribers, for as long as a turn may take for that: however many listen, requests go on.
    private func deliverEvents() {
        guard keeper.engine.beginEvents() else { return }
        let end = SystemClock.monotonicNanoseconds + Limits.eventNanoseconds
        while let slot = connections.next(from: nextListener) {
            nextListener = slot + 1
            guard let listener = connections[slot], !listener.session.topics.isEmpty else { continue }
            listener.deliverEvents()
            guard SystemClock.monotonicNanoseconds < end else { return loop.runAgain() }
        }
        nextListener = 0
        if keeper.engine.eventsDelivered() { loop.runAgain() }
    }

    func flushAll() {
        // Closing a connection can make another dirty only in a later turn.
        guard !dirty.isEmpty else { return }
        for connection in dirty {
            connection.isDirty = false
            connection.flush()
        }
        dirty.removeAll(keepingCapacity: true)
    }

    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    func keepHouse() {
        for case let connection? in connections { connection.checkDeadlines(at: moment.now) }
        keeper.keepHouse()
        measure()
        watchSocketFile()
        checkClock()
        log.tellLeftOut()
    }

    /// Logs what SIGUSR1 asks for, and begins to look for the longest turn anew.
    func tellStatistics() {
        log(
            .notice,
            "\(Quantity.count(quotas.connections, "connection")), \(Quantity.count(keeper.engine.requests, "request")); longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
        )
        longestTurnNanoseconds = 0
    }

    /// Sees to it that a turn begins when something is due.
    private func setAlarm() {
        guard let alarm, let wait = keeper.engine.untilDue(at: moment) else { return }
        guard moment.now + wait != alarmAt else { return }
        alarmAt = moment.now + wait
        // The loop's own time is that of the beginning of its turn, or earlier: it may be early, and is then set again.
        loop.updateTime()
        alarm.start(afterMilliseconds: wait)
    }
}
