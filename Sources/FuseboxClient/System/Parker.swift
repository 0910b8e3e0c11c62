import Glibc

/// A place where one thread sleeps until another thread wakes it, or until a deadline.
///
/// A wake-up that comes before the sleep is kept. Several are kept as one. A thread that wakes must check whether what
/// it waits for has happened.
@safe struct Parker: ~Copyable, @unchecked Sendable {
    @safe private struct Cell {
        var mutex = unsafe pthread_mutex_t()
        var condition = pthread_cond_t()
        var isPosted = false
    }

    // The C library's locks must not move. They are used through this pointer only, and freed with it.
    private let cell: UnsafeMutablePointer<Cell>

    init() {
        unsafe cell = .allocate(capacity: 1)
        unsafe cell.initialize(to: Cell())
        unsafe pthread_mutex_init(&cell.pointee.mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(&cell.pointee.condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(&cell.pointee.condition)
        unsafe pthread_mutex_destroy(&cell.pointee.mutex)
        unsafe cell.deallocate()
    }

    func wake() {
        unsafe pthread_mutex_lock(&cell.pointee.mutex)
        unsafe cell.pointee.isPosted = true
        unsafe pthread_cond_signal(&cell.pointee.condition)
        unsafe pthread_mutex_unlock(&cell.pointee.mutex)
    }

    /// Sleeps until woken or until the deadline.
    func park(until deadline: Deadline) {
        var moment = deadline.asTimespec
        unsafe pthread_mutex_lock(&cell.pointee.mutex)
        while unsafe !cell.pointee.isPosted {
            guard
                unsafe pthread_cond_timedwait(&cell.pointee.condition, &cell.pointee.mutex, &moment) != ETIMEDOUT
            else { break }
        }
        unsafe cell.pointee.isPosted = false
        unsafe pthread_mutex_unlock(&cell.pointee.mutex)
    }
}
