import Glibc

/// A thread of this module's own.
enum Thread {
    /// Starts a detached thread that runs `body`. All signals are blocked in it, because they belong to the program.
    ///
    /// - Throws: if the thread cannot be created
    static func start(_ body: @escaping @Sendable () -> Void) throws(SystemFailure) {
        let box = Box(body)
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        let handle = unsafe Unmanaged.passRetained(box)
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, handle.toOpaque())
        guard code == 0 else {
            unsafe handle.release()
            throw SystemFailure("pthread_create", code)
        }
        pthread_detach(thread)
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
