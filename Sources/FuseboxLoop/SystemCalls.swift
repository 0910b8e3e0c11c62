internal import CLibuv
internal import Glibc

/// The system's clocks.
package enum SystemClock {
    /// Milliseconds since the machine started, including suspended time (CLOCK_BOOTTIME). This clock never steps.
    package static var bootMilliseconds: Int64 { nanoseconds(CLOCK_BOOTTIME) / 1_000_000 }

    /// Milliseconds since 1970-01-01 UTC (CLOCK_REALTIME). This clock may step forwards and backwards.
    package static var wallMilliseconds: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }

    /// Nanoseconds from an arbitrary start, for measurements (CLOCK_MONOTONIC). This clock never steps. It stops while
    /// the machine is suspended.
    package static var monotonicNanoseconds: Int64 { nanoseconds(CLOCK_MONOTONIC) }

    /// The processor time of the calling thread, in nanoseconds (CLOCK_THREAD_CPUTIME_ID).
    package static var threadNanoseconds: Int64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

    /// Whether the wall clock is synchronised, by NTP for example, as the kernel reports it (adjtimex).
    ///
    /// It is false after the clock was set by hand. A sandbox may forbid to ask the kernel, because the same call sets the
    /// clock. Then it is whether systemd-timesyncd has synchronised the clock since the boot, and false without it.
    package static var isSynchronised: Bool {
        var state = timex()
        // A call without modes changes nothing, so it needs no privilege.
        let status = unsafe adjtimex(&state)
        guard status >= 0 else { return unsafe access(timesyncMark, F_OK) == 0 }
        return status != TIME_ERROR && state.status & STA_UNSYNC == 0
    }

    /// The file that systemd-timesyncd makes once it has synchronised the clock. It is gone after a boot.
    private static let timesyncMark = "/run/systemd/timesync/synchronized"

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        let status = unsafe clock_gettime(clock, &time)
        precondition(status == 0, "every Linux kernel has this clock")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// This process.
package enum OwnProcess {
    /// The resident memory of this process, in bytes; nil if the system does not tell.
    package static func residentBytes() -> UInt64? {
        let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // The second of seven numbers is the resident set, in pages.
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = max(0, unsafe read(file, buffer.baseAddress, buffer.count))
        }
        let numbers = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = UInt64(numbers[1]) else { return nil }
        return pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }
}

/// Other processes.
package enum Processes {
    /// Whether no process has this number any more. A process that its parent has not waited for still has its number.
    package static func hasEnded(_ process: Int32) -> Bool {
        // The kernel reports 0 for a peer in another process namespace.
        process > 0 && kill(process, 0) == -1 && errno == ESRCH
    }
}

/// The number of descriptors that this process may have open.
///
/// Beyond the limit libuv accepts connections and closes them without a report. So a server must stay below it.
package enum DescriptorLimit {
    /// The soft limit, which is in force. `Int.max` if there is none.
    ///
    /// - Throws: `limitDescriptors`
    package static var current: Int {
        get throws(LoopError) { clamp(try read().rlim_cur) }
    }

    /// Raises the soft limit to the hard limit, or to `wanted` if that is less. It never lowers the limit.
    ///
    /// - Returns: the limit that is then in force
    /// - Throws: `limitDescriptors`
    package static func raise(to wanted: Int = .max) throws(LoopError) -> Int {
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

    /// `RLIM_INFINITY` becomes `Int.max`.
    private static func clamp(_ limit: rlim_t) -> Int { Int(clamping: limit) }
}

/// The process at the other end of a Unix socket, as the kernel recorded it when that process connected.
package struct PeerCredentials: Sendable, Hashable {
    /// The peer's process number; 0 if the process is in a namespace that cannot be seen from here.
    package var processID: Int32
    /// The peer's effective user.
    package var userID: UInt32
    /// The peer's effective group.
    package var groupID: UInt32

    /// The credentials with these values.
    package init(processID: Int32, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }

    /// Asks the kernel (SO_PEERCRED).
    init(ofPeerAt descriptor: Int32) throws(LoopError) {
        // `struct ucred` has three 32-bit numbers. Glibc's module does not export it.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw LoopError.last(.readCredentials)
        }
        self.init(processID: credentials.pid, userID: credentials.uid, groupID: credentials.gid)
    }
}

extension PeerCredentials {
    /// The supplementary groups of the process at the other end (SO_PEERGROUPS); empty if the kernel does not tell.
    static func groups(ofPeerAt descriptor: Int32) -> [UInt32] {
        // The option's number on every architecture that Swift supports. Glibc's module does not export it.
        let peerGroups: Int32 = 59
        var groups = [UInt32](repeating: 0, count: 64)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
            let status = unsafe getsockopt(descriptor, SOL_SOCKET, peerGroups, &groups, &length)
            let count = Int(length) / MemoryLayout<UInt32>.stride
            if status == 0 { return Array(groups.prefix(count)) }
            // The kernel has set `length` to the size that it needs.
            guard errno == ERANGE, count > groups.count else { return [] }
            groups = [UInt32](repeating: 0, count: count)
        }
    }
}
