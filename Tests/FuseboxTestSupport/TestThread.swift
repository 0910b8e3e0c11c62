import Glibc

/// A thread that a test can wait for.
package struct TestThread: Sendable {
    private let thread: pthread_t

    package init(_ body: @escaping @Sendable () -> Void) {
        final class Body {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, argument)
        precondition(status == 0)
        self.thread = thread
    }

    package func join() { pthread_join(thread, nil) }
}
