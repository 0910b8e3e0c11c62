import FuseboxWire
import Testing

@testable import FuseboxClient

/// Every typed method: its request, and its conversion of the reply.
struct SubjectTests {
    /// Lists come in three pages.
    private static func answer(_ request: FakeServer.Request) {
        func page<C: PagedCommand>(_ command: C.Type, _ reply: (C.Cursor) -> C.Reply) {
            let asked: C = request.decoded()
            request.reply(reply(asked.cursor < 2 ? asked.cursor + 1 : 0))
        }
        switch request.command {
        case BreakerList.declaration.number:
            page(BreakerList.self) {
                var reply = BreakerList.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case ExhaustionList.declaration.number:
            page(ExhaustionList.self) {
                var reply = ExhaustionList.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case ExhaustionPauses.declaration.number:
            page(ExhaustionPauses.self) {
                var reply = ExhaustionPauses.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case LedgerProviders.declaration.number:
            page(LedgerProviders.self) {
                var reply = LedgerProviders.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case LedgerHistory.declaration.number:
            let asked: LedgerHistory = request.decoded()
            var reply = LedgerHistory.Reply.sample(1)
            reply.next = asked.cursor < 2 ? asked.cursor + 1 : 0
            request.reply(reply)
        case LedgerModels.declaration.number:
            page(LedgerModels.self) {
                var reply = LedgerModels.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case LedgerSummaries.declaration.number:
            page(LedgerSummaries.self) {
                var reply = LedgerSummaries.Reply.sample(1)
                reply.next = $0
                return reply
            }
        case LimitList.declaration.number:
            let asked: LimitList = request.decoded()
            var reply = LimitList.Reply.sample(1)
            reply.next = asked.cursor < 2 ? asked.cursor + 1 : 0
            request.reply(reply)
        case Overview.declaration.number:
            page(Overview.self) {
                var reply = Overview.Reply.sample(1)
                reply.next = $0
                return reply
            }
        default: request.replySample()
        }
    }

    private func last<C: Command>(_ server: FakeServer, _ command: C.Type = C.self) throws -> C {
        let request = try #require(server.requests.last)
        #expect(request.command == C.declaration.number)
        return request.decoded()
    }

    private let server = FakeServer(answer: answer)

    @Test func breakers() throws {
        let breakers = try server.connect().breakers
        let name = try Name("openai")
        let admission = try breakers.acquire("openai")
        #expect(admission == Admission(BreakerAcquire.Reply.sample(1)) && !admission.isAssumed)
        #expect(try last(server) == BreakerAcquire(name: name))
        try breakers.success("openai")
        #expect(try last(server) == BreakerSuccess(name: name))
        try breakers.failure("openai")
        #expect(try last(server) == BreakerFailure(name: name))
        #expect(try breakers.get("openai") == BreakerGet.Reply.sample(1))
        #expect(try breakers.list().count == 3)
        try breakers.forceOpen("openai")
        #expect(try last(server) == BreakerForceOpen(name: name))
        try breakers.reset("openai")
        #expect(try last(server) == BreakerReset(name: name))
        try breakers.remove("openai")
        #expect(try last(server) == BreakerRemove(name: name))
        try breakers.resetAll()
        #expect(try last(server) == BreakerResetAll())
        try breakers.configure("openai", failureThreshold: 3, resetTimeout: .seconds(30), degradationCurve: [1, 0.5])
        let change = BreakerConfigurationChange(
            failureThreshold: 3, resetTimeoutMilliseconds: 30_000, degradationCurve: [1, 0.5])
        #expect(try last(server) == BreakerConfigure(name: name, change: change))
        try breakers.configure("openai", failureThreshold: 3, ifAbsent: true)
        #expect(
            try last(server) == BreakerConfigure(name: name, change: .init(failureThreshold: 3), ifAbsent: true))
        try breakers.configureDefault(monitoringPeriod: .seconds(1), minRequests: 2)
        let standard = BreakerConfigurationChange(monitoringPeriodMilliseconds: 1000, minRequests: 2)
        #expect(try last(server) == BreakerConfigureDefault(change: standard))
        #expect(try breakers.configuration("openai") == .sample(1))
        #expect(try breakers.defaultConfiguration() == .sample(1))
        #expect(try breakers.serialize("openai") == .sample(1))
        try breakers.deserialize(.sample(1))
        #expect(try last(server) == BreakerDeserialize(record: .sample(1)))
    }

    @Test func exhaustion() throws {
        let exhaustion = try server.connect().exhaustion
        let name = try Name("openai")
        let marking = try exhaustion.mark("openai", for: .milliseconds(1500))
        #expect(marking.resetsAt == ExhaustionMark.Reply.sample(1).resetsAt && marking.delivery == .delivered)
        #expect(try last(server) == ExhaustionMark(provider: name, resetAfterMilliseconds: 1500))
        try exhaustion.mark("openai")
        #expect(try last(server) == ExhaustionMark(provider: name))
        try exhaustion.clear("openai")
        #expect(try last(server) == ExhaustionClear(provider: name))
        let check = try exhaustion.get("openai")
        #expect(check.isExhausted && check.entry == ExhaustionGet.Reply.sample(1).entry)
        #expect(try exhaustion.list().count == 3)
        try exhaustion.reset()
        #expect(try last(server) == ExhaustionReset())
        try exhaustion.setDefaultCooldown(.seconds(60))
        #expect(try last(server) == ExhaustionSetDefault(cooldownMilliseconds: 60_000))
        #expect(try exhaustion.defaultCooldown() == .milliseconds(1200))
        try exhaustion.setLongestMark(.seconds(7200))
        #expect(try last(server) == ExhaustionSetDefault(longestMilliseconds: 7_200_000))
        #expect(try exhaustion.longestMark() == .milliseconds(ExhaustionDefault.Reply.sample(1).longestMilliseconds))
    }

    @Test func marksAndPausesOfRoutes() throws {
        let exhaustion = try server.connect().exhaustion
        let (openai, eu, mini) = (try Name("openai"), try Name("eu"), try Name("mini"))
        try exhaustion.mark("openai", deployment: "eu", model: "mini")
        #expect(try last(server) == ExhaustionMark(provider: openai, deployment: eu, model: mini))
        try exhaustion.clear("openai", deployment: "eu", model: "mini", mustBeKnown: true)
        #expect(
            try last(server) == ExhaustionClear(provider: openai, deployment: eu, model: mini, mustBeKnown: true))
        let check = try exhaustion.get("openai", deployment: "eu", model: "mini")
        #expect(try last(server) == ExhaustionGet(provider: openai, deployment: eu, model: mini))
        #expect(check.isPaused && check.pause == ExhaustionGet.Reply.sample(1).pause)
        let pause = try exhaustion.pause("openai", deployment: "eu", reason: "why", for: .seconds(9))
        #expect(pause == ExhaustionPause.Reply.sample(1).entry)
        #expect(
            try last(server)
                == ExhaustionPause(provider: openai, deployment: eu, reason: "why", durationMilliseconds: 9_000))
        #expect(try exhaustion.resume("openai", model: "mini") == .sample(1))
        #expect(try last(server) == ExhaustionResume(provider: openai, model: mini))
        #expect(try exhaustion.pauses().count == 3)
    }

    @Test func ledgerSpending() throws {
        let ledger = try server.connect().ledger
        let (provider, model) = (try Name("openai"), try Name("gpt"))
        let recording = try ledger.record(
            provider: "openai", model: "gpt", cost: .dollars("0.01"), inputTokens: 7, outputTokens: 9)
        #expect(recording.reached == [.sample(1)] && recording.depletion == .sample(1) && !recording.isAssumed)
        #expect(
            try last(server)
                == LedgerRecord(
                    provider: provider, model: model, cost: .dollars("0.01"), inputTokens: 7, outputTokens: 9))
        #expect(try ledger.provider("openai") == .sample(1))
        #expect(try ledger.model("gpt", of: "openai") == .sample(1))
        #expect(try last(server) == LedgerModel(provider: provider, model: model))
        #expect(try ledger.providers().count == 3)
        #expect(try ledger.models(of: "openai").count == 3)
        #expect(try ledger.total() == .sample(1))
        #expect(try ledger.burnRate("openai", window: .seconds(1)) == .sample(1))
        #expect(try last(server) == LedgerBurnRate(provider: provider, windowMilliseconds: 1000))
        #expect(try ledger.depletion("openai") == .sample(1))
        #expect(try last(server) == LedgerDepletion(provider: provider))
        #expect(try ledger.summary("openai") == .sample(1))
        #expect(try last(server) == LedgerSummary(provider: provider, windowMilliseconds: 86_400_000))
        #expect(try ledger.summaries().count == 3)
        let scope = Scope(provider: provider, model: model)
        #expect(try ledger.reset(scope) == LedgerReset.Reply.sample(1).entries)
        #expect(try last(server) == LedgerReset(scope: scope))
    }

    @Test func limits() throws {
        let limits = try server.connect().limits
        let scope = Scope(provider: try Name("openai"))
        let (monthly, rate) = (
            Limit(.cost, 100, .calendar(.month)), Limit(.requests, 60, .sliding(milliseconds: 60_000))
        )
        #expect(try limits.set([monthly, rate], on: scope) == LimitSet.Reply.sample(1).changes)
        #expect(try last(server) == LimitSet(scope: scope, limits: [monthly, rate]))
        #expect(try limits.get(rate, of: scope) == .sample(1))
        #expect(try last(server) == LimitGet(scope: scope, limit: rate))
        #expect(try limits.list().count == 3)
        #expect(try last(server) == LimitList(cursor: 2))
        #expect(try limits.list(scope).count == 3)
        #expect(try last(server) == LimitList(scope: scope, cursor: 2))
        #expect(try limits.raise(rate, on: scope, for: .seconds(5)) == .sample(1))
        #expect(try last(server) == LimitRaise(scope: scope, limit: rate, milliseconds: 5_000))
        let moment = Timestamp(milliseconds: 9)
        #expect(try limits.raise(rate, on: scope, until: moment) == .sample(1))
        #expect(try last(server) == LimitRaise(scope: scope, limit: rate, until: moment))
        #expect(try limits.remove([rate], from: scope) == LimitRemove.Reply.sample(1).removed)
        #expect(try last(server) == LimitRemove(scope: scope, limits: [rate]))
        try limits.remove(from: .host)
        #expect(try last(server) == LimitRemove(allOf: .host))
    }

    @Test func theHistoryIsReadPageByPage() throws {
        let client = try server.connect()
        var days = 0
        let notes = try client.ledger.history(.tag, within: Scope(tag: Name("t")), days: 3...5) { _ in days += 1 }
        let page = LedgerHistory.Reply.sample(1)
        #expect(days == 3 * page.days.count)
        #expect(notes.problems.count == 3 * page.problems.count)
        #expect(notes.openDay == page.openDay)
        var command = LedgerHistory(kind: .tag, scope: Scope(tag: try Name("t")), since: 3, until: 5)
        command.cursor = 2
        #expect(try last(server) == command)
        #expect(try client.ledger.historyFiles() == HistoryFiles.Reply.sample(1).files)
    }

    @Test func theDaemonAsAWhole() throws {
        let client = try server.connect()
        #expect(try client.overview().count == 3)
        try client.forget("openai")
        #expect(try last(server) == Forget(name: Name("openai")))
        #expect(try client.ping() == .sample(1))
        #expect(try client.status() == .sample(1))
        #expect(try client.snapshots.now() == .sample(1))
        #expect(try client.snapshots.list() == SnapshotList.Reply.sample(1).snapshots)
    }

    @Test func tasksHaveTheSameMethods() async throws {
        let client = try server.connect()
        #expect(try await client.breakers.acquire("a").admitted)
        #expect(try await client.breakers.success("a") == .delivered)
        #expect(try await client.breakers.list().count == 3)
        #expect(try await client.exhaustion.mark("a").delivery == .delivered)
        #expect(try await client.exhaustion.get("a").isExhausted)
        #expect(try await !client.ledger.record(provider: "a", model: "b", cost: .zero).isAssumed)
        #expect(try await client.ledger.providers().count == 3)
        try await client.ledger.reset(.host)
        try await client.limits.set([Limit(.cost, 1, .manual)], on: .host)
        #expect(try last(server) == LimitSet(scope: .host, limits: [Limit(.cost, 1, .manual)]))
        #expect(try await client.ledger.total() == .sample(1))
        #expect(try await client.overview().count == 3)
        #expect(try await client.status() == .sample(1))
    }

    @Test func aListThatGoesRoundInACircleIsAViolation() throws {
        let server = FakeServer()
        let client = try server.connect()
        guard case .protocolViolation = clientError({ () throws(ClientError) in _ = try client.overview() }) else {
            Issue.record("it must end")
            return
        }
    }

    @Test(arguments: [0, 1, WireLimits.chunkLength, WireLimits.chunkLength + 1, 3 * WireLimits.chunkLength])
    func anImportGoesInChunks(_ length: Int) async throws {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let client = try server.connect()
        func blocking() throws -> SnapshotInfo { try client.importState(bytes) }
        #expect(try blocking() == .sample(1))
        #expect(try last(server) == ImportCommit(length: UInt64(length)))
        func sent() -> [UInt8] {
            server.requests.filter { $0.command == 85 }.reduce(into: []) { bytes, request in
                let chunk: ImportChunk = request.decoded()
                if chunk.offset == 0 { bytes = [] }
                #expect(Int(chunk.offset) == bytes.count && chunk.chunk.contents.count <= WireLimits.chunkLength)
                bytes += chunk.chunk.contents
            }
        }
        #expect(sent() == bytes)
        try await client.importState(bytes)
        #expect(sent() == bytes)
    }

    @Test(arguments: [0, 1, WireLimits.chunkLength, 2 * WireLimits.chunkLength + 5])
    func aSnapshotIsReadToItsEnd(_ length: Int) async throws {
        let file = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = FakeServer { request in
            guard request.command == SnapshotRead.declaration.number else { return }
            let asked: SnapshotRead = request.decoded()
            var reply = SnapshotRead.Reply()
            reply.length = UInt64(length)
            reply.chunk = Bytes(Array(file[Int(asked.offset)...].prefix(WireLimits.chunkLength)))
            request.reply(reply)
        }
        let client = try server.connect()
        func blocking() throws -> [UInt8] {
            var read: [UInt8] = []
            try client.snapshots.read(sequence: 9) { read += $0 }
            return read
        }
        #expect(try blocking() == file)
        var read: [UInt8] = []
        try await client.snapshots.read(sequence: 9) { read += $0 }
        #expect(read == file)
    }

    @Test func aSinkMayStopTheReading() throws {
        struct Full: Error {}
        let client = try server.connect()
        #expect(throws: Full.self) { try client.snapshots.read(sequence: 1) { _ in throw Full() } }
    }
}
