import FuseboxWire
import Testing

@testable import FuseboxClient

/// Requests that change on their way, duties of threads and tasks, and the end.
struct ExchangeEndingsTests {
    private typealias Report = BreakerSuccess
    private typealias Read = Overview
    private static let settle = FuseboxWire.Settle.self
    private static let substitute = Request.Substitute(epoch: 1, length: 30)

    // MARK: New numbers, substitutes

    /// The daemon refused it when it first came, and has had a higher number since: nothing was changed then.
    @Test func aNumberThatIsSpentIsReplaced() {
        let script = ExchangeScript()
        let (first, second) = (script.request(Report.self), script.request(Report.self))
        script.takeOutput()
        script.lose()
        script.connect(.daemon(.resumed))
        #expect(script.reply(first, .sequenceOutOfOrder) == [.write(first, 3, oldest: 2), .send])
        #expect(script.reply(second) == [.answered(second)])
        #expect(script.reply(first, .limitReached) == [.answered(first, .limitReached)])
    }

    @Test func aNumberThatWasNeverSentAgainIsNotReplaced() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.reply(report, .sequenceOutOfOrder) == [.answered(report, .sequenceOutOfOrder)])
    }

    @Test func aSettleOfAnUnknownPermitBecomesAReport() {
        let script = ExchangeScript()
        let settle = script.claim(Self.settle)
        #expect(script.submit(settle, orElse: Self.substitute) == [.write(settle, 1, oldest: 1), .send])
        #expect(script.reply(settle, .notFound) == [.substitute(settle), .write(settle, 2, oldest: 2), .send])
        #expect(script.reply(settle) == [.answered(settle)])
    }

    /// A state that was restored deals the permits' numbers again.
    @Test func aSettleOfAnotherEpochIsSentAsAReport() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(epoch: 2))
        let settle = script.claim(Self.settle)
        #expect(
            script.submit(settle, orElse: Self.substitute) == [
                .substitute(settle), .write(settle, 1, oldest: 1), .send,
            ])
    }

    /// Money is told by it, so it survives the caller, a failed attempt and a lost connection.
    @Test func theSubstituteOfACallerThatHasGoneIsKept() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(keeps: 2))
        let settle = script.claim(Self.settle)
        _ = script.submit(settle, orElse: Self.substitute)
        let blocking = script.request(Report.self)
        #expect(script.cancel(settle) == [.failed(settle, .cancelled)])
        #expect(script.release(settle) == [])
        #expect(script.reply(settle, .notFound) == [.substitute(settle), .write(settle, 3, oldest: 2), .send])
        #expect(script.lose() == [.close])
        #expect(script.queued == 1)
        #expect(script.tryInVain() == [.failed(blocking, .absent)])
        #expect((script.queued, script.dropped) == (1, 0))
        script.now = script.now + 100
        #expect(script.connect() == [.write(settle, 3, oldest: 3), .send])
        #expect(script.reply(settle) == [.free(settle)])
        #expect((script.queued, script.dropped) == (0, 0))
    }

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

    /// A daemon whose replies are not read stops reading too: who sends must also push, and then read.
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

    /// Replies may still wait to be read: they decide, and the end of the connection behind them.
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

    /// Places are used again, and a thread that has left is not counted on.
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

    // MARK: The end

    @Test func goodbyeComesAfterWhatIsUnderWay() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.hasUnanswered)
        let goodbye = script.claim(Goodbye.self)
        #expect(script.submit(goodbye) == [])
        #expect(script.reply(report) == [.answered(report), .write(goodbye, nil), .send])
        #expect(script.reply(goodbye) == [.answered(goodbye)])
        #expect(script.close(isFarewellSaid: true).actions == [.close])
    }

    @Test func theEndEndsEveryWait() {
        let script = ExchangeScript()
        let (sent, asleep, task) = (script.request(Report.self), script.request(Read.self), script.request(Read.self))
        script.takeOutput()
        _ = (script.duty(sent), script.duty(asleep), script.attend(task))
        #expect(
            script.close().actions == [
                .sayGoodbye, .close, .failed(sent, .closed), .failed(asleep, .closed), .wake(asleep),
                .failed(task, .closed), .resume(task),
            ])
        #expect(script.backgroundDuty() == ScriptedDuty(.leave))
        #expect(script.close().actions == [])
    }

    @Test func reportsThatAreNotKeptAreGivenUp() {
        let script = ExchangeScript(isConnected: false) { $0.failurePolicy = .failOpen(queueLimit: 5) }
        script.tryInVain()
        let report = script.request(Report.self, isReport: true)
        #expect(script.release(report) == [])
        #expect(script.close().actions == [.free(report)])
        #expect((script.queued, script.dropped) == (0, 1))
    }

    /// A worker that leaves reports says no goodbye: what it has sent must count once when it is sent again.
    @Test func reportsThatHaveNoReplyAreLeftInTheirOrder() {
        let script = ExchangeScript(isConnected: false) { $0.failurePolicy = .failOpen(queueLimit: 5) }
        script.connect(.daemon(keeps: 2))
        let reports = (0..<3).map { _ in script.request(Report.self, isReport: true) }
        let read = script.request(Read.self)
        script.takeOutput()
        let closing = script.close(keepsReports: true)
        let command = Report.declaration.number
        #expect(
            closing.left == [
                .init(id: reports[0], sequence: 1, command: command, mayHaveLeft: true),
                .init(id: reports[1], sequence: 2, command: command, mayHaveLeft: true),
                .init(id: reports[2], sequence: 3, command: command, mayHaveLeft: false),
            ])
        #expect((closing.worker, closing.lastSequence) == (ExchangeScript.worker, 3))
        #expect(
            closing.actions == [
                .kept(reports[0]), .kept(reports[1]), .kept(reports[2]), .close, .failed(read, .closed),
            ])
        #expect(script.dropped == 0)
    }

    /// Its caller was told that it counts once at the most; it is left so that it does.
    @Test func aReportThatTimedOutIsLeftToo() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        script.takeOutput()
        #expect(script.duty(report, until: script.now).actions == [.failed(report, .timedOut)])
        #expect(script.release(report) == [])
        let closing = script.close(keepsReports: true)
        #expect(closing.left.map(\.id) == [report] && closing.actions == [.free(report), .close])
    }

    @Test func aWorkerThatNeverConnectedLeavesItsReportsUnderAnIdOfItsOwn() {
        let script = ExchangeScript(isConnected: false) { $0.failurePolicy = .failOpen(queueLimit: 5) }
        script.tryInVain()
        let report = script.request(Report.self, isReport: true)
        script.freshWorker = WorkerID(high: 3, low: 3)
        let closing = script.close(keepsReports: true)
        #expect(closing.left.map(\.sequence) == [1] && closing.worker == WorkerID(high: 3, low: 3))
        #expect(closing.actions == [])
        #expect(script.release(report) == [.free(report)])
    }
}
