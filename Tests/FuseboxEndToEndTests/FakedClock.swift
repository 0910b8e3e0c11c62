import FuseboxTestSupport
import Glibc
import Testing

/// The real `libfaketime` in the daemon. A file sets the offset of the wall clock, which may be stepped at any time.
///
/// CLOCK_BOOTTIME and CLOCK_MONOTONIC are the system's, unless the test lets time pass.
final class FakedClock {
    private let folder: TemporaryFolder
    private let file: String
    private let synchronised: String
    private let kernel: String
    private var steps = 0
    private(set) var offsetSeconds = 0

    /// Whether `libfaketime` is installed, and a C compiler for the library that reports a synchronised clock. Under
    /// a sanitizer the daemon does not start with it.
    static let isPossible =
        library != nil && !isUnderAddressSanitizer && !isUnderThreadSanitizer && Interposer.isPossible

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

    /// The start of the daemon with it.
    ///
    /// A shell creates the shared memory and then becomes the daemon. If the daemon created it, the environment would
    /// move before `main`, and Swift would not find the arguments.
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

    /// The faked clocks.
    enum Clocks {
        /// The wall clock alone. An offset is a step.
        case wall
        /// The steady clocks too. An offset is elapsed time.
        case all
    }

    /// Sets the offset of the clocks.
    func set(offsetSeconds: Int) {
        self.offsetSeconds = offsetSeconds
        // In one write, because a partial file is not a valid offset.
        steps += 1
        let next = folder("faketime.\(steps)")
        write(Array((offsetSeconds < 0 ? "\(offsetSeconds)\n" : "+\(offsetSeconds)\n").utf8), to: next)
        rename(next, file)
    }

    /// Whether the kernel reports that the wall clock is synchronised. Initially it does not.
    var isSynchronised: Bool {
        get { access(synchronised, F_OK) == 0 }
        set { if newValue { write([], to: synchronised) } else { unlink(synchronised) } }
    }

    /// A library with the kernel's report about its clock.
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

    /// Removes the shared memory of a killed daemon.
    static func forget(_ process: pid_t) {
        unlink("/dev/shm/faketime_shm_\(process)")
        unlink("/dev/shm/sem.faketime_sem_\(process)")
    }
}
