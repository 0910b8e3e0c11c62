import FuseboxLoop
import Glibc
import Synchronization
import Testing

@Suite struct EventLoopTests {
    let log = Log()

    @Test func returnsAtOnceWithNothingToDoAndWithoutATurn() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        #expect(!loop.isAlive)
        loop.run()
        #expect(log.entries == [])
    }

    @Test func aTurnBracketsItsCallbacks() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let first = try Timer(on: loop) { log("first") }
        let second = try Timer(on: loop) { log("second") }
        first.start(afterMilliseconds: 0)
        second.start(afterMilliseconds: 0)
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "first", "second", "end"])
    }

    @Test func whatATimerProducedIsNotKeptWhileTheLoopWaits() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let pair = try ConnectedPair(on: loop)
        let connection = TestConnection(pair.stream)
        connection.when = { connection, event in
            self.log(event)
            connection.stream.close()
        }
        try pair.stream.startReading()
        let timer = try Timer(on: loop) { log("timer") }
        timer.start(afterMilliseconds: 0)
        // The peer's bytes come only after the end of the timer's turn. If the end of the turn waited for them, the
        // test would hang.
        let client = pair.client.descriptor
        turns.whenEnding = { _ in _ = Glibc.send(client, "x", 1, Int32(MSG_NOSIGNAL)) }
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "timer", "end", "begin", "read", "end"])
    }

    @Test func allSocketsOfAnIterationShareATurn() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let first = try ConnectedPair(on: loop)
        let second = try ConnectedPair(on: loop)
        let connections = [TestConnection(first.stream), TestConnection(second.stream)]
        for connection in connections {
            connection.when = { connection, event in
                self.log(event)
                connection.stream.close()
            }
            try connection.stream.startReading()
        }
        #expect(first.client.send([1]))
        #expect(second.client.send([2]))
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "read", "read", "end"])
    }

    @Test func aCloseCompletionHasATurnThatEndsBeforeRunReturns() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let pair = try ConnectedPair(on: loop)
        pair.stream.close { log("closed") }
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "closed", "end"])
    }

    @Test func workStartedAtTheLastTurnsEndIsStillDone() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        var committed = false
        turns.whenEnding = { loop in
            guard !committed else { return }
            committed = true
            loop.work({ 1 }, then: { _ in log("committed") })
        }
        let pair = try ConnectedPair(on: loop)
        pair.stream.close { log("closed") }
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "closed", "end", "begin", "committed", "end"])
    }

    @Test func runAgainGivesTurnsWithoutEvents() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        var left = 3
        turns.whenEnding = { loop in
            left -= 1
            if left > 0 { loop.runAgain() }
        }
        loop.runAgain()
        loop.runAgain()
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "end", "begin", "end", "begin", "end"])
    }

    @Test(arguments: [true, false])
    func runAgainInsideATurnGivesALaterTurnAndOnlyOne(atItsBeginning: Bool) throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        var asked = false
        let ask = { (loop: EventLoop) in
            guard !asked else { return }
            asked = true
            loop.runAgain()
        }
        if atItsBeginning { turns.whenBegun = ask } else { turns.whenEnding = ask }
        let pair = try ConnectedPair(on: loop)
        let connection = TestConnection(pair.stream)
        connection.when = { connection, event in
            self.log(event)
            connection.stream.close()
        }
        try pair.stream.startReading()
        #expect(pair.client.send([1]))
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "read", "end", "begin", "end"])
    }

    @Test func runAgainDoesNotKeepSocketsWaiting() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let pair = try ConnectedPair(on: loop)
        let connection = TestConnection(pair.stream)
        var isDone = false
        connection.when = { connection, _ in
            isDone = true
            connection.stream.close()
        }
        try pair.stream.startReading()
        turns.whenBegun = { if !isDone { $0.runAgain() } }
        loop.runAgain()
        #expect(pair.client.send([1]))
        try loop.runWithinReason()
        #expect(isDone)
    }

    @Test func stopEndsTheTurnAndLeavesTheRestForTheNextRun() throws {
        let loop = try EventLoop()
        let turns = TurnLog(log)
        loop.delegate = turns
        let timer = try Timer(on: loop) {
            log("timer")
            loop.stop()
        }
        timer.start(afterMilliseconds: 0, repeatingMilliseconds: 1)
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "timer", "end"])
        try loop.runWithinReason()
        #expect(log.entries == ["begin", "timer", "end", "begin", "timer", "end"])
        timer.close()
    }

    @Test func theTimeOfATurnStandsStillUntilItIsUpdated() throws {
        let loop = try EventLoop()
        let before = loop.now
        let start = SystemClock.monotonicNanoseconds
        while SystemClock.monotonicNanoseconds - start < 3_000_000 {}
        #expect(loop.now == before)
        loop.updateTime()
        #expect(loop.now >= before + 2)
    }
}

@Suite struct WorkTests {
    @Test func resultsArriveOnTheLoopsThread() throws {
        let loop = try EventLoop()
        let thread = pthread_self()
        var results: [Int] = []
        for number in 0..<100 {
            loop.work({ (number * number, pthread_self()) }) { square, worker in
                #expect(worker != thread)
                #expect(pthread_self() == thread)
                results.append(square)
            }
        }
        try loop.runWithinReason()
        #expect(results.sorted() == (0..<100).map { $0 * $0 })
    }

    @Test func anOptionalResultMayBeNil() throws {
        let loop = try EventLoop()
        var result: Int?? = .none
        loop.work({ nil as Int? }) { result = .some($0) }
        try loop.runWithinReason()
        #expect(result == .some(nil))
    }

    @Test func aDroppedLoopWaitsForWorkAndCallsNoCompletion() throws {
        final class Finished: Sendable {
            let count = Atomic(0)
        }
        let finished = Finished()
        var completions = 0
        do {
            let loop = try EventLoop()
            for _ in 0..<10 {
                loop.work({ finished.count.add(1, ordering: .relaxed) }) { _ in completions += 1 }
            }
        }
        #expect(finished.count.load(ordering: .relaxed) == 10)
        #expect(completions == 0)
    }

    @Test func aPlaceForRepeatedWorkIsFreeAgainInItsCompletion() throws {
        let loop = try EventLoop()
        let place = RepeatedWork()
        let runs = Atomic(0)
        var rounds = 0
        func again() {
            rounds += 1
            #expect(runs.load(ordering: .relaxed) == rounds - 1)
            #expect(!place.isRunning)
            guard rounds <= 100 else { return }
            place.start(on: loop, { runs.add(1, ordering: .relaxed) }, then: again)
            #expect(place.isRunning)
        }
        again()
        try loop.runWithinReason()
        #expect(rounds == 101)
    }

    @Test func completionsMayStartMoreWork() throws {
        let loop = try EventLoop()
        var rounds = 0
        func again() {
            loop.work({}) {
                rounds += 1
                if rounds < 5 { again() }
            }
        }
        again()
        try loop.runWithinReason()
        #expect(rounds == 5)
    }
}
