import FuseboxWire
import Testing

@testable import FuseboxClient

/// Calls of the machine: requests, timeouts, cancellation.
struct ExchangeMachineTests {
    private typealias Report = BreakerSuccess
    private typealias Read = Overview

    // MARK: A request and its reply

    @Test func aRequestIsWrittenAnsweredAndGivenBack() {
        let script = ExchangeScript()
        let report = script.claim(Report.self)
        #expect(script.submit(report) == [.write(report, 1, oldest: 1), .send])
        #expect(script.takeOutput() == [])
        #expect(script.duty(report) == ScriptedDuty(.read(number: 1)))
        #expect(script.reply(report) == [.answered(report)])
        #expect(script.readOn(for: report) == false)
        #expect(script.duty(report) == ScriptedDuty(.leave))
        #expect(script.release(report) == [.free(report)])
    }

    @Test func whatChangesNothingHasNoNumber() {
        let script = ExchangeScript()
        let read = script.claim(Read.self)
        #expect(script.submit(read) == [.write(read, nil), .send])
    }

    @Test func aRefusalIsAnAnswer() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.reply(report, .limitReached) == [.answered(report, .limitReached)])
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 2, oldest: 2), .send])
    }

    @Test func repliesMayOvertakeOneAnother() {
        let script = ExchangeScript()
        let reports = (0..<3).map { _ in script.request(Report.self) }
        #expect(script.reply(reports[2]) == [.answered(reports[2])])
        #expect(script.reply(reports[1]) == [.answered(reports[1])])
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 4, oldest: 1), .send])
        #expect(script.reply(reports[0]) == [.answered(reports[0])])
        let last = script.claim(Report.self)
        #expect(script.submit(last) == [.write(last, 5, oldest: 4), .send])
    }

    @Test func aRequestTooLongForTheDaemonIsNotSentAndSpendsNoNumber() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(frameLimit: 100))
        let long = script.claim(Report.self)
        #expect(script.submit(long, length: 77) == [.failed(long, .frameTooLong(101, limit: 100))])
        let fitting = script.claim(Report.self)
        #expect(script.submit(fitting, length: 76) == [.write(fitting, 1, oldest: 1), .send])
    }

    // MARK: The window

    @Test func noMoreIsUnacknowledgedThanTheDaemonKeeps() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(keeps: 2))
        let reports = (0..<5).map { _ in script.request(Report.self) }
        // Requests without a number wait too, because requests are sent in the order of submission.
        let read = script.request(Read.self)
        #expect(script.reply(reports[1]) == [.answered(reports[1])])
        #expect(
            script.reply(reports[0]) == [
                .answered(reports[0]), .write(reports[2], 3, oldest: 3), .write(reports[3], 4, oldest: 3), .send,
            ])
        #expect(
            script.reply(reports[2]) == [
                .answered(reports[2]), .write(reports[4], 5, oldest: 4), .write(read, nil), .send,
            ])
    }

    @Test func whatIsTakenBackHoldsNobodyUp() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(keeps: 1))
        let first = script.request(Report.self)
        let second = script.request(Report.self)
        let read = script.request(Read.self)
        #expect(script.cancel(second) == [.failed(second, .cancelled), .write(read, nil), .send])
        #expect(script.reply(first) == [.answered(first)])
        // The next request gets the number that it never had.
        let third = script.claim(Report.self)
        #expect(script.submit(third) == [.write(third, 2, oldest: 2), .send])
    }

    // MARK: Without a connection

    @Test func withoutAConnectionARequestWaitsForTheFirstAttempt() {
        let script = ExchangeScript(isConnected: false)
        let report = script.claim(Report.self)
        #expect(script.submit(report) == [])
        #expect(script.duty(report) == ScriptedDuty(.connect))
        #expect(script.greeted() == [.write(report, 1, oldest: 1), .send])
    }

    @Test func whileOneThreadConnectsTheOthersWait() {
        let script = ExchangeScript(isConnected: false)
        let (first, second) = (script.request(Report.self), script.request(Read.self))
        #expect(script.duty(first) == ScriptedDuty(.connect))
        #expect(script.duty(second) == ScriptedDuty(.sleep(until: .never)))
        let third = script.claim(Read.self)
        #expect(script.submit(third) == [])
        #expect(
            script.greeted() == [
                .write(first, 1, oldest: 1), .write(second, nil), .write(third, nil), .send, .wake(second),
            ])
    }

    @Test func withinTheBackoffACallIsUnavailableAtOnce() {
        let script = ExchangeScript(isConnected: false)
        #expect(script.tryInVain() == [])
        let report = script.claim(Report.self)
        #expect(script.submit(report) == [.failed(report, .absent)])
        #expect(script.absence == "nobody listens")
        script.now = script.now + 100
        #expect(script.submit(script.claim(Report.self)) == [])
    }

    @Test func afterTheEndCallsFail() {
        let script = ExchangeScript()
        _ = script.close()
        let report = script.claim(Report.self)
        #expect(script.submit(report) == [.failed(report, .closed)])
        #expect(script.duty(report) == ScriptedDuty(.leave))
    }

    // MARK: Time

    @Test func aRequestThatWasSentTimesOutAndItsLateReplyIsDropped() {
        let script = ExchangeScript()
        let late = script.request(Report.self)
        script.takeOutput()
        #expect(script.duty(late, until: script.now) == ScriptedDuty(.leave, [.failed(late, .timedOut)]))
        #expect(script.release(late) == [])
        // No other request gets its number, and nothing acknowledges its reply.
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 2, oldest: 1), .send])
        #expect(script.reply(late) == [.free(late)])
        let last = script.claim(Report.self)
        #expect(script.submit(last) == [.write(last, 3, oldest: 2), .send])
    }

    @Test func aRequestThatWaitsForTheWindowTimesOut() {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(keeps: 1))
        let first = script.request(Report.self)
        let second = script.request(Report.self)
        #expect(script.duty(second, until: script.now) == ScriptedDuty(.leave, [.failed(second, .timedOut)]))
        #expect(script.release(second) == [.free(second)])
        #expect(script.reply(first) == [.answered(first)])
    }

    /// A request that was never sent has changed nothing, whatever ended its wait.
    @Test(arguments: [true, false])
    func aRequestThatNeverLeftAndFindsNoConnectionIsUnavailable(isConnecting: Bool) {
        let script = ExchangeScript { $0.restartPatienceMilliseconds = 60_000 }
        script.lose("it has gone")
        if isConnecting { #expect(script.firstDuty() == .connect) } else { script.tryInVain("it has gone") }
        let report = script.claim(Report.self)
        #expect(script.submit(report) == [])
        #expect(script.duty(report, until: script.now) == ScriptedDuty(.leave, [.failed(report, .absent)]))
        #expect(script.absence == "it has gone")
    }

    /// A request that may have arrived may have been carried out.
    @Test(arguments: [true, false])
    func aRequestThatMayHaveArrivedTimesOut(isConnecting: Bool) {
        let script = ExchangeScript { $0.restartPatienceMilliseconds = 60_000 }
        let report = script.request(Report.self)
        script.takeOutput()
        script.lose()
        if isConnecting { #expect(script.firstDuty() == .connect) } else { script.tryInVain() }
        #expect(script.duty(report, until: script.now) == ScriptedDuty(.leave, [.failed(report, .timedOut)]))
        #expect(script.release(report) == [])
        // It is confirmed nevertheless.
        if isConnecting { #expect(script.greeted(.daemon(.resumed)) == [.write(report, 1, oldest: 1), .send]) }
    }

    /// A daemon that has not answered for long counts as gone. Further requests would only pile up.
    @Test func aDaemonThatAnswersNothingForLongIsGivenUp() {
        let script = ExchangeScript { $0.requestTimeoutMilliseconds = 1_000 }
        for _ in 0..<4 {
            let read = script.request(Read.self)
            #expect(script.duty(read, until: script.now).actions == [.failed(read, .timedOut)])
            script.now = script.now + 1_000
        }
        let last = script.request(Read.self)
        #expect(script.duty(last, until: script.now).actions == [.failed(last, .timedOut), .close])
        #expect(script.absence == "the daemon has stopped answering")
    }

    @Test func aByteIsASignOfLife() {
        let script = ExchangeScript { $0.requestTimeoutMilliseconds = 1_000 }
        for _ in 0..<10 {
            let read = script.request(Read.self)
            #expect(script.duty(read, until: script.now).actions == [.failed(read, .timedOut)])
            #expect(script.readOn(for: nil) == false)
            script.now = script.now + 1_000
        }
    }

    // MARK: Cancellation

    @Test func whatIsCancelledBeforeItIsSubmittedIsNotSubmitted() {
        let script = ExchangeScript()
        let report = script.claim(Report.self)
        #expect(script.cancel(report) == [.failed(report, .cancelled)])
        #expect(script.submit(report) == [])
        #expect(script.attend(report) == [.resume(report)])
        #expect(script.release(report) == [.free(report)])
    }

    @Test func whatWaitsForAConnectionIsTakenBack() {
        let script = ExchangeScript(isConnected: false)
        let report = script.request(Report.self)
        #expect(script.attend(report) == [.background(.start)])
        #expect(script.backgroundDuty() == ScriptedDuty(.connect))
        #expect(script.cancel(report) == [.failed(report, .cancelled), .resume(report)])
        #expect(script.greeted() == [])
    }

    @Test func whatWasSentIsCancelledForItsCallerOnly() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        _ = script.attend(report)
        #expect(script.cancel(report) == [.failed(report, .cancelled), .resume(report)])
        #expect(script.release(report) == [])
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 2, oldest: 1), .send])
        #expect(script.reply(report) == [.free(report)])
    }

    @Test func whatMayHaveArrivedIsConfirmedAlthoughItWasCancelled() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        script.takeOutput()
        script.lose()
        #expect(script.cancel(report) == [.failed(report, .cancelled)])
        #expect(script.release(report) == [])
        #expect(script.connect(.daemon(.resumed)) == [.write(report, 1, oldest: 1), .send])
        #expect(script.reply(report) == [.free(report)])
    }

    @Test func whatIsOverIsNotCancelled() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.reply(report) == [.answered(report)])
        #expect(script.cancel(report) == [])
        #expect(script.release(report) == [.free(report)])
        // Another request has its slot now, and the old id is invalid.
        let next = script.request(Report.self)
        #expect(next.index == report.index)
        #expect(script.cancel(report) == [])
        #expect(script.reply(next) == [.answered(next)])
    }

    // MARK: Reports that are kept

    @Test func reportsAreKeptInTheirOrderAndTheOldestAreDropped() {
        let script = ExchangeScript(isConnected: false) { $0.failurePolicy = .failOpen(queueLimit: 2) }
        script.tryInVain()
        let reports = (0..<3).map { _ in script.claim(Report.self, isReport: true) }
        #expect(script.submit(reports[0]) == [.kept(reports[0])])
        #expect(script.submit(reports[1]) == [.kept(reports[1])])
        #expect(script.queued == 2)
        for report in reports.prefix(2) { #expect(script.release(report) == []) }
        #expect(script.submit(reports[2]) == [.kept(reports[2]), .free(reports[0])])
        #expect((script.queued, script.dropped) == (2, 1))
        script.now = script.now + 100
        let read = script.request(Read.self)
        #expect(script.duty(read) == ScriptedDuty(.connect))
        #expect(
            script.greeted() == [
                .write(reports[1], 1, oldest: 1), .write(reports[2], 2, oldest: 1), .write(read, nil), .send,
            ])
        #expect((script.queued, script.dropped) == (0, 1))
    }

    @Test func aReportThatWaitsForAConnectionIsKeptWhenItsTimeIsOver() {
        let script = ExchangeScript { $0.restartPatienceMilliseconds = 60_000 }
        script.lose()
        let report = script.request(Report.self, isReport: true)
        #expect(script.duty(report, until: script.now) == ScriptedDuty(.leave, [.kept(report)]))
        #expect(script.queued == 1)
    }

    @Test func aKeptReportThatIsRefusedIsDropped() {
        let script = ExchangeScript(isConnected: false) { $0.failurePolicy = .failOpen(queueLimit: 2) }
        script.tryInVain()
        let report = script.request(Report.self, isReport: true)
        #expect(script.release(report) == [])
        script.now = script.now + 100
        script.connect()
        #expect(script.reply(report, .limitReached) == [.free(report)])
        #expect(script.dropped == 1)
    }
}
