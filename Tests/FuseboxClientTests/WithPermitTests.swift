import FuseboxCollections
import FuseboxTestSupport
import FuseboxWire
import Synchronization
import Testing

@testable import FuseboxClient

/// The requests of `withPermit` for each outcome of its body.
struct WithPermitTests {
    /// Grants the first candidate each time, and numbers permits from 1.
    private final class Granting: Sendable {
        let server: FakeServer

        init(beforeGrant: @escaping @Sendable () -> Void = {}) {
            let granted = Counter()
            server = FakeServer { request in
                guard request.command == Admit.declaration.number else { return request.replySample() }
                beforeGrant()
                var reply = Admit.Reply()
                reply.permit = granted.next()
                reply.decision.candidate = 0
                request.reply(reply)
            }
        }

        func all<C: Command>(_ command: C.Type = C.self) -> [C] {
            server.requests.filter { $0.command == C.declaration.number }.map { $0.decoded() }
        }

        /// The settles without their times, which differ from run to run.
        var settles: [Settle] {
            all(Settle.self).map { settle in
                var settle = settle
                settle.timing = CallTiming()
                return settle
            }
        }
        var asked: [[String]] { all(Admit.self).map { $0.candidates.array.map(\.provider.text) } }
    }

    private final class Counter: Sendable {
        private let value = Atomic<UInt64>(0)
        func next() -> UInt64 { value.add(1, ordering: .relaxed).newValue }
    }

    private struct Broken: Error, Equatable {}

    private struct TooMany: CallError {
        var callOutcome: CallOutcome { .throttled(retryAfter: .seconds(2), usage: Usage(inputTokens: 5)) }
    }

    private let granting = Granting()

    @Test func aValueIsReturnedAndSettled() async throws {
        let client = try granting.server.connect()
        let answer = try await client.withPermit(["openai", "anthropic"], estimate: .tokens(800)) { permit in
            let reply = "\(permit.provider) says so"
            return .success(reply, usage: Usage(cost: .dollars("0.00123"), inputTokens: 120, outputTokens: 300))
        }
        #expect(answer == "openai says so")
        let usage = CallUsage(cost: .dollars("0.00123"), inputTokens: 120, outputTokens: 300)
        #expect(granting.settles == [Settle(permit: 1, outcome: .success, usage: usage)])
    }

    @Test func aSettleTellsHowLongItsCallTookAndOfTheFirstTokenIfItsBodyDoes() async throws {
        let client = try granting.server.connect()
        let told = try await client.withPermit(["openai"]) { permit in
            while permit.timing.durationMilliseconds ?? 0 < 2 { await Task.yield() }
            permit.firstToken()
            let first = permit.timing.firstTokenMilliseconds
            while permit.timing.durationMilliseconds ?? 0 < (first ?? 0) + 2 { await Task.yield() }
            // Only the first time counts.
            permit.firstToken()
            return .success(first)
        }
        _ = try await client.withPermit(["openai"]) { _ in .success(()) }
        let timings = granting.all(Settle.self).map(\.timing)
        #expect(timings.map(\.firstTokenMilliseconds) == [told, nil])
        #expect(try #require(told) >= 2 && timings[0].durationMilliseconds ?? 0 >= #require(told) + 2)
        #expect(timings[1].durationMilliseconds != nil)
    }

    @Test func aBlockedThreadGetsTheSame() throws {
        let client = try granting.server.connect()
        let answer = try client.withPermit(["openai"]) { permit in .rejected(permit.provider) }
        #expect(answer == "openai")
        #expect(granting.settles == [Settle(permit: 1, outcome: .rejected)])
    }

    @Test func aFailingProviderIsLeftOutOfTheNextAdmission() async throws {
        let client = try granting.server.connect()
        let candidates: [Candidate] = [try .init("openai", model: "a"), try .init("openai", model: "b"), "anthropic"]
        let answer = try await client.withPermit(candidates) { permit -> CallResult<String> in
            guard permit.provider == "anthropic" else { throw Broken() }
            return .success("yes")
        }
        #expect(answer == "yes")
        #expect(granting.asked == [["openai", "openai", "anthropic"], ["anthropic"]])
        #expect(granting.settles.map(\.outcome) == [.failure, .success])
        #expect(granting.settles.map(\.permit) == [1, 2])
    }

    /// A 403 says nothing of the other models of its key, and a 401 does.
    @Test(arguments: [403, 401]) func aModelThatTheKeyMayNotUseLeavesItsOthers(_ status: Int) throws {
        let client = try granting.server.connect()
        let candidates: [Candidate] = [try .init("openai", model: "a"), try .init("openai", model: "b"), "anthropic"]
        #expect(throws: ProviderAnswer.self) {
            try client.withPermit(candidates, policy: CallPolicy(attempts: 2)) { _ -> CallResult<Int> in
                throw ProviderAnswer(status: status)
            }
        }
        let left = status == 403 ? ["openai", "anthropic"] : ["anthropic"]
        #expect(granting.asked == [["openai", "openai", "anthropic"], left])
        #expect(granting.settles.map(\.markScope) == (status == 403 ? [.route, .route] : [nil, nil]))
    }

    @Test func theLastErrorIsThrown() throws {
        let client = try granting.server.connect()
        #expect(throws: Broken.self) {
            try client.withPermit(["a", "b", "c"]) { _ -> CallResult<Int> in throw Broken() }
        }
        #expect(granting.settles.count == 3)
        #expect(throws: Broken.self) {
            try client.withPermit(["a", "b", "c"], policy: CallPolicy(attempts: 2)) { _ -> CallResult<Int> in
                throw Broken()
            }
        }
        #expect(granting.settles.count == 5)
    }

    @Test func aBodyMayReturnThatTheProviderFailed() throws {
        let client = try granting.server.connect()
        let error = #expect(throws: ProviderFailed.self) {
            try client.withPermit(["a", "b"]) { permit -> CallResult<Int> in
                permit.provider == "a" ? .failure : .throttled(retryAfter: .seconds(3))
            }
        }
        #expect(error?.candidate == "b" && error?.callOutcome == .throttled(retryAfter: .seconds(3)))
        #expect(
            granting.settles == [
                Settle(permit: 1, outcome: .failure),
                Settle(permit: 2, outcome: .throttled, retryAfterMilliseconds: 3_000),
            ])
    }

    @Test func anErrorTellsItsOutcome() throws {
        let client = try granting.server.connect()
        #expect(throws: TooMany.self) { try client.withPermit(["a"]) { _ -> CallResult<Int> in throw TooMany() } }
        let usage = CallUsage(inputTokens: 5)
        #expect(
            granting.settles
                == [Settle(permit: 1, outcome: .throttled, usage: usage, retryAfterMilliseconds: 2_000)])
    }

    @Test func theTableOfErrorsCanBeReplaced() throws {
        let client = try granting.server.connect()
        let policy = CallPolicy(outcome: { $0 is Broken ? .rejected : .failure })
        #expect(throws: Broken.self) {
            try client.withPermit(["a", "b"], policy: policy) { _ -> CallResult<Int> in throw Broken() }
        }
        #expect(granting.settles == [Settle(permit: 1, outcome: .rejected)], "no other would do better")
    }

    @Test func theDefaultTableBlamesNoProviderForWhatIsNotItsFault() {
        #expect(CallPolicy.outcome(of: CancellationError()) == .abandoned)
        #expect(CallPolicy.outcome(of: ClientError.timedOut) == .abandoned)
        #expect(CallPolicy.outcome(of: AdmissionDenied(reasons: [], retryAfter: nil)) == .abandoned)
        #expect(CallPolicy.outcome(of: Broken()) == .failure)
    }

    @Test func aStreamsUsageCountsThoughItBreaksMidway() throws {
        let client = try granting.server.connect()
        #expect(throws: Broken.self) {
            try client.withPermit(["a"]) { permit -> CallResult<Int> in
                permit.use(Usage(model: "m", cost: .dollars("0.1"), inputTokens: 10))
                permit.use(Usage(cost: .dollars("0.2"), outputTokens: 5))
                throw Broken()
            }
        }
        let usage = CallUsage(model: try Name("m"), cost: .dollars("0.3"), inputTokens: 10, outputTokens: 5)
        #expect(granting.settles == [Settle(permit: 1, outcome: .failure, usage: usage)])
    }

    @Test func whatWasUsedIsAddedToWhatTheResultTells() throws {
        let client = try granting.server.connect()
        _ = try client.withPermit(["a"]) { permit in
            permit.use(Usage(inputTokens: 10))
            return .success(1, usage: Usage(cost: .dollars("1"), outputTokens: 5))
        }
        let usage = CallUsage(cost: .dollars("1"), inputTokens: 10, outputTokens: 5)
        #expect(granting.settles == [Settle(permit: 1, outcome: .success, usage: usage)])
    }

    @Test func denialIsThrown() throws {
        let server = FakeServer(answer: AdmissionTests.deny)
        let client = try server.connect()
        let denied = #expect(throws: AdmissionDenied.self) {
            try client.withPermit(["openai", "anthropic"]) { _ -> CallResult<Int> in throw TestFailure("it was called")
            }
        }
        #expect(denied?.retryAfter == .seconds(5) && denied?.reasons.count == 2)
        #expect(server.requests.count == 1)
    }

    // MARK: Cancellation

    @Test func aTaskCancelledDuringAdmissionGivesThePermitBack() async throws {
        let arrived = AsyncGate()
        let goOn = Gate()
        let granting = Granting {
            arrived.open()
            goOn.wait()
        }
        let client = try granting.server.connect()
        let task = Task {
            try await client.withPermit(["a"]) { _ -> CallResult<Int> in throw TestFailure("it was called") }
        }
        await arrived.wait()
        task.cancel()
        goOn.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(granting.settles == [Settle(permit: 1, outcome: .cancelled)])
    }

    @Test func aTaskCancelledInItsBodyAbandonsTheCall() async throws {
        let client = try granting.server.connect()
        let began = AsyncGate()
        let task = Task {
            try await client.withPermit(["a", "b"]) { permit -> CallResult<Int> in
                permit.use(Usage(inputTokens: 3))
                began.open()
                while !Task.isCancelled { await Task.yield() }
                throw Broken()
            }
        }
        await began.wait()
        task.cancel()
        await #expect(throws: Broken.self) { try await task.value }
        let usage = CallUsage(inputTokens: 3)
        #expect(granting.settles == [Settle(permit: 1, outcome: .abandoned, usage: usage)])
        #expect(granting.asked.count == 1, "a cancelled task tries no other")
    }

    // MARK: Settling that fails

    @Test(arguments: [true, false])
    func theResultIsReturnedThoughTheDaemonIsAway(_ failsClosed: Bool) throws {
        let client = try granting.server.connect {
            $0.failurePolicy = failsClosed ? .failClosed : .failOpen(queueLimit: 10)
            $0.requestTimeoutMilliseconds = 1_000
            $0.backoffMaximumMilliseconds = 1
            $0.backoffMinimumMilliseconds = 1
        }
        let value = try client.withPermit(["a"]) { _ in
            granting.server.stop()
            return .success(5, usage: Usage(cost: .dollars("1")))
        }
        #expect(value == 5 && client.queuedReports == 1)
        granting.server.start()
        while (try? client.ping()) == nil {}
        #expect(client.queuedReports == 0 && client.droppedReports == 0)
        #expect(granting.settles == [Settle(permit: 1, outcome: .success, usage: CallUsage(cost: .dollars("1")))])
    }

    @Test func aRefusedSettleIsToldAndTheResultReturned() async throws {
        let server = FakeServer { request in
            guard request.command == Admit.declaration.number else { return request.refuse(.storageFailed, "full") }
            AdmissionTests.grant(request)
        }
        let client = try server.connect()
        let told = Lock<[UnsettledCall]>([])
        let policy = Self.policy { call in told.withLock { $0.append(call) } }
        func blocking() throws -> Int { try client.withPermit(["a"], policy: policy) { _ in .success(1) } }
        #expect(try blocking() == 1)
        let second = try await client.withPermit(["a"], policy: policy) { _ in .success(2) }
        #expect(second == 2)
        let calls = told.withLock { $0 }
        #expect(calls.count == 2 && client.droppedReports == 2)
        #expect(calls.first?.error == .refused(Refusal(.storageFailed, "full")))
    }

    private static func policy(_ unsettled: @escaping @Sendable (UnsettledCall) -> Void) -> CallPolicy {
        var policy = CallPolicy()
        policy.unsettled = unsettled
        return policy
    }

    @Test func usageThatCannotBeToldKeepsNobodyFromSettling() throws {
        let client = try granting.server.connect()
        let value = try client.withPermit(["a"]) { _ in .success(1, usage: Usage(inputTokens: -1)) }
        #expect(value == 1 && client.droppedReports == 1)
        #expect(granting.settles == [Settle(permit: 1, outcome: .success)])
    }

    @Test func failingOpenCallsTheFirstAndReportsIt() async throws {
        let server = FakeServer(starts: false)
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        let value = try await client.withPermit(["a", "b"]) { permit in
            #expect(permit.isAssumed)
            return .success(permit.provider)
        }
        #expect(value == "a" && client.queuedReports == 1)
    }

    // MARK: Renewal

    @Test(arguments: [true, false])
    func aLongCallIsRenewedUntilItEnds(_ blocks: Bool) async throws {
        let renewed = Gate()
        let server = FakeServer { request in
            switch request.command {
            case Admit.declaration.number: AdmissionTests.grant(request)
            case Renew.declaration.number:
                request.reply(Renew.Reply())
                renewed.open()
            default: request.replySample()
            }
        }
        let client = try server.connect()
        let policy = CallPolicy(ttl: .milliseconds(30))
        if blocks {
            let thread = startThread {
                _ = try? client.withPermit(["a"], policy: policy) { _ in
                    renewed.wait()
                    return .success(1)
                }
            }
            thread.join()
        } else {
            _ = try await client.withPermit(["a"], policy: policy) { _ in
                while !server.requests.contains(where: { $0.command == Renew.declaration.number }) {
                    await Task.yield()
                }
                return .success(1)
            }
        }
        let commands = server.requests.map(\.command)
        #expect(commands.contains(Settle.declaration.number))
        let renewal: Renew = try #require(server.requests.first { $0.command == 99 }).decoded()
        #expect(renewal == Renew(permit: 7, ttlMilliseconds: 30))
    }

    @Test func aPermitIsNotRenewedBeyondItsMaximumAge() {
        let renewals = Renewals()
        _ = renewals.add(1, ttlMilliseconds: 3, isRenewed: true, maxAgeMilliseconds: 0)
        _ = renewals.add(2, ttlMilliseconds: 9, isRenewed: true)
        renewals.run { permit, _ in
            #expect(permit == 2)
            renewals.close()
        } stayConnected: {
        } lookMilliseconds: {
            1_000
        }
    }

    @Test func renewalsAreDueEachThirdAndEndWithTheCall() {
        let renewals = Renewals()
        guard case .start = renewals.add(1, ttlMilliseconds: 3, isRenewed: true) else {
            Issue.record("the first call starts the thread")
            return
        }
        guard case .nothing = renewals.add(2, ttlMilliseconds: 3_600_000, isRenewed: true) else {
            Issue.record("one thread is enough")
            return
        }
        var seen: [UInt64] = []
        renewals.run { permit, ttl in
            seen.append(permit)
            #expect(permit == 1 && ttl == 3)
            if seen.count == 3 {
                renewals.remove(1)
                renewals.close()
            }
        } stayConnected: {
        } lookMilliseconds: {
            500
        }
        #expect(seen == [1, 1, 1])
    }
}

/// A gate for tasks that is closed until it is opened.
private final class AsyncGate: Sendable {
    private let isOpen = Atomic(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() async { while !isOpen.load(ordering: .acquiring) { await Task.yield() } }
}
