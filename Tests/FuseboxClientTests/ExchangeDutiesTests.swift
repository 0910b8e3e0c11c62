import FuseboxWire
import Testing

@testable import FuseboxClient

/// The choice of the thread that connects, reads and writes, and the work for tasks.
struct ExchangeDutiesTests {
    private typealias Read = Overview

    // MARK: Threads

    @Test func oneThreadReadsForAllAndHandsOver() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        #expect(script.duty(first) == ScriptedDuty(.read(number: 1)))
        #expect(script.duty(second) == ScriptedDuty(.sleep(until: .never)))
        #expect(script.readOn(for: first))
        #expect(script.reply(first) == [.answered(first)])
        #expect(!script.readOn(for: first))
        #expect(script.duty(first) == ScriptedDuty(.leave, [.wake(second)]))
        #expect(script.duty(second) == ScriptedDuty(.read(number: 1)))
    }

    @Test func theReplyOfAnotherWakesItsThread() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        _ = (script.duty(first), script.duty(second))
        #expect(script.reply(second) == [.answered(second), .wake(second)])
        #expect(script.readOn(for: first))
    }

    /// A daemon whose replies are not read stops reading. So a thread that sends must write, and then read.
    @Test func whatTheSocketDoesNotTakeIsPushed() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        #expect(script.sent(10) == [])
        #expect(script.duty(first) == ScriptedDuty(.push(number: 1)))
        #expect(script.duty(second) == ScriptedDuty(.read(number: 1)))
        #expect(script.pushEnded() == [.send])
        #expect(script.sent(34) == [])
        #expect(script.duty(first) == ScriptedDuty(.sleep(until: .never)))
    }

    @Test func aSenderLeavesWithItsFrame() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        #expect(script.sent(22) == [])
        #expect(script.duty(first, .departure) == ScriptedDuty(.leave))
        let pusher = script.request(Read.self)
        #expect(script.duty(pusher) == ScriptedDuty(.push(number: 1)))
        #expect(script.duty(second, .departure) == ScriptedDuty(.sleep(until: .never)))
        #expect(script.sent(44) == [.wake(second)])
        #expect(script.duty(second, .departure).duty == .leave)
    }

    /// Replies may still be in the socket. They are read first, and then the end of the connection.
    @Test func aSocketThatTakesNothingMoreIsStillRead() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        #expect(script.sent(22) == [])
        #expect(script.sendFailed() == [])
        #expect(script.duty(second, .departure).duty == .leave)
        #expect(script.duty(first) == ScriptedDuty(.read(number: 1)))
        #expect(script.reply(first) == [.answered(first)])
    }

    @Test func theConnectionThatIsLostIsMadeAnewBySomebodyWhoSleeps() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        _ = (script.duty(first), script.duty(second))
        #expect(script.lose() == [.close, .wake(second)])
        #expect(script.duty(second) == ScriptedDuty(.connect))
        #expect(script.duty(first) == ScriptedDuty(.sleep(until: .never)))
    }

    /// Slots are reused, and the machine does not rely on a thread that has left.
    @Test func aThreadThatHasLeftIsNotCalled() {
        let script = ExchangeScript()
        let (first, second, third) = (script.request(Read.self), script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        _ = (script.duty(first), script.duty(second), script.duty(third))
        #expect(script.reply(third) == [.answered(third), .wake(third)])
        #expect(script.duty(third) == ScriptedDuty(.leave))
        #expect(script.release(third) == [.free(third)])
        #expect(script.reply(first) == [.answered(first)])
        #expect(!script.readOn(for: first))
        #expect(script.duty(first) == ScriptedDuty(.leave, [.wake(second)]))
    }

    // MARK: Tasks

    @Test func aTaskIsResumedOnceItsOutcomeIsThere() {
        let script = ExchangeScript()
        let read = script.request(Read.self)
        #expect(script.attend(read) == [.background(.start)])
        script.takeOutput()
        #expect(script.backgroundDuty() == ScriptedDuty(.read(number: 1)))
        #expect(script.reply(read) == [.answered(read), .resume(read)])
        #expect(!script.readOn(for: nil))
        #expect(script.backgroundDuty() == ScriptedDuty(.sleep(until: .never)))
        let next = script.request(Read.self)
        #expect(script.attend(next) == [.background(.wake)])
    }

    @Test func theBackgroundIsNudgedForAnEarlierDeadlineOnly() {
        let script = ExchangeScript()
        let reads = (0..<3).map { _ in script.request(Read.self) }
        script.takeOutput()
        #expect(script.attend(reads[0], until: script.now + 500) == [.background(.start)])
        #expect(script.backgroundDuty() == ScriptedDuty(.read(number: 1)))
        #expect(script.attend(reads[1], until: script.now + 900) == [])
        #expect(script.attend(reads[2], until: script.now + 100) == [.background(.nudge)])
    }

    @Test func tasksTimeOutInTheBackground() {
        let script = ExchangeScript()
        let (early, late) = (script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        _ = (script.attend(early, until: script.now + 100), script.attend(late, until: script.now + 200))
        script.now = script.now + 100
        #expect(
            script.backgroundDuty()
                == ScriptedDuty(.read(number: 1), [.failed(early, .timedOut), .resume(early)]))
        #expect(script.earliestTaskDeadline == script.now + 100)
    }

    @Test func withoutABackgroundThreadTasksFail() {
        let script = ExchangeScript()
        let read = script.request(Read.self)
        #expect(script.attend(read) == [.background(.start)])
        #expect(script.backgroundFailed() == [.failed(read, .noThread), .resume(read)])
        let next = script.request(Read.self)
        #expect(script.attend(next) == [.background(.start)])
    }
}
