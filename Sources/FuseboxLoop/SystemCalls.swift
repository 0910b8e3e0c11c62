internal import CLibuv
internal import Glibc

/// The system's clocks.
public enum SystemClock {
    /// Milliseconds since the machine started, time asleep included (CLOCK_BOOTTIME). Never steps.
    public static var bootMilliseconds: Int64 { nanoseconds(CLOCK_BOOTTIME) / 1_000_000 }

    /// Milliseconds since 1970-01-01 UTC (CLOCK_REALTIME). May step either way.
    public static var wallMilliseconds: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }

    /// Nanoseconds on a clock that never steps and stands still while the machine sleeps (CLOCK_MONOTONIC), to
    /// measure with.
    public static var monotonicNanoseconds: Int64 { nanoseconds(CLOCK_MONOTONIC) }

    /// Nanoseconds of processor time that the calling thread has used (CLOCK_THREAD_CPUTIME_ID).
    public static var threadNanoseconds: Int64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

    /// Whether the system knows the time from elsewhere (adjtimex): a daemon keeps its wall clock in step with others.
    ///
    /// False too where that cannot be asked, and after the clock was set by hand.
    public static var isSynchronised: Bool {
        var state = timex()
        // Nothing is changed without modes, so anybody may ask.
        let status = unsafe adjtimex(&state)
        return status >= 0 && status != TIME_ERROR && state.status & STA_UNSYNC == 0
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        let status = unsafe clock_gettime(clock, &time)
        precondition(status == 0, "every Linux has this clock")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// This process.
public enum OwnProcess {
    /// The memory that it occupies, in bytes; nil if the system does not tell.
    public static func residentBytes() -> UInt64? {
        let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // Seven numbers of pages, of which the second is meant.
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = max(0, unsafe read(file, buffer.baseAddress, buffer.count))
        }
        let numbers = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = UInt64(numbers[1]) else { return nil }
        return pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }
}

/// Other processes.
public enum Processes {
    /// Whether a process is known to have ended: none has its number. One that nobody has waited for yet still has it.
    public static func hasEnded(_ process: Int32) -> Bool {
        // 0 is what the kernel gives for a peer in a place that cannot be seen from here.
        process > 0 && kill(process, 0) == -1 && errno == ESRCH
    }
}

/// How many descriptors this process may have open.
///
/// libuv accepts a connection beyond it and closes it without a word, so a server stays below by itself.
public enum DescriptorLimit {
    /// The soft limit: the one in force.
    public static var current: Int {
        get throws(LoopError) { clamp(try read().rlim_cur) }
    }

    /// Raises the soft limit to the hard one, or to `wanted` if that is less; never lowers it.
    ///
    /// - Returns: the limit then in force.
    public static func raise(to wanted: Int = .max) throws(LoopError) -> Int {
        var limit = try read()
        let target = min(rlim_t(clamping: wanted), limit.rlim_max)
        guard target > limit.rlim_cur else { return clamp(limit.rlim_cur) }
        limit.rlim_cur = target
        guard unsafe setrlimit(openFiles, &limit) == 0 else { throw LoopError.last(.limitDescriptors) }
        return clamp(target)
    }

    private static var openFiles: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }

    private static func read() throws(LoopError) -> rlimit {
        var limit = rlimit()
        guard unsafe getrlimit(openFiles, &limit) == 0 else { throw LoopError.last(.limitDescriptors) }
        return limit
    }

    /// "Unlimited" is the largest number.
    private static func clamp(_ limit: rlim_t) -> Int { Int(clamping: limit) }
}

/// Who is at the other end of a Unix socket, as the kernel knows it from the time of its connect.
public struct PeerCredentials: Sendable, Hashable {
    public var processID: Int32
    public var userID: UInt32
    public var groupID: UInt32

    public init(processID: Int32, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }

    /// Asks the kernel (SO_PEERCRED).
    init(ofPeerAt descriptor: Int32) throws(LoopError) {
        // The C structure is three 32-bit numbers; Glibc's module does not show it.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw LoopError.last(.readCredentials)
        }
        self.init(processID: credentials.pid, userID: credentials.uid, groupID: credentials.gid)
    }
}

extension PeerCredentials {
    /// The supplementary groups of whoever is at the other end (SO_PEERGROUPS); none if the kernel does not tell.
    static func groups(ofPeerAt descriptor: Int32) -> [UInt32] {
        // The number of the option on every architecture that Swift runs on; Glibc's module does not show it.
        let peerGroups: Int32 = 59
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
            let status = unsafe getsockopt(descriptor, SOL_SOCKET, peerGroups, &groups, &length)
            let count = Int(length) / MemoryLayout<UInt32>.stride
            if status == 0 { return Array(groups.prefix(count)) }
            // The kernel says how much room it needs.
            guard errno == ERANGE, count > groups.count else { return [] }
            groups = [UInt32](repeating: 0, count: count)
        }
    }
}
