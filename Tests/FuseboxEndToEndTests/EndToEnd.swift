import Glibc
import Testing

/// Tests of the real daemon. They run one at a time, because they measure latencies and memory.
@Suite(.serialized) enum EndToEnd {}

/// Set `FUSEBOX_FULL=1` for sizes that take minutes.
let isFull = getenv("FUSEBOX_FULL") != nil

/// Whether this program and the daemon were built with AddressSanitizer.
let isUnderAddressSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil

/// Whether this program and the daemon were built with ThreadSanitizer.
let isUnderThreadSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil

/// How much longer than usual a request may take: a sanitizer makes the daemon, which is built for debugging, slower again
/// by such a factor. Bounds on time that tests state are for a build without one.
let patience = isUnderAddressSanitizer || isUnderThreadSanitizer ? 15 : 1
