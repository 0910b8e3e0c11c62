import FuseboxWire
import Testing

@testable import FuseboxCore

/// Permits that made room.
struct ForgottenPermitsTests {
    private let p = name("p")

    /// A permit that lapses after 5 ms.
    private func permit(_ rig: inout Rig, at milliseconds: Int64 = 0, by user: UInt32 = 0) throws -> UInt64 {
        let admit = Admit(
            candidates: try Candidates([Candidate(provider: p)]), estimate: Estimate(cost: dollars("1")),
            ttlMilliseconds: 5)
        return try #require(try rig.apply(admit, at: milliseconds, by: user).permit)
    }

    @Test func lapsedPermitsAreRememberedUpToALimitAndThenWhatTheyCostIsToBeReported() throws {
        var bounds = Bounds()
        bounds.lapsedPermits = 1
        var rig = Rig(bounds: bounds)
        let permits = try (0..<3).map { _ in try permit(&rig) }
        try rig.apply(Settle(permit: permits[2], outcome: .success))
        try rig.apply(Advance(), at: 5)
        rig.expect(.notFound, of: Settle(permit: permits[0], outcome: .success), at: 6)
        #expect(try rig.apply(Settle(permit: permits[1], outcome: .success), at: 6).standing == .expired)
        #expect(try rig.apply(Settle(permit: permits[2], outcome: .success), at: 6).standing == .settled)
    }

    @Test(arguments: [false, true])
    func theLapsedPermitsOfOneUserPushOutNoneOfAnothersOverARestartToo(isRestored: Bool) throws {
        var bounds = Bounds()
        bounds.lapsedPermits = 4
        var rig = Rig(bounds: bounds)
        let others = try (0..<2 as Range<Int64>).map { try permit(&rig, at: $0 * 10, by: 1) }
        let own = try (2..<7 as Range<Int64>).map { try permit(&rig, at: $0 * 10, by: 2) }
        try rig.apply(Advance(), at: 100)
        if isRestored { rig.machine = try rig.machine.restored() }
        let late = try (11..<14 as Range<Int64>).map { try permit(&rig, at: $0 * 10, by: 2) }
        try rig.apply(Advance(), at: 200)
        for permit in others {
            #expect(try rig.apply(Settle(permit: permit, outcome: .success), at: 201, by: 1).standing == .expired)
        }
        for permit in own + late.prefix(1) {
            rig.expect(.notFound, of: Settle(permit: permit, outcome: .success), at: 201, by: 2)
        }
        for permit in late.suffix(2) {
            #expect(try rig.apply(Settle(permit: permit, outcome: .success), at: 201, by: 2).standing == .expired)
        }
    }

    @Test(arguments: [false, true])
    func aSecondSettleChangesNothingHoweverManyPermitsOfOthersMadeRoomOverARestartToo(isRestored: Bool) throws {
        var bounds = Bounds()
        bounds.lapsedPermits = 1
        var rig = Rig(bounds: bounds)
        let settled = try permit(&rig, by: 1)
        try rig.apply(Settle(permit: settled, outcome: .success, usage: CallUsage(cost: dollars("0.5"))), by: 1)
        let others = try (0..<4).map { _ in try permit(&rig, by: 2) }
        try rig.apply(Advance(), at: 100)
        if isRestored { rig.machine = try rig.machine.restored() }
        let again = Settle(permit: settled, outcome: .success, usage: CallUsage(cost: dollars("0.5")))
        #expect(try rig.apply(again, at: 101, by: 1).standing == .settled)
        rig.expect(.notFound, of: Settle(permit: others[0], outcome: .success), at: 101, by: 2)
        #expect(try rig.apply(LedgerProvider(provider: p), at: 101).account?.usage.spend == dollars("0.5"))
    }

    @Test(arguments: [false, true])
    func whereTooManyUsersPermitsMadeRoomNothingIsCountedTwiceOverARestartToo(isRestored: Bool) throws {
        var bounds = Bounds()
        bounds.lapsedPermits = 0
        bounds.forgettingUsers = 2
        var rig = Rig(bounds: bounds)
        var lapsed: [UInt64] = []
        var settled: [UInt64] = []
        for user in 0..<4 as Range<UInt32> {
            let permits = try (0..<2).map { _ in try permit(&rig, by: user) }
            lapsed.append(permits[0])
            settled.append(permits[1])
            try rig.apply(Settle(permit: permits[1], outcome: .success), by: user)
        }
        try rig.apply(Advance(), at: 100)
        if isRestored { rig.machine = try rig.machine.restored() }
        // The tombstones of the first two made room. For permits up to the second, nothing is known any more.
        let standings: [Status] = [.outcomeUnknown, .outcomeUnknown, .notFound, .notFound]
        for (user, status) in standings.enumerated() {
            rig.expect(status, of: Settle(permit: lapsed[user], outcome: .success), at: 101, by: UInt32(user))
        }
        rig.expect(.outcomeUnknown, of: Settle(permit: settled[0], outcome: .success), at: 101, by: 0)
        rig.expect(.outcomeUnknown, of: Renew(permit: settled[0], ttlMilliseconds: 9), at: 101, by: 0)
        for user in 1..<4 as Range<UInt32> {
            let again = Settle(permit: settled[Int(user)], outcome: .success)
            #expect(try rig.apply(again, at: 101, by: user).standing == .settled)
        }
    }
}
