#pragma once
#include <malloc.h>
#if !__has_include(<uv.h>)
#error "libuv is missing; on Debian: apt-get install libuv1-dev"
#endif
#include <uv.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

/// `pidfd_open`, which C libraries have only since glibc 2.36: the process that has this number now, as a descriptor.
static inline int open_process(pid_t number) { return (int)syscall(SYS_pidfd_open, number, 0); }
