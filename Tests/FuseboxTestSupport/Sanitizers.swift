import Glibc

/// Whether the tests, and with them the programs that they run, were built with AddressSanitizer.
package let isUnderAddressSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__asan_init") != nil

/// Whether the tests, and with them the programs that they run, were built with ThreadSanitizer.
package let isUnderThreadSanitizer = dlsym(dlopen(nil, RTLD_NOW), "__tsan_init") != nil

/// How much longer than usual something may take: a sanitizer makes programs that are built for debugging slower again by
/// such a factor. Bounds on time that tests state are for a build without one.
package let patience = isUnderAddressSanitizer || isUnderThreadSanitizer ? 15 : 1
