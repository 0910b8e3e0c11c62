#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

// What Linux has and the C library's module does not show to Swift.

extern int execvpe(const char *file, char *const arguments[], char *const environment[]);
extern int memfd_create(const char *name, unsigned int flags);

/// `MFD_CLOEXEC`
static const unsigned int memfd_close_on_exec = 1;

// Between fork and exec a child may do only what is safe in a signal handler, which no Swift is; and posix_spawn cannot ask
// for a signal at the parent's death. So this one step is C.

/// Starts a command, found as a shell finds it, that is killed when the calling thread ends, whatever ends it.
///
/// It must be called on a thread that lives as long as the process: the kernel watches the thread that forked. A command
/// that gains privileges by its file (set-user-ID) outlives it: the kernel takes the request back then.
///
/// - mask: the signals that the command begins with held back
/// - Returns: its process; -1 if it could not be started, with the reason in `code`
static inline pid_t spawn_bound(
    const char *command, char *const arguments[], char *const environment[], const sigset_t *mask, int *code)
{
    int report[2];
    if (pipe(report) != 0) {
        *code = errno;
        return -1;
    }
    // Only this thread starts programs, so none inherits the pipe before it is marked.
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        // Had the parent died before that, nobody would say so any more.
        if (getppid() != parent) _exit(1);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, mask, NULL);
        execvpe(command, arguments, environment);
        const int reason = errno;
        if (write(report[1], &reason, sizeof reason) < 0) _exit(1);
        _exit(127);
    }
    *code = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0) {
        int reason = 0;
        ssize_t count;
        do count = read(report[0], &reason, sizeof reason); while (count < 0 && errno == EINTR);
        if (count == sizeof reason) *code = reason;
        // The end of the pipe without a word: it runs, and exec has closed it.
    }
    close(report[0]);
    return *code == 0 ? child : -1;
}
