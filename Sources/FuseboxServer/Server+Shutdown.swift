import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The end in order: what was received is answered, and the last snapshot written.
extension Server {
    /// Lets nobody in any more, answers what was received, writes the last snapshot and ends.
    func beginShutdown() {
        guard case .notBegun = shutdown else { return }
        ServiceManager.notify("STOPPING=1")
        listener?.close()
        shutdown = .draining(since: moment.now)
        turnsUntilQuiet = 2
        loop.runAgain()
    }

    func continueShutdown() {
        switch shutdown {
        case .notBegun: return
        case .draining(let since):
            // What clients had sent is in their sockets: it is read until two turns bring nothing new.
            turnsUntilQuiet -= 1
            if (turnsUntilQuiet <= 0 && !schedule.hasWaiting) || moment.now - since > Limits.drainMilliseconds {
                finishRequests()
            } else {
                loop.runAgain()
            }
        case .writing:
            guard keeper.isQuiet else { return }
            if let failure = keeper.stopFailure {
                fail(.storage("the last snapshot could not be written: \(failure)"))
            }
            shutdown = .flushing
            let refusal = Refusal(.shuttingDown, "the daemon is stopping; reconnect in a moment")
            for case let connection? in connections { connection.finish(refusal) }
            flushAll()
            armFlushDeadline()
            continueShutdown()
        case .flushing:
            if quotas.connections == 0 { end() }
        }
    }

    /// Handles every complete request that has been read, and captures the last state.
    private func finishRequests() {
        // Fairness is for those who stay: each gets all of its requests handled.
        schedule.endFairness()
        repeat {
            schedule.removeAll()
            turn += 1
            for case let connection? in connections {
                connection.isContinuing = false
                connection.process()
            }
        } while schedule.hasWaiting
        shutdown = .writing
        for case let connection? in connections { connection.stream.stopReading() }
        flushAll()
        keeper.stop()
        loop.runAgain()
    }

    private func armFlushDeadline() {
        housekeeping?.close()
        guard let deadline = try? Timer(on: loop, action: { [unowned self] in end() }) else { return end() }
        deadline.start(afterMilliseconds: Limits.farewellMilliseconds)
        housekeeping = deadline
    }

    private func end() {
        for case let connection? in connections { remove(connection) }
        housekeeping?.close()
        alarm?.close()
        endSignals()
        keeper.seal()
        log(
            .notice,
            "stopped after \(Quantity.count(keeper.engine.requests, "request")); longest turn \(longestTurnNanoseconds / 1000) µs of processor time"
        )
        loop.stop()
    }

    private func fail(_ failure: ServerFailure) {
        self.failure = failure
        log(.critical, failure.description)
    }
}
