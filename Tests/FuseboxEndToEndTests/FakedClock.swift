import Glibc
import Testing

/// The real `libfaketime` in the daemon: the wall clock is off by what a file says, and may be stepped at any time.
///
/// CLOCK_BOOTTIME and CLOCK_MONOTONIC stay the system's, unless time is made to pass.
final class FakedClock {
    private let folder: TemporaryFolder
    private let file: String
    private let synchronised: String
    private let kernel: String
    private var steps = 0
    private(set) var offsetSeconds = 0

    /// `libfaketime` is installed, and a C compiler to build what tells whether the clock is synchronised. Loaded before AddressSanitizer's runtime it keeps the daemon from starting.
    static let isPossible = library != nil && !isUnderAddressSanitizer && Interposer.isPossible

    private static let library: String? = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
    ]
    .map { "\($0)/faketime/libfaketimeMT.so.1" }
    .first { access($0, R_OK) == 0 }

    init(in folder: TemporaryFolder) {
        self.folder = folder
        file = folder("faketime")
        synchronised = folder("synchronised")
        kernel = folder("kernel.so")
        set(offsetSeconds: 0)
        guard Self.isPossible else { return }
        write(Array(Self.source.utf8), to: folder("kernel.c"))
        let status = run([
            "/usr/bin/cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", kernel, folder("kernel.c"),
        ])
        precondition(status == 0, "the interposer does not compile")
    }

    /// How the daemon is started under it.
    ///
    /// Its shared memory is made by a shell that becomes the daemon: made in the daemon itself, it would move the
    /// environment before `main`, and Swift would not find the arguments any more.
    func prelude(_ clocks: Clocks = .wall) -> String {
        let variables = [
            "'LD_PRELOAD=\(kernel) \(Self.library ?? "")'", "FUSEBOX_SYNCHRONISED=\(synchronised)",
            "FAKETIME_TIMESTAMP_FILE=\(file)", "FAKETIME_NO_CACHE=1",
            "NO_FAKE_STAT=1",
        ]
        let steady = clocks == .wall ? ["FAKETIME_DONT_FAKE_MONOTONIC=1"] : []
        let exports = "export " + (variables + steady).joined(separator: " ")
        return exports + #"; set -- /bin/sh -c 'exec "$@"' sh "$@""#
    }

    /// What is faked.
    enum Clocks {
        /// The wall clock alone: an offset is a step.
        case wall
        /// The steady clocks too: an offset is time that has passed.
        case all
    }

    /// Steps the clocks; the next reading is off by so much.
    func set(offsetSeconds: Int) {
        self.offsetSeconds = offsetSeconds
        // In one go: a half-written file would be no offset at all.
        steps += 1
        let next = folder("faketime.\(steps)")
        write(Array((offsetSeconds < 0 ? "\(offsetSeconds)\n" : "+\(offsetSeconds)\n").utf8), to: next)
        rename(next, file)
    }

    /// Whether the kernel says that the wall clock is synchronised; not unless set.
    var isSynchronised: Bool {
        get { access(synchronised, F_OK) == 0 }
        set { if newValue { write([], to: synchronised) } else { unlink(synchronised) } }
    }

    /// The kernel's word on its clock.
    private static let source = """
        #include <stdlib.h>
        #include <string.h>
        #include <sys/timex.h>
        #include <unistd.h>

        int adjtimex(struct timex *state) {
            const char *path = getenv("FUSEBOX_SYNCHRONISED");
            int yes = path && access(path, F_OK) == 0;
            memset(state, 0, sizeof *state);
            state->status = yes ? STA_PLL : STA_UNSYNC;
            return yes ? TIME_OK : TIME_ERROR;
        }

        """

    /// Removes what a daemon that was killed has left in shared memory.
    static func forget(_ process: pid_t) {
        unlink("/dev/shm/faketime_shm_\(process)")
        unlink("/dev/shm/sem.faketime_sem_\(process)")
    }
}
