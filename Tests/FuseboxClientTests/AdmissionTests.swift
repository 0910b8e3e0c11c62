import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxClient

/// The typed methods of admission, and settles of permits that the daemon does not know.
struct AdmissionTests {
    /// Grants every permit, for the second candidate if there are two.
    static func grant(_ request: FakeServer.Request, permit: UInt64 = 7) {
        guard request.command == Admit.declaration.number else { return request.replySample() }
        let admit: Admit = request.decoded()
        var reply = Admit.Reply()
        reply.permit = permit
        reply.expiresAt = Timestamp(milliseconds: 99)
        reply.decision.candidate = admit.candidates.count > 1 ? 1 : 0
        if admit.candidates.count > 1 {
            reply.decision.denials.append(Denial(reason: .limit, retryAfterMilliseconds: 500))
            reply.decision.limits = [objection(of: 0, Limit(.requests, 60, .sliding(milliseconds: 60_000)))]
        }
        request.reply(reply)
    }

    /// A limit that stands against a candidate.
    private static func objection(of candidate: UInt8, _ limit: Limit) -> LimitObjection {
        var objection = LimitObjection()
        objection.candidate = candidate
        objection.limit = limit
        return objection
    }

    static func deny(_ request: FakeServer.Request) {
        guard request.command == Admit.declaration.number else { return request.replySample() }
        var reply = Admit.Reply()
        reply.decision.denials.append(Denial(reason: .exhausted, retryAfterMilliseconds: 5_000))
        reply.decision.denials.append(Denial(reason: .limit, retryAfterMilliseconds: nil))
        reply.decision.limits = [objection(of: 1, Limit(.cost, 5_000_000_000, .manual))]
        reply.decision.retryAfterMilliseconds = 5_000
        request.reply(reply)
    }

    @Test func aPermitSaysWhatWasGranted() async throws {
        let server = FakeServer { Self.grant($0) }
        let admission = try server.connect().admission
        let candidates: [Candidate] = ["openai", try .init("anthropic", model: "opus")]
        let permit = try await admission.admit(
            candidates, estimate: .cost(.dollars("0.5"), tokens: 800), ttl: .seconds(9)
        ).get()
        #expect(permit.number == 7 && !permit.isAssumed)
        #expect(permit.provider == "anthropic" && permit.model == "opus")
        #expect(permit.expiresAt == Timestamp(milliseconds: 99))
        let limit = Self.objection(of: 0, Limit(.requests, 60, .sliding(milliseconds: 60_000)))
        #expect(
            permit.passedOver == [
                .init(candidate: "openai", reason: .limit, retryAfter: .milliseconds(500), limits: [limit])
            ])
        let sent: Admit = try #require(server.requests.last).decoded()
        #expect(sent.candidates.array == candidates && sent.ttlMilliseconds == 9_000)
        #expect(sent.estimate == Estimate(cost: .dollars("0.5"), tokens: 800))
        func blocking() throws -> Permit { try admission.admit(candidates).get() }
        #expect(try blocking() == permit)
    }

    @Test func aDenialSaysWhyAndUntilWhen() throws {
        let server = FakeServer(answer: Self.deny)
        let admission = try server.connect().admission
        let result = try admission.admit(["openai", .init("anthropic", model: "opus")])
        guard case .failure(let denied) = result else { throw TestFailure("it was admitted") }
        #expect(denied.retryAfter == .seconds(5))
        #expect(denied.reasons.map(\.reason) == [.exhausted, .limit])
        #expect(denied.reasons.map(\.retryAfter) == [.seconds(5), nil])
        #expect(denied.description.contains("openai: exhausted, anthropic/opus: limit of $5 until reset on host"))
        #expect(denied.reasons.map { $0.limits.map(\.limit.dimension) } == [[], [.cost]])
    }

    @Test func whatCannotBeSentIsNot() throws {
        let server = FakeServer()
        let client = try server.connect()
        func isInvalid(_ body: () throws(ClientError) -> Void) -> Bool {
            if case .invalidArgument = clientError(body) { true } else { false }
        }
        #expect(isInvalid { () throws(ClientError) in _ = try client.admission.admit([]) })
        let many = [Candidate](repeating: "a", count: 17)
        #expect(isInvalid { () throws(ClientError) in _ = try client.admission.admit(many) })
        #expect(isInvalid { () throws(ClientError) in _ = try Candidate(String()) })
        #expect(isInvalid { () throws(ClientError) in _ = try Estimate.tokens(-1) })
        let usage = Usage(cost: Money(nanodollars: -1))
        #expect(isInvalid { () throws(ClientError) in try client.admission.report("a", .success(usage: usage)) })
        #expect(server.requests.isEmpty)
    }

    @Test func settlesAndReportsCarryOutcomeAndUsage() async throws {
        let server = FakeServer { Self.grant($0) }
        let admission = try server.connect().admission
        let permit = try await admission.admit(["openai"]).get()
        let usage = Usage(model: "m", cost: .dollars("0.1"), inputTokens: 3, outputTokens: 4)
        let sent = CallUsage(model: try Name("m"), cost: .dollars("0.1"), inputTokens: 3, outputTokens: 4)
        let settling = try await admission.settle(permit, .throttled(retryAfter: .seconds(3), usage: usage))
        #expect(settling.delivery == .delivered && settling.standing == Settle.Reply.sample(1).standing)
        #expect(
            try #require(server.requests.last).decoded()
                == Settle(permit: 7, outcome: .throttled, usage: sent, retryAfterMilliseconds: 3_000))
        try await admission.report("openai", .quotaExhausted(resetAfter: .seconds(1_000_000_000)))
        #expect(
            try #require(server.requests.last).decoded()
                == Report(
                    candidate: "openai", outcome: .quotaExhausted, retryAfterMilliseconds: 366 * 86_400_000))
        try await admission.report("openai", .failure(retryAfter: .seconds(120)))
        #expect(
            try #require(server.requests.last).decoded()
                == Report(candidate: "openai", outcome: .failure, retryAfterMilliseconds: 120_000))
        let renewal = try await admission.renew(permit, ttl: .seconds(2))
        #expect(renewal.expiresAt == Renew.Reply.sample(1).expiresAt)
        #expect(try #require(server.requests.last).decoded() == Renew(permit: 7, ttlMilliseconds: 2_000))
    }

    @Test func permitsAreListedToTheEnd() async throws {
        let server = FakeServer { request in
            guard request.command == PermitList.declaration.number else { return request.replySample() }
            let asked: PermitList = request.decoded()
            var reply = PermitList.Reply.sample(1)
            reply.next = asked.cursor < 2 ? asked.cursor + 1 : 0
            reply.totals.granted = asked.cursor
            request.reply(reply)
        }
        let admission = try server.connect().admission
        func blocking() throws -> PermitOverview { try admission.permits() }
        let overview = try blocking()
        #expect(overview.permits.count == 3 * PermitList.Reply.sample(1).permits.count)
        #expect(overview.totals.granted == 2)
        #expect(try await admission.permits() == overview)
    }

    @Test func anOperatorRevokesByNumber() async throws {
        let server = FakeServer { request in
            guard request.command == Revoke.declaration.number else { return request.replySample() }
            var reply = Revoke.Reply()
            reply.entry = PermitEntry.sample(1)
            reply.entry?.estimate.cost = .dollars("50")
            request.reply(reply)
        }
        let admission = try server.connect().admission
        let revocation = try await admission.revoke(7)
        #expect(revocation.isRevoked && revocation.givenBack == .dollars("50"))
        #expect(try #require(server.requests.last).decoded() == Revoke(permit: 7))
        func blocking() throws -> Revocation { try admission.revoke(7) }
        #expect(try blocking() == revocation)
    }

    @Test func aCostThatNoCallHasIsNotSent() throws {
        let server = FakeServer()
        let admission = try server.connect().admission
        let usage = Usage(cost: Money(nanodollars: WireLimits.callCost.nanodollars + 1))
        let error = clientError { () throws(ClientError) in _ = try admission.report("openai", .success(usage: usage)) }
        guard case .invalidArgument(let refusal)? = error else { throw TestFailure("\(String(describing: error))") }
        #expect(refusal.message == "cost: $1000000.000000001 is not between $0 and $1000000, for one call")
    }

    @Test func aPreviewTakesNothing() throws {
        let server = FakeServer { request in
            guard request.command == AdmitPreview.declaration.number else { return request.replySample() }
            var reply = AdmitPreview.Reply()
            reply.decision.candidate = 0
            reply.decision.share = 0.4
            request.reply(reply)
        }
        let client = try server.connect()
        let preview = try client.admission.preview(["openai"], estimate: .tokens(5)).get()
        #expect(preview.candidate == "openai" && preview.share == 0.4)
        #expect(server.requests.map(\.command) == [AdmitPreview.declaration.number])
    }

    @Test func operatorsSetProbesAndBlame() throws {
        let server = FakeServer()
        let client = try server.connect()
        try client.breakers.configure("openai", maxProbes: 1, minWorkers: 2)
        let change = BreakerConfigurationChange(maxProbes: 1, minWorkers: 2)
        #expect(
            try #require(server.requests.last).decoded()
                == BreakerConfigure(name: try Name("openai"), change: change))
        try client.breakers.configureDefault(maxProbes: 3)
        #expect(
            try #require(server.requests.last).decoded()
                == BreakerConfigureDefault(change: BreakerConfigurationChange(maxProbes: 3)))
    }

    // MARK: Permits that are not known any more

    /// Grants permits, and knows none of them when they are settled.
    private static func forget(_ request: FakeServer.Request) {
        switch request.command {
        case Admit.declaration.number: grant(request)
        case Settle.declaration.number: request.refuse(.notFound, "no such permit")
        default: request.replySample()
        }
    }

    @Test func aSettleOfAnUnknownPermitBecomesAReport() async throws {
        let server = FakeServer(answer: Self.forget)
        let admission = try server.connect().admission
        let permit = try await admission.admit([.init("openai", model: "m")]).get()
        let outcome = CallOutcome.success(usage: Usage(cost: .dollars("0.1")))
        func blocking() throws -> Settling { try admission.settle(permit, outcome) }
        #expect(try blocking().delivery == .delivered)
        let settling = try await admission.settle(permit, outcome)
        #expect(settling.standing == nil && settling.delivery == .delivered)
        let commands = server.requests.dropFirst().map(\.command)
        #expect(commands == [97, 98, 97, 98])
        let report: Report = try #require(server.requests.last).decoded()
        #expect(report.candidate == permit.candidate && report.usage == CallUsage(cost: .dollars("0.1")))
        let sequences = server.requests.compactMap(\.sequence?.sequence)
        #expect(Set(sequences).count == sequences.count, "the report is a request of its own")
    }

    @Test func aKeptSettleOfAnUnknownPermitBecomesAReportToo() throws {
        let server = FakeServer(answer: Self.forget)
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        let permit = try client.admission.admit(["openai"]).get()
        server.stop()
        #expect(try client.admission.settle(permit, .failure).delivery == .queued)
        #expect(client.queuedReports == 1)
        server.start()
        while (try? client.ping()) == nil {}
        while client.queuedReports > 0 { _ = try client.ping() }
        // Everything that was written before it has arrived before it.
        _ = try client.ping()
        #expect(client.droppedReports == 0)
        #expect(server.requests.filter { $0.command == Report.declaration.number }.count == 1)
    }

    @Test func aNumberOfARestoredStateIsNotSettled() throws {
        let server = FakeServer(answer: Self.forget)
        let client = try server.connect()
        let permit = try client.admission.admit(["openai"]).get()
        server.stop()
        server.hello.withLock { $0.epoch = 43 }
        server.start()
        #expect(try client.admission.settle(permit, .success).delivery == .delivered)
        #expect(server.requests.map(\.command) == [96, 98])
    }

    // MARK: The daemon is away

    @Test func failingOpenAdmitsTheFirstAndReportsLater() throws {
        let server = FakeServer()
        let client = try server.connect { $0.failurePolicy = .failOpen(queueLimit: 10) }
        server.stop()
        let permit = try client.admission.admit(["openai", "anthropic"]).get()
        #expect(permit.isAssumed && permit.provider == "openai" && permit.share == 1)
        #expect(try client.admission.renew(permit) == .assumed)
        #expect(try client.admission.settle(permit, .success).delivery == .queued)
        server.start()
        while (try? client.ping()) == nil {}
        #expect(server.requests.map(\.command) == [Report.declaration.number, Ping.declaration.number])
    }

    @Test func failingClosedThrows() throws {
        let server = FakeServer(answer: Self.forget)
        let client = try server.connect {
            $0.backoffMinimumMilliseconds = 3_600_000
            $0.backoffMaximumMilliseconds = 3_600_000
        }
        let permit = try client.admission.admit(["openai"]).get()
        server.stop()
        let denied = clientError { () throws(ClientError) in _ = try client.admission.admit(["openai"]) }
        let unsettled = clientError { () throws(ClientError) in try client.admission.settle(permit, .success) }
        for error in [denied, unsettled] {
            guard case .unavailable = error else { throw TestFailure("\(String(describing: error))") }
        }
        #expect(client.queuedReports == 0)
    }
}
