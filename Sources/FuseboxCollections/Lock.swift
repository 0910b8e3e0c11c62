import Glibc

/// A value that only one thread at a time may touch.
///
/// It uses the C library's mutex. The `Mutex` of `Synchronization` locks inside the Swift runtime, where
/// ThreadSanitizer does not see it, so every access to its value looks like a race. Both cost some 20 ns if they are
/// uncontended. The lock is not recursive.
@safe package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // A mutex of the C library must not move. Both are used through these pointers only, and freed with them. They are
    // not fields of one generic type, because the Swift runtime would have to build that type's metadata at run time,
    // under locks of its own that a forked child may find locked.
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    @inlinable package init(_ initial: consuming sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    @inlinable deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Calls `body` with the value while no other thread has it.
    @inlinable package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&value.pointee)
    }
}
