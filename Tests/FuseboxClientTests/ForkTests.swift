import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

@testable import FuseboxClient

// Swift hides `fork`, because most programs should not call it. This module promises to work after a fork.
@_silgen_name("fork") private func forkProcess() -> Int32

@Suite(.serialized)
struct ForkTests {
    /// Runs `body` in a forked child, and returns the child's exit status.
    private func inChild(_ body: () -> Int32) -> Int32 {
        let child = forkProcess()
        if child == 0 {
            // A child that hangs must not outlive the test.
            alarm(30)
            _exit(body())
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status
    }

    @Test func aChildIsAWorkerOfItsOwnAndTheParentGoesOn() throws {
        let server = FakeServer()
        let client = try server.connect()
        try client.breakers.success("a")
        let status = inChild {
            do throws(ClientError) {
                try client.breakers.success("b")
                return try client.ping() == Ping.Reply.sample(1) ? 0 : 2
            } catch { return 3 }
        }
        #expect(status == 0)
        try client.breakers.success("c")
        #expect(server.hellos.count == 2)
        #expect(server.hellos[0].worker != server.hellos[1].worker)
        // Parent and child count separately. The parent has kept its connection.
        #expect(server.requests.compactMap(\.sequence?.sequence) == [1, 1, 2])
        #expect(server.requests.map(\.peer.number) == [0, 1, 1, 0])
    }

    @Test func aChildThatCallsNothingHoldsNoCopyOfTheConnection() throws {
        let server = FakeServer()
        let client = try server.connect()
        let events = try client.events()
        let status = inChild {
            for descriptor in 0..<1024 as Range<Int32> where isConnected(descriptor, to: server.path) { return 1 }
            guard case .forked = clientError({ () throws(ClientError) in _ = try events.next(timeout: .zero) }) else {
                return 2
            }
            return 0
        }
        #expect(status == 0)
        #expect(try events.next(timeout: .zero) == nil)
        #expect(try client.ping() == Ping.Reply.sample(1))
    }

    // ThreadSanitizer does not support a fork while other threads run. The child would find its locks locked.
    @Test(.disabled(if: isUnderThreadSanitizer, "it does not survive a fork while other threads run"))
    func forkingWhileOtherThreadsCallLeavesTheChildUsable() throws {
        let server = FakeServer()
        let client = try server.connect()
        let counter = SharedCounter()
        let stop = Gate()
        let threads = (0..<2).map { _ in
            startThread {
                while counter.failures == 0 { if (try? client.ping()) == nil { break } }
            }
        }
        for _ in 0..<10 {
            let status = inChild { (try? client.ping()) == Ping.Reply.sample(1) ? 0 : 1 }
            #expect(status == 0)
        }
        counter.fail()
        threads.forEach { $0.join() }
        stop.open()
    }

    @Test func aPendingReplyIsTheParents() throws {
        let server = FakeServer()
        let client = try server.connect()
        let pending = try client.submit(Ping())
        let status = inChild {
            clientError({ () throws(ClientError) in _ = try pending.wait() }) == .forked ? 0 : 1
        }
        #expect(status == 0)
        #expect(try pending.wait() == Ping.Reply.sample(1))
    }

    // The child starts a thread, which ThreadSanitizer does not support after a fork in a process with threads.
    @Test(.disabled(if: isUnderThreadSanitizer, "it allows no threads in the child of a fork"))
    func aPermitIsTheParentsToSettle() throws {
        let server = FakeServer { AdmissionTests.grant($0) }
        let client = try server.connect()
        var child: Int32 = -1
        let provider = try client.withPermit(["openai"]) { permit in
            child = forkProcess()
            if child == 0 { alarm(30) }
            permit.use(Usage(inputTokens: 3))
            return .success(permit.provider)
        }
        // The child's copy of the call returns too, and has nothing to settle. The child's own calls have permits of
        // their own.
        if child == 0 {
            let own = try? client.withPermit(["anthropic"]) { .success($0.provider) }
            _exit(provider == "openai" && own == "anthropic" ? 0 : 1)
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        #expect(status == 0 && provider == "openai")
        let settles = server.requests.filter { $0.command == Settle.declaration.number }
        #expect(settles.map(\.peer.number).sorted() == [0, 1])
        let usages = settles.map { ($0.decoded() as Settle).usage?.tokens.input }
        #expect(usages.contains(3) && usages.contains(nil))
    }

    @Test func closeInAChildLeavesTheParentAlone() throws {
        let server = FakeServer()
        let client = try server.connect()
        #expect(
            inChild {
                client.close()
                return clientError({ () throws(ClientError) in _ = try client.ping() }) == .closed ? 0 : 1
            } == 0)
        #expect(try client.ping() == Ping.Reply.sample(1))
        #expect(server.hellos.count == 1)
    }
}

/// Whether a descriptor is a socket connected to the one bound to `path`.
private func isConnected(_ descriptor: Int32, to path: String) -> Bool {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
    }
    guard result == 0, address.sun_family == sa_family_t(AF_UNIX) else { return false }
    let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix(while: { $0 != 0 })) }
    return bytes == Array(path.utf8)
}
