import FuseboxCore
import FuseboxWire
import Testing

@testable import FuseboxServer

/// Connections and memory: the bounds on one user, and the reserve for operators.
struct UserQuotasTests {
    private let hostile: UInt32 = 1_000
    private let other: UInt32 = 2_000

    private func bounds(_ change: (inout Bounds) -> Void = { _ in }) -> Bounds {
        var bounds = Bounds()
        bounds.connections = 64
        bounds.connectionsPerUser = 30
        bounds.unopenedConnections = 32
        bounds.unopenedConnectionsPerUser = 15
        bounds.bufferBytes = 1_000
        bounds.bufferBytesPerUser = 500
        change(&bounds)
        return bounds
    }

    /// Adds connections of one user until one is refused.
    private func fill(_ quotas: inout UserQuotas, of user: UInt32, saysHello: Bool = true, from first: UInt64 = 1)
        -> Int
    {
        for number in 0..<1_000 {
            guard case .accepted = quotas.arrival(of: user, isOperator: false) else { return number }
            let session = first + UInt64(number)
            let own = quotas.add(session, of: user)
            if saysHello { quotas.opened(session, of: own) }
        }
        return 1_000
    }

    private func countMemory(_ quotas: inout UserQuotas, _ change: Int, of user: Int) -> Int? {
        quotas.countMemory(change, of: user)
    }

    private func isRefused(_ arrival: UserQuotas.Arrival, saying text: String) -> Bool {
        guard case .refused(let reason) = arrival else { return false }
        return reason.contains(text)
    }

    @Test func oneUsersConnectionsEndAtItsBoundAndAreToldWhichOneThatIs() {
        var quotas = UserQuotas(bounds())
        #expect(fill(&quotas, of: hostile) == 30)
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "limit for one user"))
        #expect(quotas.arrival(of: other, isOperator: false) == .accepted)
        #expect(quotas.arrival(of: hostile, isOperator: true) == .accepted, "operators have no bound of their own")
    }

    @Test func whereThereIsOnePlaceOneIsToldOf() {
        var quotas = UserQuotas(bounds { $0.connectionsPerUser = 1 })
        #expect(fill(&quotas, of: hostile) == 1)
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "has 1 connection, which"))
        quotas = UserQuotas(bounds { $0.connections = 1 })
        #expect(fill(&quotas, of: hostile) == 1)
        #expect(isRefused(quotas.arrival(of: other, isOperator: false), saying: "1 client is connected, which"))
    }

    @Test func theLastPlacesAreForOperators() {
        var quotas = UserQuotas(bounds())
        #expect(fill(&quotas, of: hostile) == 30)
        #expect(fill(&quotas, of: other, from: 100) == 30)
        #expect(
            isRefused(quotas.arrival(of: 3_000, isOperator: false), saying: "limit for users that are not operators"))
        for session in 200..<204 as Range<UInt64> {
            #expect(quotas.arrival(of: 0, isOperator: true) == .accepted)
            quotas.opened(session, of: quotas.add(session, of: 0))
        }
        #expect(isRefused(quotas.arrival(of: 0, isOperator: true), saying: "64 clients"))
    }

    @Test func howeverFewPlacesThereAreOneUserTakesNoMoreThanHalfOfThoseThatAreNotReserved() {
        var quotas = UserQuotas(
            bounds {
                $0.connections = 32
                $0.connectionsPerUser = nil
            })
        #expect(fill(&quotas, of: hostile) == 15)
        #expect(fill(&quotas, of: other, from: 100) == 15)
        #expect(quotas.arrival(of: 0, isOperator: true) == .accepted)
    }

    @Test func ofThoseWithoutHelloTheUsersOwnOldestMakesRoom() {
        var quotas = UserQuotas(bounds())
        #expect(fill(&quotas, of: hostile, saysHello: false) == 15)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .acceptedInPlaceOf(1))
        let user = quotas.add(16, of: hostile)
        quotas.remove(1, of: user)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .acceptedInPlaceOf(2))
        // A connection that has said hello is no longer a candidate.
        quotas.opened(2, of: user)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .accepted)
    }

    @Test func whenAllPlacesAreTakenWhoHasTheMostWithoutHelloMakesRoomAndNobodyForOneWhoHasMore() {
        var quotas = UserQuotas(bounds { $0.unopenedConnectionsPerUser = 30 })
        #expect(fill(&quotas, of: hostile, saysHello: false) == 15)
        #expect(fill(&quotas, of: hostile) == 0)
        let one = quotas.add(500, of: other)
        for session in 600..<644 as Range<UInt64> {
            quotas.opened(session, of: quotas.add(session, of: UInt32(session)))
        }
        #expect(quotas.connections == 60)
        #expect(quotas.arrival(of: 9, isOperator: false) == .acceptedInPlaceOf(1))
        // The other user's connection is not closed for users that have more connections.
        for session in 1...15 as ClosedRange<UInt64> { quotas.opened(session, of: 0) }
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "the limit"))
        for session in 700..<704 as Range<UInt64> { quotas.opened(session, of: quotas.add(session, of: 0)) }
        #expect(quotas.arrival(of: 0, isOperator: true) == .acceptedInPlaceOf(500), "an operator comes before all")
        quotas.opened(500, of: one)
        #expect(isRefused(quotas.arrival(of: 0, isOperator: true), saying: "the limit"))
    }

    @Test func usersWhoGoLeaveNothingBehind() {
        var quotas = UserQuotas(bounds())
        for round in 0..<100 as Range<UInt64> {
            let user = quotas.add(round, of: UInt32(round))
            #expect(user == 0)
            quotas.remove(round, of: user)
        }
        #expect(quotas.connections == 0)
        #expect(fill(&quotas, of: hostile) == 30)
    }

    @Test func aUserWhoHoldsTooMuchHasToLetGoAndInAllTheOneWhoHoldsTheMost() {
        var quotas = UserQuotas(bounds())
        let (a, b, c) = (quotas.add(1, of: 1), quotas.add(2, of: 2), quotas.add(3, of: 3))
        #expect(countMemory(&quotas, 500, of: a) == nil)
        #expect(countMemory(&quotas, 1, of: a) == a)
        #expect(countMemory(&quotas, -1, of: a) == nil)
        #expect(countMemory(&quotas, 400, of: b) == nil)
        #expect(countMemory(&quotas, 101, of: c) == a, "c asks, and a holds the most")
        #expect(countMemory(&quotas, -500, of: a) == nil)
        #expect(quotas.bytes == 501)
    }

    @Test func fromHalfOfWhatAUserMayHoldOnItIsAskedForNoMoreThanItReads() {
        var quotas = UserQuotas(bounds())
        let (a, b) = (quotas.add(1, of: 1), quotas.add(2, of: 2))
        _ = quotas.countMemory(250, of: a)
        let atHalf = quotas.isTight(a)
        _ = quotas.countMemory(1, of: a)
        let (beyondHalf, other) = (quotas.isTight(a), quotas.isTight(b))
        #expect(!atHalf && beyondHalf && !other)
    }
}
