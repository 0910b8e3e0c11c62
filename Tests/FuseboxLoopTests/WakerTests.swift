import FuseboxLoop
import Synchronization
import Testing

@Suite struct WakerTests {
    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    @Test func theLastWakeOfManyThreadsIsNeverLost() throws {
        let loop = try EventLoop()
        let sent = Counter()
        var close = {}
        let waker = try Waker(on: loop) {
            if sent.value.load(ordering: .acquiring) == 4_000 { close() }
        }
        close = { [unowned waker] in waker.close() }
        let sender = waker.sender
        let body: @Sendable () -> Void = {
            for _ in 0..<1_000 {
                sent.value.add(1, ordering: .releasing)
                sender.wake()
            }
        }
        let threads = (0..<4).map { _ in TestThread(body) }
        try loop.runWithinReason()
        for thread in threads { thread.join() }
        #expect(sent.value.load(ordering: .relaxed) == 4_000)
    }

    @Test(arguments: [true, false])
    func aSenderMayOutliveItsWakerAndLoop(closedFirst: Bool) throws {
        let sender: Waker.Sender
        do {
            let loop = try EventLoop()
            let waker = try Waker(on: loop) { Issue.record("called after its close") }
            sender = waker.sender
            sender.wake()
            if closedFirst { waker.close() }
        }
        sender.wake()
    }

    @Test func doesNotKeepTheLoopRunningIfToldSo() throws {
        let loop = try EventLoop()
        let waker = try Waker(on: loop) {}
        waker.keepsLoopRunning = false
        try loop.runWithinReason()
    }
}
