import FuseboxTestSupport
import Glibc
import Testing

/// A library that is preloaded into the daemon. It makes system calls on files fail or wait, as a trigger file says.
struct Interposer {
    private let trigger: String
    private let library: String

    /// Whether the machine has a C compiler to build it.
    static let isPossible = access("/usr/bin/cc", X_OK) == 0

    init(in folder: TemporaryFolder) throws {
        trigger = folder("fault")
        library = folder("interposer.so")
        write(Array(Self.source.utf8), to: folder("interposer.c"))
        let status = run([
            "/usr/bin/cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, folder("interposer.c"), "-ldl",
        ])
        try #require(status == 0, "the interposer does not compile")
    }

    /// The start of the daemon with it.
    var prelude: String { "export LD_PRELOAD=\(library) FUSEBOX_FAULT=\(trigger)" }

    /// Makes every fsync, and with it every snapshot, wait until `heal`.
    func holdSnapshots() { fail("hold") }

    /// Makes every fdatasync, and with it every durable acknowledgement, wait until `heal`.
    func holdSyncs() { fail("stall") }

    /// Makes this call fail from now on.
    func fail(_ call: String) { write(Array(call.utf8), to: trigger) }

    /// Lets every call succeed again.
    func heal() { unlink(trigger) }

    /// Calls on standard output, standard error and sockets are not changed.
    private static let source = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        static int told(const char *call) {
            const char *path = getenv("FUSEBOX_FAULT");
            char text[64] = {0};
            int file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return 0;
            ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
            close(file);
            return length > 0 && strcmp(text, call) == 0;
        }

        static int is_file(int descriptor) {
            struct stat status;
            return descriptor > 2 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
        }

        #define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

        int fdatasync(int file) {
            if (told("fdatasync")) { errno = EIO; return -1; }
            while (told("stall")) usleep(1000);
            return REAL(fdatasync)(file);
        }

        int fsync(int file) {
            if (told("fsync")) { errno = EIO; return -1; }
            while (told("hold")) usleep(1000);
            return REAL(fsync)(file);
        }

        ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
            static int calls;
            if (told("pwrite")) { errno = EIO; return -1; }
            if (told("short")) {
                if (++calls % 3 == 0) { errno = EINTR; return -1; }
                if (count > 7) count = 7;
            }
            return REAL(pwrite)(file, bytes, count, offset);
        }

        ssize_t write(int file, const void *bytes, size_t count) {
            static int calls;
            if (is_file(file)) {
                if (told("write")) { errno = ENOSPC; return -1; }
                if (told("short")) {
                    if (++calls % 3 == 0) { errno = EINTR; return -1; }
                    if (count > 7) count = 7;
                }
            }
            return REAL(write)(file, bytes, count);
        }

        int renameat(int from, const char *name, int to, const char *other) {
            if (told("renameat")) { errno = EIO; return -1; }
            return REAL(renameat)(from, name, to, other);
        }

        int openat(int directory, const char *name, int flags, ...) {
            mode_t mode = 0600;
            if (flags & O_CREAT && told("openat")) { errno = EMFILE; return -1; }
            return syscall(SYS_openat, directory, name, flags, mode);
        }

        struct dirent *readdir(DIR *stream) {
            static int calls;
            int before = errno;
            if (told("readdir") && ++calls % 4 == 0) { errno = EIO; return NULL; }
            // The end of the directory is reported with an unchanged errno.
            errno = before;
            return REAL(readdir)(stream);
        }

        int posix_fallocate(int file, off_t offset, off_t length) {
            if (told("fallocate")) return ENOSPC;
            return REAL(posix_fallocate)(file, offset, length);
        }

        """
}
