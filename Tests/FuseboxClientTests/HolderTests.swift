import FuseboxTestSupport
import FuseboxWire
import Glibc
import Synchronization
import Testing

@testable import FuseboxClient

/// A client with permits reconnects within the daemon's grace, however long the daemon was away.
struct HolderTests {
    /// A server that grants permits and has a grace, and a client with a backoff of an hour.
    private static func server() -> FakeServer {
        var hello = FakeServer.plainHello
        hello.graceMilliseconds = 30
        return FakeServer(hello: hello) { request in
            guard request.command == Admit.declaration.number else { return request.replySample() }
            var reply = Admit.Reply()
            reply.permit = 7
            reply.decision.candidate = 0
            request.reply(reply)
        }
    }

    private static func client(
        of server: FakeServer, _ policy: FuseboxClient.FailurePolicy = .failClosed
    ) throws -> FuseboxClient {
        try server.connect {
            $0.failurePolicy = policy
            $0.backoffMinimumMilliseconds = 3_600_000
            $0.backoffMaximumMilliseconds = 3_600_000
        }
    }

    /// Waits, for as long as any machine should need, until the server has got this many hellos.
    private func isGreeted(_ server: FakeServer, times: Int) -> Bool {
        for _ in 0..<30_000 where server.hellos.count < times { poll(nil, 0, 1) }
        return server.hellos.count >= times
    }

    /// The client makes no call meanwhile.
    @Test(arguments: [true, false])
    func aHolderComesBackByItself(withPermit: Bool) throws {
        let server = Self.server()
        let client = try Self.client(of: server)
        func outage() {
            server.stop()
            // An attempt fails. Without permits, the next one would be an hour later.
            #expect(throws: ClientError.self) { try client.ping() }
            server.start()
            #expect(isGreeted(server, times: 2))
        }
        if withPermit {
            _ = try client.withPermit(["a"]) { _ in
                outage()
                return .success(1)
            }
        } else {
            let permit = try client.admission.admit(["a"]).get()
            outage()
            try client.admission.settle(permit, .success)
        }
        #expect(server.requests.contains { $0.command == Settle.declaration.number })
    }

    @Test func whoHoldsNothingBacksOffAsItWasTold() throws {
        let server = Self.server()
        // A call that fails closed would ask again.
        let client = try Self.client(of: server, .failOpen(queueLimit: 10))
        let permit = try client.admission.admit(["a"]).get()
        try client.admission.settle(permit, .success)
        server.stop()
        #expect(throws: ClientError.self) { try client.ping() }
        server.start()
        #expect(throws: ClientError.self) { try client.ping() }
        #expect(server.hellos.count == 1)
    }

    /// A thread that sleeps until a distant renewal watches the connection again once a permit is held.
    @Test func aSecondCallIsLookedAfterAsTheFirst() {
        let renewals = Renewals()
        let looks = Atomic(0)
        guard case .start = renewals.add(1, ttlMilliseconds: 3_600_000, isRenewed: true) else {
            Issue.record("the first call starts the thread")
            return
        }
        let thread = startThread {
            renewals.run({ _, _ in }, stayConnected: { looks.add(1, ordering: .relaxed) }, lookMilliseconds: { 1 })
        }
        #expect(waitUntil { looks.load(ordering: .relaxed) > 0 })
        renewals.remove(1)
        #expect(waitUntil { !renewals.isLooking })
        let before = looks.load(ordering: .relaxed)
        _ = renewals.add(2, ttlMilliseconds: 3_600_000, isRenewed: true)
        #expect(waitUntil { looks.load(ordering: .relaxed) > before })
        renewals.close()
        thread.join()
    }
}
