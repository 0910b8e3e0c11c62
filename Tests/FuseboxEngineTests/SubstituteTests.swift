import FuseboxCore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Spend is counted, whatever limit is reached.
struct SubstituteTests {
    private var bounds = Bounds()
    private let cost = Money(nanodollars: 1_000)

    init() {
        bounds.models = 3
        bounds.providerAccounts = 2
    }

    private func usage(_ model: String?) throws -> CallUsage {
        CallUsage(model: try model.map { try Name($0) }, cost: cost)
    }

    private func spend(_ provider: String, _ model: String, _ engine: JournaledEngine) throws -> Money? {
        let machine = engine.keeper.engine.machine
        guard let provider = machine.names.find(try Name(provider)), let model = machine.models.find(try Name(model))
        else { return nil }
        return machine.ledger.model(provider, model).map { Money(nanodollars: $0.spend) }
    }

    private func admit(_ provider: String, _ model: String?) throws -> Admit {
        let candidate = Candidate(provider: try Name(provider), model: try model.map { try Name($0) })
        return Admit(candidates: try Candidates([candidate]), ttlMilliseconds: 60_000)
    }

    /// A state without room for another provider or model.
    private func full() throws -> (JournaledEngine, JournaledEngine.Worker) {
        let engine = try JournaledEngine(bounds: bounds)
        let worker = try engine.worker(1)
        for model in ["a", "b", "c"] {
            let record = LedgerRecord(
                provider: try Name("p"), model: try Name(model), cost: cost, inputTokens: 0, outputTokens: 0)
            _ = try engine.ok(record, by: worker)
        }
        return (engine, worker)
    }

    @Test func whatWasAdmittedCanBeSettledUnderTheModelThatWasAskedForIfTheOneThatAnsweredFindsNoRoom() throws {
        let (engine, worker) = try full()
        let asked = try #require(try engine.ok(try admit("q", "a"), by: worker).permit)
        let unnamed = try #require(try engine.ok(try admit("q", nil), by: worker).permit)
        #expect(try engine.ask(try admit("r", nil), by: worker).status == .limitReached, "refused at its admission")
        #expect(try engine.ask(try admit("q", "d"), by: worker).status == .limitReached)
        for permit in [asked, unnamed] {
            let settle = Settle(permit: permit, outcome: .success, usage: try usage("a-2026-11-25"))
            #expect(try engine.ok(settle, by: worker).standing == .inForce)
        }
        #expect(try spend("q", "a", engine) == cost)
        #expect(try spend("q", "unspecified", engine) == cost)
        let image = engine.image
        try engine.restart(bounds: bounds)
        #expect(engine.image == image, "the journal tells what was counted, not what was asked for")
    }

    @Test func anAccountThatAnOperatorHasForgottenMeanwhileIsOpenedAgainForASettle() throws {
        let (engine, worker) = try full()
        let permit = try #require(try engine.ok(try admit("q", "a"), by: worker).permit)
        let root = try engine.worker(2, user: 0, isOperator: true)
        _ = try engine.ok(Forget(name: try Name("q")), by: root)
        let record = LedgerRecord(
            provider: try Name("r"), model: try Name("a"), cost: cost, inputTokens: 0, outputTokens: 0)
        _ = try engine.ok(record, by: root)
        let settle = Settle(permit: permit, outcome: .success, usage: try usage(nil))
        #expect(try engine.ok(settle, by: worker).standing == .inForce)
        #expect(try spend("q", "a", engine) == cost)
    }

    /// A report and a record count under `unspecified`, or under `(other)`.
    @Test func reports() throws {
        let (engine, worker) = try full()
        let known = Report(
            candidate: Candidate(provider: try Name("p"), model: try Name("new")), outcome: .success,
            usage: try usage(nil))
        _ = try engine.ok(known, by: worker)
        #expect(try spend("p", "unspecified", engine) == cost)
        _ = try engine.ok(try admit("q", "a"), by: worker)
        let unknown = Report(
            candidate: Candidate(provider: try Name("new"), model: try Name("a")), outcome: .failure,
            usage: try usage("new"))
        _ = try engine.ok(unknown, by: worker)
        let record = LedgerRecord(
            provider: try Name("new"), model: try Name("a"), cost: cost, inputTokens: 0, outputTokens: 0)
        let first = try engine.ask(record, by: worker)
        #expect(first.status == .ok)
        #expect(try engine.ask(record, by: worker, again: worker.sequence).payload == first.payload)
        #expect(try spend("(other)", "unspecified", engine) == Money(nanodollars: 2_000))
        let other = try engine.ok(BreakerGet(name: try Name("(other)")), by: worker).status
        #expect(other.totalRequests == 0, "how it went says nothing of others")
        let image = engine.image
        try engine.restart(bounds: bounds)
        #expect(engine.image == image)
    }
}
