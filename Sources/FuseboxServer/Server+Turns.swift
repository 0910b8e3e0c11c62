import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// What happens between two waits for the sockets.
extension Server: EventLoopDelegate {
    private static let turnNanoseconds: Int64 = 2_000_000

    public func turnBegins(_ loop: EventLoop) {
        turnStartedAt = SystemClock.threadNanoseconds
        turn += 1
        readClocks()
        keeper.beginTurn(at: moment)
        turnDeadline = SystemClock.monotonicNanoseconds + Self.turnNanoseconds
        continueRequests()
    }

    func readClocks() {
        let (moment, step) = clock.moment(
            boottime: SystemClock.bootMilliseconds, realtime: SystemClock.wallMilliseconds)
        self.moment = moment
        if let step {
            log(.warning, "the wall clock was stepped by \(step) ms; windows and cooldowns are not affected")
        }
    }

    /// Handles what the last turns have left over. Whoever had to wait longest comes first.
    private func continueRequests() {
        guard !continuing.isEmpty else { return }
        let leftOver = continuing
        continuing.removeAll(keepingCapacity: true)
        var next = 0
        while next < leftOver.count, !isTurnOver {
            leftOver[next].isContinuing = false
            leftOver[next].process()
            next += 1
        }
        continuing.insert(contentsOf: leftOver[next...], at: 0)
    }

    /// Whether this turn handles no more requests.
    var isTurnOver: Bool { SystemClock.monotonicNanoseconds > turnDeadline }

    public func turnEnds(_ loop: EventLoop) {
        keeper.endTurn()
        if keeper.engine.hasEvents {
            for case let connection? in connections where !connection.session.topics.isEmpty {
                connection.deliverEvents()
            }
            keeper.engine.eventsDelivered()
        }
        flushAll()
        if !continuing.isEmpty { loop.runAgain() }
        keeper.writeSnapshotIfDue()
        continueShutdown()
        if isServing { setAlarm() }
        let nanoseconds = SystemClock.threadNanoseconds - turnStartedAt
        keeper.engine.hasUsed(processorNanoseconds: nanoseconds)
        longestTurnNanoseconds = max(longestTurnNanoseconds, nanoseconds)
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

    func continueLater(_ connection: Connection) {
        guard !connection.isContinuing else { return }
        connection.isContinuing = true
        continuing.append(connection)
        loop.runAgain()
    }

    func keepHouse() {
        for case let connection? in connections { connection.checkDeadlines(at: moment.now) }
        keeper.keepJournal()
    }

    /// Logs what SIGUSR1 asks for, and begins to look for the longest turn anew.
    func tellStatistics() {
        log(
            .notice,
            "\(connectionCount) connections, \(keeper.engine.requests) requests; longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
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
