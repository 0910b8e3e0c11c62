import FuseboxLoop
import FuseboxTestSupport
import Glibc
import Testing

@Suite struct SystemClockTests {
    @Test func clocksGoForward() {
        let boot = SystemClock.bootMilliseconds
        let monotonic = SystemClock.monotonicNanoseconds
        while SystemClock.monotonicNanoseconds < monotonic + 3_000_000 {}
        #expect(SystemClock.bootMilliseconds >= boot + 2)
        #expect(SystemClock.bootMilliseconds < boot + 60_000)
    }

    @Test func theWallClockCountsMillisecondsSince1970() {
        let seconds = Int64(time(nil))
        #expect(abs(SystemClock.wallMilliseconds / 1000 - seconds) <= 1)
    }

    @Test func theThreadsTimeCountsWorkAndNotWaiting() {
        let start = SystemClock.threadNanoseconds
        let wait = SystemClock.monotonicNanoseconds
        poll(nil, 0, 20)
        let waited = SystemClock.monotonicNanoseconds - wait
        let idle = SystemClock.threadNanoseconds - start
        #expect(idle < waited)
        while SystemClock.threadNanoseconds < start + idle + 1_000_000 {}
    }
}

@Suite struct DescriptorTests {
    @Test func closesItsDescriptorAtTheEnd() {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let peer = BlockingClient(adopting: ends[1])
        do { _ = Descriptor(owning: ends[0]) }
        #expect(peer.receive(1) == [])
    }

    @Test func givesItAway() {
        let number = Descriptor(owning: open("/dev/null", O_RDONLY)).release()
        #expect(fcntl(number, F_GETFD) != -1)
        close(number)
    }

    @Test func theLimitIsRaisedAndNeverLowered() throws {
        // Other tests of this process raise it too, and none lowers it.
        let before = try DescriptorLimit.current
        #expect(before > 0)
        #expect(try DescriptorLimit.raise(to: 1) >= before)
        let raised = try DescriptorLimit.raise(to: before + 1)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(raised > before || before == Int(clamping: limit.rlim_max), "the hard limit may be reached already")
        #expect(try DescriptorLimit.current >= raised)
    }
}

@Suite struct OwnProcessTests {
    /// The kilobytes of the test program's code that are in this process.
    private var residentCode: Int {
        let program = (try? Program.run(["/usr/bin/readlink", "/proc/\(getpid())/exe"]).lines.first) ?? ""
        var (sum, isCode) = (0, false)
        for line in String(decoding: contents(of: "/proc/self/smaps"), as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first?.contains("-") == true { isCode = words.contains("r-xp") && line.hasSuffix(" \(program)") }
            if isCode, words.first == "Rss:" { sum += Int(words[1]) ?? 0 }
        }
        return sum
    }

    /// What is used again comes back: this test goes on.
    @Test func releasedCodeLeavesTheProcess() {
        let before = residentCode
        #expect(before > 0)
        OwnProcess.releaseCode()
        #expect(residentCode < before)
    }
}

@Suite struct LoopErrorTests {
    @Test func saysWhatFailedAndWhy() {
        let error = LoopError(.bind, code: EADDRINUSE, detail: "/run/s")
        #expect(error.text == "Address already in use")
        #expect(error.description == "cannot bind a socket: Address already in use: /run/s")
        #expect(error.isAddressInUse)
        #expect(
            LoopError(.read, code: ECONNRESET).description == "cannot read from a connection: Connection reset by peer")
    }
}
