import Glibc

/// A value that only one thread at a time may touch.
///
/// It is the C library's mutex rather than the one of `Synchronization`: that one locks inside the Swift runtime, where
/// ThreadSanitizer does not see it, and every value behind it looks like a race. Uncontended both cost the same, some
/// 20 ns. It is not recursive.
@safe struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // A mutex of the C library must not move. Both are used through these pointers only, and freed with them. (They are
    // not fields of one generic type: the Swift runtime would have to build that type's metadata at run time, under
    // locks of its own that a forked child may find held.)
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: consuming sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Gives `body` the value while no other thread has it.
    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}
