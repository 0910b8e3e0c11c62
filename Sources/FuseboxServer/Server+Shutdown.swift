import FuseboxCore
import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The orderly shutdown: all received requests are answered, and a last snapshot is written.
extension Server {
    /// Closes the listener, answers all received requests, writes a last snapshot and ends.
    func beginShutdown() {
        guard case .notBegun = shutdown else { return }
        tellStopping()
        listener?.close()
        shutdown = .draining(since: moment.now)
        turnsUntilQuiet = 2
        loop.runAgain()
    }

    /// Takes the next step of a shutdown, if one has begun and the step before it is complete. Called each turn.
    func continueShutdown() {
        switch shutdown {
        case .notBegun: return
        case .draining(let since):
            // Requests may still be in the sockets. They are read until two turns have brought nothing.
            turnsUntilQuiet -= 1
            if (turnsUntilQuiet <= 0 && !schedule.hasWaiting) || moment.now - since > Bounds.drainMilliseconds {
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
            let refusal = Refusal(.shuttingDown, "the daemon is stopping; connect again once it is restarted")
            for case let connection? in connections { connection.finish(refusal) }
            flushAll()
            armFlushDeadline()
            continueShutdown()
        case .flushing:
            if quotas.connections == 0 { end() }
        }
    }

    /// Handles every complete request that was read, then starts the last snapshot.
    private func finishRequests() {
        // Slices of time make no sense any more, because all requests are handled in this turn.
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
        house.close()
        guard let deadline = try? Timer(on: loop, action: { [unowned self] in end() }) else { return end() }
        deadline.start(afterMilliseconds: Bounds.farewellMilliseconds)
        house.timer = deadline
    }

    private func end() {
        for case let connection? in connections { remove(connection) }
        house.close()
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
