import FuseboxWire
import Testing

@testable import FuseboxCore

/// An operator ends a permit.
struct RevocationTests {
    private let p = name("p")

    /// A limit of $50 that a worker of user 7 holds completely.
    private func held(_ bounds: Bounds = Bounds()) throws -> (rig: Rig, permit: UInt64, admit: Admit) {
        var rig = Rig(bounds: bounds)
        try rig.apply(LimitCalls.set("$50 until reset"))
        var candidates = Candidates()
        candidates.append(Candidate(provider: p))
        let admit = Admit(
            candidates: candidates, estimate: Estimate(cost: dollars("50")),
            ttlMilliseconds: WireLimits.permitMilliseconds)
        let permit = try #require(try rig.apply(admit, by: 7, worker: 3).permit)
        // Its worker was killed. A hold against a limit that denies stays.
        try rig.apply(ReclaimPermits(worker: WorkerID(high: 3, low: 0)))
        #expect(try rig.apply(admit).permit == nil)
        _ = rig.takeEvents()
        return (rig, permit, admit)
    }

    /// A killed worker's $50 hold on a limit of $50 is given back at once; reply and event say so.
    @Test func givesBack() throws {
        var (rig, permit, admit) = try held()
        let reply = try rig.apply(Revoke(permit: permit))
        #expect(reply.standing == .inForce)
        #expect(reply.entry?.estimate.cost == dollars("50") && reply.entry?.user == 7)
        guard case .permitLapsed(let lapsed)? = rig.takeEvents().first else { throw Refusal(.notFound, "no event") }
        #expect(lapsed.entry.standing == .revoked && lapsed.entry.permit == permit)
        #expect(lapsed.entry.estimate.cost == dollars("50"))
        #expect(rig.machine.permits.totals.held == .zero)
        #expect(try LimitCalls.standing("$50 until reset", &rig)?.left == dollars("50").nanodollars)
        #expect(rig.machine.permits.totals.revoked == 1)
        #expect(try rig.apply(admit).permit != nil)
    }

    @Test func aSettleAfterTheRevocationStillCountsTheMoneyOnceAlsoAfterARestart() throws {
        var (rig, permit, _) = try held()
        _ = try rig.apply(Revoke(permit: permit))
        rig.machine = try rig.machine.restored()
        let usage = CallUsage(cost: dollars("12"))
        #expect(try rig.apply(Settle(permit: permit, outcome: .success, usage: usage), by: 7).standing == .revoked)
        #expect(try rig.apply(Settle(permit: permit, outcome: .success, usage: usage), by: 7).standing == .settled)
        #expect(try rig.apply(LedgerProvider(provider: p)).account?.usage.spend == dollars("12"))
        #expect(try LimitCalls.standing("$50 until reset", &rig)?.used == dollars("12").nanodollars)
        let totals = rig.machine.permits.totals
        #expect((totals.revoked, totals.settledLate, totals.outstanding) == (1, 1, 0))
    }

    @Test func whatHasEndedAlreadyIsToldAndLeftAsItIsAndWhatWasNeverGrantedIsRefused() throws {
        var (rig, permit, _) = try held()
        _ = try rig.apply(Revoke(permit: permit))
        let again = try rig.apply(Revoke(permit: permit))
        #expect(again.standing == .revoked && again.entry?.permit == permit)
        _ = try rig.apply(Settle(permit: permit, outcome: .abandoned), by: 7)
        let settled = try rig.apply(Revoke(permit: permit))
        #expect(settled.standing == .settled && settled.entry == nil)
        for number in [0, permit + 1, .max] { rig.expect(.notFound, of: Revoke(permit: number)) }
        #expect(rig.machine.permits.totals.revoked == 1)
    }

    @Test func whereNoEndedPermitsAreKeptARevokedOneIsToldAllTheSame() throws {
        var bounds = Bounds()
        bounds.lapsedPermits = 0
        var (rig, permit, _) = try held(bounds)
        #expect(try rig.apply(Revoke(permit: permit)).entry?.provider == p)
        #expect(rig.takeEvents().count == 1)
        rig.expect(.notFound, of: Revoke(permit: permit))
        _ = try rig.machine.restored()
    }

    @Test func onlyOperatorsMayRevokeAndTheAcknowledgementIsDurable() {
        #expect(Revoke.declaration.access == .operator)
        #expect(Revoke.declaration.effect == .durable)
    }
}
