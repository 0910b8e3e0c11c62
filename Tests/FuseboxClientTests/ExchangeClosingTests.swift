import FuseboxWire
import Testing

@testable import FuseboxClient

/// The close, and the reports that are then left in the spool.
struct ExchangeClosingTests {
    private typealias Report = BreakerSuccess
    private typealias Read = Overview

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

    /// A worker that leaves reports does not say goodbye. A request that it has sent must count once when it is sent
    /// again.
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

    /// Its caller was told that it counts at most once. It is spooled in a way that keeps this.
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
