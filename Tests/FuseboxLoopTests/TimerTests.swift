import FuseboxLoop
import Glibc
import Testing

@Suite struct TimerTests {
    @Test func firesOnceNotBeforeItsTime() throws {
        let loop = try EventLoop()
        var firings: [Int64] = []
        let timer = try Timer(on: loop) { firings.append(loop.now) }
        loop.updateTime()
        let start = loop.now
        timer.start(afterMilliseconds: 5)
        try loop.runWithinReason()
        #expect(firings.count == 1)
        #expect(firings[0] >= start + 5)
    }

    @Test func repeatsUntilStoppedAndCanStartAnew() throws {
        let loop = try EventLoop()
        var firings = 0
        var stop = {}
        let timer = try Timer(on: loop) {
            firings += 1
            if firings % 3 == 0 { stop() }
        }
        stop = { [unowned timer] in timer.stop() }
        timer.start(afterMilliseconds: 0, repeatingMilliseconds: 1)
        try loop.runWithinReason()
        #expect(firings == 3)
        timer.start(afterMilliseconds: 0, repeatingMilliseconds: 1)
        try loop.runWithinReason()
        #expect(firings == 6)
    }

    @Test func housekeepingDoesNotKeepTheLoopRunning() throws {
        let loop = try EventLoop()
        let timer = try Timer(on: loop) { Issue.record("nothing waited for this timer") }
        #expect(timer.keepsLoopRunning)
        timer.keepsLoopRunning = false
        #expect(!timer.keepsLoopRunning)
        timer.start(afterMilliseconds: 60_000)
        try loop.runWithinReason()
    }

    @Test func neverFiresAfterItsClose() throws {
        let loop = try EventLoop()
        let victim = try Timer(on: loop) { Issue.record("fired after its close") }
        let killer = try Timer(on: loop) {
            victim.close()
            victim.close()
            victim.stop()
        }
        killer.start(afterMilliseconds: 0)
        victim.start(afterMilliseconds: 0)
        try loop.runWithinReason()
        #expect(!victim.keepsLoopRunning)
    }

    @Test func mayBeDroppedWithoutACloseEvenInItsOwnCallback() throws {
        let loop = try EventLoop()
        var unused: Timer? = try Timer(on: loop) { Issue.record("fired after it was dropped") }
        unused?.start(afterMilliseconds: 0)
        unused = nil
        var firings = 0
        var own: Timer?
        own = try Timer(on: loop) {
            firings += 1
            own = nil
        }
        weak let trace = own
        own?.start(afterMilliseconds: 0, repeatingMilliseconds: 1)
        try loop.runWithinReason()
        #expect(firings == 1)
        #expect(trace == nil)
    }

    @Test func mayBeDroppedWithTheLoopThatNeverRan() throws {
        let timer = try Timer(on: EventLoop()) {}
        timer.start(afterMilliseconds: 0)
    }
}
