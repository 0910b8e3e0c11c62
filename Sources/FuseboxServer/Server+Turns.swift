import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The work of a turn, before and after the callbacks of the sockets.
extension Server: EventLoopDelegate {
    /// Reads the clocks, accepts connections and continues with requests that earlier turns left.
    package func turnBegins(_ loop: EventLoop) {
        turnStartedAt = SystemClock.threadNanoseconds
        turn += 1
        readClocks()
        if house.isResting { leaveRest() }
        schedule.begin(at: SystemClock.monotonicNanoseconds)
        acceptWaiting()
        continueRequests()
    }

    /// Writes the journal, sends replies and events, and continues a shutdown.
    package func turnEnds(_ loop: EventLoop) {
        keeper.endTurn()
        flushAll()
        deliverEvents()
        if schedule.hasWaiting { loop.runAgain() }
        continueShutdown()
        if isServing { setAlarm() }
        let nanoseconds = SystemClock.threadNanoseconds - turnStartedAt
        keeper.engine.hasUsed(processorNanoseconds: nanoseconds)
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds)
        tellAlive()
    }

    /// Sends events to subscribers, for `eventNanoseconds` at most. So many subscribers do not delay requests.
    private func deliverEvents() {
        guard keeper.engine.beginEvents() else { return }
        let end = SystemClock.monotonicNanoseconds + Bounds.eventNanoseconds
        while let slot = connections.next(from: nextSubscriber) {
            nextSubscriber = slot + 1
            guard let subscriber = connections[slot], !subscriber.session.topics.isEmpty else { continue }
            subscriber.deliverEvents()
            guard SystemClock.monotonicNanoseconds < end else { return loop.runAgain() }
        }
        nextSubscriber = 0
        if keeper.engine.eventsDelivered() { loop.runAgain() }
    }

    /// Sends the output of all dirty connections.
    func flushAll() {
        // A flush may close a connection. That makes another one dirty only in a later turn.
        guard !dirty.isEmpty else { return }
        for connection in dirty {
            connection.isDirty = false
            connection.flush()
        }
        dirty.removeAll(keepingCapacity: true)
    }

    /// Puts a connection on the list of those with output to send.
    func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    /// Logs the statistics that SIGUSR1 asks for, and resets the longest turn.
    func logStatistics() {
        log(
            .notice,
            "\(Quantity.count(quotas.connections, "connection")), \(Quantity.count(keeper.engine.requests, "request")); longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
        )
        longestTurnNanoseconds = 0
    }

    /// Sets the timer that begins a turn at the engine's next deadline.
    private func setAlarm() {
        guard let alarm, let wait = keeper.engine.untilDue(at: moment) else { return }
        guard moment.now + wait != alarmAt else { return }
        alarmAt = moment.now + wait
        // The loop's `now` is stale. The timer may still fire a little early, and is then set again.
        loop.updateTime()
        alarm.start(afterMilliseconds: wait)
    }
}
