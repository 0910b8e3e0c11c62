#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

// Linux functions that the C library's module does not export to Swift.

extern int execvpe(const char *file, char *const arguments[], char *const environment[]);
extern int memfd_create(const char *name, unsigned int flags);

/// `MFD_CLOEXEC`
static const unsigned int memfd_close_on_exec = 1;

// Between fork and exec a child may only call async-signal-safe functions, which Swift code does not guarantee. posix_spawn
// cannot set PR_SET_PDEATHSIG. So this function is in C.

/// Starts a command that the kernel kills when the calling thread ends, for whatever reason. The command is searched in
/// PATH.
///
/// It must be called on a thread that lives as long as the process, because the kernel watches the thread that forked. A
/// set-user-ID command is not killed, because the kernel clears the request at exec.
///
/// - mask: the signal mask of the command
/// - Returns: the process number; -1 if the command could not be started, with the error number in `code`
static inline pid_t spawn_bound(
    const char *command, char *const arguments[], char *const environment[], const sigset_t *mask, int *code)
{
    int report[2];
    if (pipe(report) != 0) {
        *code = errno;
        return -1;
    }
    // Only this thread starts programs, so no other child inherits the pipe before FD_CLOEXEC is set.
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        // If the parent died before prctl, no signal will come.
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
        // If the pipe ends without an error number, exec has closed it and the command runs.
    }
    close(report[0]);
    return *code == 0 ? child : -1;
}
