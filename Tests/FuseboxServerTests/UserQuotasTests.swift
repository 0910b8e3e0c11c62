import FuseboxCore
import FuseboxWire
import Testing

@testable import FuseboxServer

/// Places and memory: what one user may take, and what is kept for operators.
@Suite("Users' quotas")
struct UserQuotasTests {
    private let hostile: UInt32 = 1_000
    private let other: UInt32 = 2_000

    private func limits(_ change: (inout Limits) -> Void = { _ in }) -> Limits {
        var limits = Limits()
        limits.connections = 64
        limits.connectionsPerUser = 30
        limits.unopenedConnections = 32
        limits.unopenedConnectionsPerUser = 15
        limits.bufferBytes = 1_000
        limits.bufferBytesPerUser = 500
        change(&limits)
        return limits
    }

    /// Fills the quotas with connections of one user, as far as they go.
    private func fill(_ quotas: inout UserQuotas, of user: UInt32, saysHello: Bool = true, from first: UInt64 = 1)
        -> Int
    {
        for number in 0..<1_000 {
            guard case .admitted = quotas.arrival(of: user, isOperator: false) else { return number }
            let session = first + UInt64(number)
            let own = quotas.add(session, of: user)
            if saysHello { quotas.opened(session, of: own) }
        }
        return 1_000
    }

    private func hold(_ quotas: inout UserQuotas, _ change: Int, of user: Int) -> Int? {
        quotas.hold(change, of: user)
    }

    private func isRefused(_ arrival: UserQuotas.Arrival, saying text: String) -> Bool {
        guard case .refused(let reason) = arrival else { return false }
        return reason.contains(text)
    }

    @Test("One user's connections end at its bound, and are told which one that is")
    func perUser() {
        var quotas = UserQuotas(limits())
        #expect(fill(&quotas, of: hostile) == 30)
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "limit for one user"))
        #expect(quotas.arrival(of: other, isOperator: false) == .admitted)
        #expect(quotas.arrival(of: hostile, isOperator: true) == .admitted, "operators have no bound of their own")
    }

    @Test("Where there is one place, one is told of")
    func one() {
        var quotas = UserQuotas(limits { $0.connectionsPerUser = 1 })
        #expect(fill(&quotas, of: hostile) == 1)
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "has 1 connection, which"))
        quotas = UserQuotas(limits { $0.connections = 1 })
        #expect(fill(&quotas, of: hostile) == 1)
        #expect(isRefused(quotas.arrival(of: other, isOperator: false), saying: "1 client is connected, which"))
    }

    @Test("The last places are for operators")
    func reserve() {
        var quotas = UserQuotas(limits())
        #expect(fill(&quotas, of: hostile) == 30)
        #expect(fill(&quotas, of: other, from: 100) == 30)
        #expect(isRefused(quotas.arrival(of: 3_000, isOperator: false), saying: "limit but for operators"))
        for session in 200..<204 as Range<UInt64> {
            #expect(quotas.arrival(of: 0, isOperator: true) == .admitted)
            quotas.opened(session, of: quotas.add(session, of: 0))
        }
        #expect(isRefused(quotas.arrival(of: 0, isOperator: true), saying: "64 clients"))
    }

    @Test("However few places there are, one user takes no more than half of those that are not reserved")
    func few() {
        var quotas = UserQuotas(
            limits {
                $0.connections = 32
                $0.connectionsPerUser = nil
            })
        #expect(fill(&quotas, of: hostile) == 15)
        #expect(fill(&quotas, of: other, from: 100) == 15)
        #expect(quotas.arrival(of: 0, isOperator: true) == .admitted)
    }

    @Test("Of those without hello the user's own oldest makes room")
    func silent() {
        var quotas = UserQuotas(limits())
        #expect(fill(&quotas, of: hostile, saysHello: false) == 15)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .insteadOf(1))
        let user = quotas.add(16, of: hostile)
        quotas.remove(1, of: user)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .insteadOf(2))
        // One that says hello is out of this.
        quotas.opened(2, of: user)
        #expect(quotas.arrival(of: hostile, isOperator: false) == .admitted)
    }

    @Test("When all places are taken, who has the most without hello makes room, and nobody for one who has more")
    func fullOfSilence() {
        var quotas = UserQuotas(limits { $0.unopenedConnectionsPerUser = 30 })
        #expect(fill(&quotas, of: hostile, saysHello: false) == 15)
        #expect(fill(&quotas, of: hostile) == 0)
        let one = quotas.add(500, of: other)
        for session in 600..<644 as Range<UInt64> {
            quotas.opened(session, of: quotas.add(session, of: UInt32(session)))
        }
        #expect(quotas.connections == 60)
        #expect(quotas.arrival(of: 9, isOperator: false) == .insteadOf(1))
        // The one of the other user is safe from those who have more.
        for session in 1...15 as ClosedRange<UInt64> { quotas.opened(session, of: 0) }
        #expect(isRefused(quotas.arrival(of: hostile, isOperator: false), saying: "the limit"))
        for session in 700..<704 as Range<UInt64> { quotas.opened(session, of: quotas.add(session, of: 0)) }
        #expect(quotas.arrival(of: 0, isOperator: true) == .insteadOf(500), "an operator comes before all")
        quotas.opened(500, of: one)
        #expect(isRefused(quotas.arrival(of: 0, isOperator: true), saying: "the limit"))
    }

    @Test("Users who go leave nothing behind")
    func leaving() {
        var quotas = UserQuotas(limits())
        for round in 0..<100 as Range<UInt64> {
            let user = quotas.add(round, of: UInt32(round))
            #expect(user == 0)
            quotas.remove(round, of: user)
        }
        #expect(quotas.connections == 0)
        #expect(fill(&quotas, of: hostile) == 30)
    }

    @Test("A user who holds too much has to let go, and in all the one who holds the most")
    func memory() {
        var quotas = UserQuotas(limits())
        let (a, b, c) = (quotas.add(1, of: 1), quotas.add(2, of: 2), quotas.add(3, of: 3))
        #expect(hold(&quotas, 500, of: a) == nil)
        #expect(hold(&quotas, 1, of: a) == a)
        #expect(hold(&quotas, -1, of: a) == nil)
        #expect(hold(&quotas, 400, of: b) == nil)
        #expect(hold(&quotas, 101, of: c) == a, "c asks, and a holds the most")
        #expect(hold(&quotas, -500, of: a) == nil)
        #expect(quotas.bytes == 501)
    }

    @Test("From half of what a user may hold on it is asked for no more than it reads")
    func tight() {
        var quotas = UserQuotas(limits())
        let (a, b) = (quotas.add(1, of: 1), quotas.add(2, of: 2))
        _ = quotas.hold(250, of: a)
        let atHalf = quotas.isTight(a)
        _ = quotas.hold(1, of: a)
        let (beyondHalf, other) = (quotas.isTight(a), quotas.isTight(b))
        #expect(!atHalf && beyondHalf && !other)
    }
}
