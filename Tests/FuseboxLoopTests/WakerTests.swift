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
        let threads = (TestThread(body), TestThread(body), TestThread(body), TestThread(body))
        try loop.runWithinReason()
        threads.0.join()
        threads.1.join()
        threads.2.join()
        threads.3.join()
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
