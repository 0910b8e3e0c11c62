import FuseboxLoop
import Glibc
import Testing

/// Signals belong to the whole process, so these tests run one at a time.
@Suite(.serialized) struct SignalWatcherTests {
    @Test(arguments: SignalWatcher.Signal.allCases)
    func callsBackOnTheLoop(signal: SignalWatcher.Signal) throws {
        let loop = try EventLoop()
        var deliveries = 0
        var close = {}
        let watcher = try SignalWatcher(on: loop, signal) {
            deliveries += 1
            close()
        }
        close = { [unowned watcher] in watcher.close() }
        kill(getpid(), signal.number)
        try loop.runWithinReason()
        #expect(deliveries == 1)
    }

    @Test func doesNotKeepTheLoopRunningIfToldSo() throws {
        let loop = try EventLoop()
        let watcher = try SignalWatcher(on: loop, .user1) { Issue.record("no signal was sent") }
        watcher.keepsLoopRunning = false
        try loop.runWithinReason()
        watcher.close()
        watcher.close()
        try loop.runWithinReason()
    }

    @Test func aDroppedWatcherIsToldNothing() throws {
        let loop = try EventLoop()
        var dropped: SignalWatcher? = try SignalWatcher(on: loop, .user2) {
            Issue.record("called after it was dropped")
        }
        _ = dropped
        var deliveries = 0
        var close = {}
        let watcher = try SignalWatcher(on: loop, .user2) {
            deliveries += 1
            close()
        }
        close = { [unowned watcher] in watcher.close() }
        kill(getpid(), SIGUSR2)
        dropped = nil
        try loop.runWithinReason()
        #expect(deliveries == 1)
    }
}
