import FuseboxWire
import Testing

@testable import FuseboxClient

/// Connections that are made, refused and lost, and the requests at that time.
struct ExchangeConnectionTests {
    private typealias Report = BreakerSuccess
    private typealias Read = Overview
    /// It changes something, is not sequenced, and is never sent twice.
    private typealias Once = ImportChunk

    // MARK: Introductions

    @Test func aWorkerKeepsItsIdAndSaysHowFarItsNumbersGo() {
        let script = ExchangeScript(isConnected: false)
        #expect(script.introduction() == .init(worker: ExchangeScript.worker, lastSequence: 0))
        script.connect()
        for _ in 0..<3 { _ = script.request(Report.self) }
        script.lose()
        script.freshWorker = WorkerID(high: 8, low: 8)
        #expect(script.introduction() == .init(worker: ExchangeScript.worker, lastSequence: 3))
    }

    /// After a fork, the child starts a machine of its own. It sends none of its parent's requests.
    @Test func theChildOfAForkIsAnotherWorkerWithNumbersOfItsOwn() {
        let parent = ExchangeScript()
        let underWay = parent.request(Report.self)
        let child = ExchangeScript(isConnected: false)
        child.freshWorker = WorkerID(high: 9, low: 9)
        #expect(child.introduction() == .init(worker: WorkerID(high: 9, low: 9), lastSequence: 0))
        #expect(child.connect() == [])
        let own = child.claim(Report.self)
        #expect(child.submit(own) == [.write(own, 1, oldest: 1), .send])
        #expect(parent.reply(underWay) == [.answered(underWay)])
    }

    @Test func whatIsGreetedAfterTheEndIsDropped() {
        let script = ExchangeScript(isConnected: false)
        #expect(script.firstDuty() == .connect)
        _ = script.close()
        #expect(script.greeted() == [.close])
        #expect(script.hello == nil)
    }

    // MARK: No connection

    static let refusals = [
        "connect: Connection refused", "something listens there but did not answer in time",
        Connection.Interruption.refused(Refusal(.tooManyConnections, "4096 are open")).description,
        Connection.Interruption.refused(Refusal(.unsupportedVersion, "this server speaks 2 to 3")).description,
    ]

    /// Whether no process listens, hello is refused or the versions do not match: waiting callers get the error.
    @Test(arguments: refusals)
    func withoutPatienceAFailedAttemptTurnsEverybodyAway(reason: String) {
        let script = ExchangeScript(isConnected: false)
        let (first, second) = (script.request(Report.self), script.request(Read.self))
        #expect(script.duty(first) == ScriptedDuty(.connect))
        #expect(script.duty(second) == ScriptedDuty(.sleep(until: .never)))
        #expect(script.refused(reason) == [.failed(first, .absent), .failed(second, .absent), .wake(second)])
        #expect(script.absence == reason)
    }

    @Test func whereNobodyListenedACallAsksAgainThoughTheBackoffIsNotOver() {
        let script = ExchangeScript()
        script.lose()
        let first = script.request(Read.self)
        #expect(script.duty(first) == ScriptedDuty(.connect))
        #expect(script.refused(isVacant: true) == [.failed(first, .absent)])
        #expect(script.backoff == 100)
        script.now = script.now + 30
        let second = script.request(Read.self)
        #expect(script.duty(second) == ScriptedDuty(.connect))
        #expect(script.refused(isVacant: true) == [.failed(second, .absent)])
        #expect(script.backoff == 70, "the backoff goes on")
        let third = script.request(Read.self)
        #expect(script.duty(third) == ScriptedDuty(.connect))
        #expect(script.greeted() == [.write(third, nil), .send])
    }

    /// It may have more to do than it can.
    @Test func aDaemonThatIsThereAndDoesNotAnswerIsGivenTheTime() {
        let script = ExchangeScript()
        script.lose()
        script.tryInVain(isVacant: true)
        let first = script.request(Read.self)
        #expect(script.duty(first) == ScriptedDuty(.connect))
        #expect(script.refused() == [.failed(first, .absent)])
        #expect(script.backoff == 200)
        let second = script.claim(Read.self)
        #expect(script.submit(second) == [.failed(second, .absent)])
    }

    /// Its policy has an answer.
    @Test func whoFailsOpenAsksOnceTheBackoffIsOver() {
        let script = ExchangeScript { $0.failurePolicy = .failOpen(queueLimit: 5) }
        script.lose()
        script.tryInVain(isVacant: true)
        let decision = script.claim(Read.self)
        #expect(script.submit(decision) == [.failed(decision, .absent)])
    }

    @Test func aReportThatIsKeptAsksNobody() {
        let script = ExchangeScript()
        script.lose()
        script.tryInVain(isVacant: true)
        let report = script.claim(Report.self, isReport: true)
        #expect(script.submit(report) == [.kept(report)])
        #expect(script.backoff == 100)
    }

    /// One attempt is under way at a time, however many calls wait.
    @Test func oneAttemptAnswersAllCallsThatCameBeforeIt() {
        let script = ExchangeScript()
        script.lose()
        script.tryInVain(isVacant: true)
        let calls = (0..<4).map { _ in script.request(Read.self) }
        #expect(script.duty(calls[0]) == ScriptedDuty(.connect))
        for call in calls[1...] { #expect(script.duty(call) == ScriptedDuty(.sleep(until: .never))) }
        let ended = script.refused(isVacant: true)
        #expect(ended.filter { if case .complete = $0 { true } else { false } } == calls.map { .failed($0, .absent) })
        #expect(script.backoff == 100)
    }

    @Test func aTaskIsToldAsAThread() {
        let script = ExchangeScript()
        script.lose()
        script.tryInVain(isVacant: true)
        let call = script.request(Read.self)
        #expect(script.attend(call) == [.background(.start)])
        #expect(script.backgroundDuty() == ScriptedDuty(.connect))
        #expect(script.refused(isVacant: true) == [.failed(call, .absent), .resume(call)])
    }

    @Test func anAttemptThatBeganBeforeACallDoesNotEndIt() {
        let script = ExchangeScript()
        script.lose()
        let first = script.request(Read.self)
        #expect(script.duty(first) == ScriptedDuty(.connect))
        let second = script.request(Read.self)
        #expect(script.duty(second) == ScriptedDuty(.sleep(until: .never)))
        #expect(script.refused(isVacant: true) == [.failed(first, .absent), .wake(second)])
        #expect(script.duty(second) == ScriptedDuty(.connect))
        #expect(script.refused(isVacant: true) == [.failed(second, .absent)])
    }

    @Test func withPatienceTheyWaitUntilItsEnd() {
        let script = ExchangeScript { $0.restartPatienceMilliseconds = 250 }
        script.lose()
        let report = script.request(Report.self)
        #expect(script.duty(report) == ScriptedDuty(.connect))
        #expect(script.refused() == [])
        #expect(script.duty(report) == ScriptedDuty(.sleep(until: script.now + 100)))
        script.now = script.now + 100
        #expect(script.duty(report) == ScriptedDuty(.connect))
        #expect(script.refused() == [])
        #expect(script.duty(report) == ScriptedDuty(.sleep(until: script.now + 100)))
        script.now = script.now + 100
        #expect(script.tryInVain() == [.wake(report)])
        // The last attempt is at the very end.
        #expect(script.backoff == 50)
        script.now = script.now + 50
        #expect(script.tryInVain() == [.failed(report, .absent), .wake(report)])
    }

    @Test func theFirstConnectionIsWaitedForAsOneThatWasLost() {
        let script = ExchangeScript(isConnected: false) { $0.restartPatienceMilliseconds = 800 }
        script.expectDaemon()
        script.tryInVain()
        #expect(script.isExpectedBack && script.backoff == 100)
        script.now = script.now + 800
        script.tryInVain()
        #expect(!script.isExpectedBack)
    }

    @Test func whoFailsOpenIsNeverKeptWaiting() {
        let script = ExchangeScript {
            $0.restartPatienceMilliseconds = 60_000
            $0.failurePolicy = .failOpen(queueLimit: 5)
        }
        let sent = script.request(Report.self, isReport: true)
        script.takeOutput()
        #expect(script.lose() == [.close])
        let (decision, report) = (script.request(Read.self), script.request(Report.self, isReport: true))
        #expect(script.duty(decision) == ScriptedDuty(.connect))
        #expect(script.refused() == [.failed(decision, .absent), .kept(sent), .kept(report)])
        // A request that may have arrived is confirmed when the daemon is back. It does not count as waiting.
        #expect(script.queued == 1)
        let next = script.claim(Read.self)
        #expect(script.submit(next) == [.failed(next, .absent)])
    }

    /// A decision that may have been carried out is kept until the daemon has confirmed it. Its caller gets the answer
    /// of the policy.
    @Test func whoFailsOpenDoesNotWaitForADecisionThatMayHaveArrived() {
        let script = ExchangeScript { $0.failurePolicy = .failOpen(queueLimit: 5) }
        let decision = script.request(BreakerAcquire.self)
        script.takeOutput()
        #expect(script.duty(decision) == ScriptedDuty(.read(number: 1)))
        script.lose()
        #expect(script.duty(decision) == ScriptedDuty(.connect))
        #expect(script.refused() == [.failed(decision, .timedOut)])
        #expect(script.release(decision) == [])
        script.now = script.now + 100
        #expect(script.connect(.daemon(.resumed)) == [.write(decision, 1, oldest: 1), .send])
    }

    // MARK: Backing off

    @Test func theBackoffDoublesAndBeginsAnew() {
        let script = ExchangeScript(isConnected: false) { $0.backoffMaximumMilliseconds = 500 }
        for milliseconds in [100, 200, 400, 500, 500] {
            script.tryInVain()
            #expect(script.backoff == milliseconds)
            script.now = script.now + milliseconds
        }
        script.connect()
        script.lose()
        #expect(script.backoff == nil)
        script.chance = 0
        script.tryInVain()
        #expect(script.backoff == 50)
    }

    /// Otherwise the daemon would reclaim the client's permits before the client reconnects.
    @Test func aHolderOfPermitsNeverBacksOffLongerThanAThirdOfTheGrace() {
        let script = ExchangeScript()
        #expect(script.longestBackoffOfHolder == nil, "nobody has told a grace")
        script.lose()
        script.connect(.daemon(grace: 2_000))
        script.lose()
        for _ in 0..<40 {
            script.tryInVain(holdsPermits: true)
            let backoff = script.backoff ?? 0
            #expect(1...666 ~= backoff)
            script.now = script.now + backoff
        }
        script.tryInVain()
        #expect(script.backoff == 10_000)
    }

    // MARK: Lost with the connection

    @Test func whatHadLeftIsSentAgainWithItsNumber() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        script.takeOutput()
        #expect(script.lose() == [.close])
        #expect(script.connect(.daemon(.resumed)) == [.write(report, 1, oldest: 1), .send])
        #expect(script.reply(report) == [.answered(report)])
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 2, oldest: 2), .send])
    }

    @Test func whatHadNotLeftIsSentToADaemonWithoutMemoryToo() {
        let script = ExchangeScript()
        let known = script.request(Report.self)
        _ = script.reply(known)
        let report = script.request(Report.self)
        #expect(script.lose() == [.close])
        #expect(script.connect(.daemon(.forgotten, epoch: 2)) == [.write(report, 2, oldest: 2), .send])
    }

    /// A frame that was sent in part cannot have been carried out.
    @Test func halfAFrameHasNotLeft() {
        let script = ExchangeScript()
        let (whole, half) = (script.request(Once.self), script.request(Once.self))
        #expect(script.sent(22 + 21) == [])
        #expect(script.lose() == [.close, .failed(whole, .outcomeUnknown)])
        #expect(script.connect() == [.write(half, nil), .send])
    }

    /// Sequenced requests come first, in the order of their numbers. The rest follows as submitted.
    @Test func whatWasNotAcknowledgedGoesFirstAndInOrder() {
        let script = ExchangeScript()
        let place = script.request(Read.self)
        let first = script.request(Report.self)
        let read = script.request(Read.self)
        _ = script.reply(place)
        _ = script.release(place)
        let second = script.request(Report.self)
        #expect(second.index < first.index)
        let third = script.request(Report.self)
        script.takeOutput()
        #expect(script.reply(first) == [.answered(first)])
        #expect(script.lose() == [.close])
        let later = script.request(Report.self)
        #expect(
            script.connect(.daemon(.resumed)) == [
                .write(second, 2, oldest: 2), .write(third, 3, oldest: 2), .write(read, nil),
                .write(later, 4, oldest: 2), .send,
            ])
    }

    @Test func resendsKeepWithinAWindowThatHasBecomeNarrow() {
        let script = ExchangeScript()
        let reports = (0..<3).map { _ in script.request(Report.self) }
        script.takeOutput()
        script.lose()
        #expect(script.connect(.daemon(.resumed, keeps: 1)) == [.write(reports[0], 1, oldest: 1), .send])
        #expect(script.reply(reports[0]) == [.answered(reports[0]), .write(reports[1], 2, oldest: 2), .send])
        #expect(script.reply(reports[1]) == [.answered(reports[1]), .write(reports[2], 3, oldest: 3), .send])
    }

    @Test func aReadIsAskedOnceMoreAndNoMore() {
        let script = ExchangeScript()
        let read = script.request(Read.self)
        script.takeOutput()
        #expect(script.lose() == [.close])
        #expect(script.connect() == [.write(read, nil), .send])
        script.takeOutput()
        #expect(script.lose("it fell again") == [.close, .failed(read, .absent)])
        #expect(script.absence == "it fell again")
    }

    @Test func withPatienceAReadIsAskedAgainForAsManyConnectionsAsARestartMayClose() {
        let script = ExchangeScript { $0.restartPatienceMilliseconds = 60_000 }
        let read = script.request(Read.self)
        for _ in 0..<ClientLimits.losses {
            script.takeOutput()
            #expect(script.lose() == [.close])
            // A daemon that falls again and again is not asked without a pause.
            script.now = script.now + (script.backoff ?? 0)
            #expect(script.connect() == [.write(read, nil), .send])
        }
        script.takeOutput()
        #expect(script.lose() == [.close, .failed(read, .absent)])
    }

    @Test func aReadThatNobodyWaitsForIsNotAskedAgain() {
        let script = ExchangeScript()
        let read = script.request(Read.self)
        script.takeOutput()
        #expect(script.release(read) == [])
        #expect(script.lose() == [.close, .free(read)])
    }

    @Test func whatIsNeverSentTwiceHasAnUnknownOutcome() {
        let script = ExchangeScript()
        let chunk = script.request(Once.self)
        script.takeOutput()
        #expect(script.lose() == [.close, .failed(chunk, .outcomeUnknown)])
        #expect(script.connect() == [])
    }

    /// A request that is lost repeatedly must not cause a busy loop. It may be what crashes the daemon.
    @Test func whatIsLostTimeAndAgainIsTriedSlowlyAndNotForEver() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        #expect(script.cancel(report) == [.failed(report, .cancelled)])
        #expect(script.release(report) == [])
        for loss in 1...9 {
            script.takeOutput()
            #expect(script.lose() == (loss < 9 ? [.close] : [.close, .free(report)]))
            #expect(script.backoff == (1 < loss && loss < 9 ? 100 : nil))
            script.now = script.now + 100
            let resent: [ExchangeAction] = [.write(report, 1, oldest: 1), .send]
            #expect(script.connect(.daemon(.resumed)) == (loss < 9 ? resent : []))
        }
    }

    // MARK: A daemon that has forgotten

    /// The daemon's state was replaced, or the daemon had to forget the worker. It is unknown what has counted.
    @Test(arguments: [Hello.Reply.daemon(.resumed, epoch: 2), .daemon(.forgotten)])
    func aMemoryThatIsGoneLeavesTheOutcomeUnknown(hello: Hello.Reply) {
        let script = ExchangeScript()
        let known = script.request(Report.self)
        #expect(script.reply(known) == [.answered(known)])
        let report = script.request(Report.self)
        script.takeOutput()
        script.lose()
        #expect(script.connect(hello) == [.failed(report, .outcomeUnknown)])
        // Numbering continues. Earlier requests are not sent again.
        let next = script.claim(Report.self)
        #expect(script.submit(next) == [.write(next, 3, oldest: 3), .send])
    }

    /// A daemon that does not know the worker, and has forgotten no worker since the last hello, has not counted its
    /// first request.
    @Test(arguments: [WorkerStanding.new, .forgotten], [true, false])
    func ofAWorkerThatWasNeverMetNothingHasCounted(standing: WorkerStanding, hasForgottenOne: Bool) {
        let script = ExchangeScript(isConnected: false)
        script.connect(.daemon(forgot: 3))
        let report = script.request(Report.self)
        script.takeOutput()
        script.lose()
        let actions = script.connect(.daemon(standing, forgot: hasForgottenOne ? 4 : 3))
        #expect(
            actions
                == (hasForgottenOne
                    ? [.failed(report, .outcomeUnknown)] : [.write(report, 1, oldest: 1), .send]))
    }

    @Test func aKeptReportOfAForgottenWorkerIsDropped() {
        let script = ExchangeScript { $0.failurePolicy = .failOpen(queueLimit: 5) }
        _ = script.reply(script.request(Report.self))
        let report = script.request(Report.self, isReport: true)
        script.takeOutput()
        script.lose()
        #expect(script.tryInVain() == [.kept(report)])
        #expect(script.release(report) == [])
        script.now = script.now + 100
        #expect(script.connect(.daemon(.forgotten)) == [.free(report)])
        #expect((script.queued, script.dropped) == (0, 1))
    }

    /// Another process has connected with this worker's id, so the numbers are no longer this client's.
    @Test func aWorkerThatIsFencedBecomesAnother() {
        let script = ExchangeScript()
        _ = script.reply(script.request(Report.self))
        let sent = script.request(Report.self)
        script.takeOutput()
        let unsent = script.request(Report.self)
        #expect(script.farewell(Refusal(.fenced, "the same worker has connected anew")) == [])
        #expect(script.lose() == [.close, .failed(sent, .outcomeUnknown)])
        script.freshWorker = WorkerID(high: 8, low: 8)
        #expect(script.introduction() == .init(worker: WorkerID(high: 8, low: 8), lastSequence: 0))
        #expect(script.connect() == [.write(unsent, 1, oldest: 1), .send])
    }

    @Test func theReasonThatTheDaemonGaveIsTold() {
        let script = ExchangeScript()
        #expect(script.farewell(Refusal(.idleTimeout, "silent for a day")) == [])
        script.lose("the daemon closed the connection")
        #expect(script.absence?.contains("silent for a day") == true)
        script.connect()
        script.lose("gone")
        #expect(script.absence == "gone")
    }

    // MARK: Invalid frames

    @Test func whatIsNotThisProtocolEndsTheConnection() {
        let garbage = [
            FrameHeader(command: 3, kind: .reply, correlation: 99),
            FrameHeader(command: 3, kind: .request, correlation: 0),
        ]
        for header in garbage {
            let script = ExchangeScript()
            let report = script.request(Report.self)
            #expect(script.receive(header) == [.close])
            #expect(script.absence?.hasPrefix("the peer does not speak this protocol") == true)
            #expect(script.connect() == [.write(report, 1, oldest: 1), .send])
        }
    }

    @Test func aReplyToAnotherCommandEndsTheConnection() {
        let script = ExchangeScript()
        let report = script.request(Report.self)
        let foreign = FrameHeader(command: 3, kind: .reply, correlation: report.correlation)
        #expect(script.receive(foreign) == [.close])
    }

    @Test func eventsAreForOthers() {
        let script = ExchangeScript()
        #expect(script.receive(FrameHeader(command: 3, kind: .event, correlation: 0)) == [])
    }
}
