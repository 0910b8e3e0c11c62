internal import CLibuv

extension EventLoop {
    /// Runs `body` on libuv's thread pool and passes its result to `completion` on the loop's thread.
    ///
    /// The pool has four threads, unless the environment sets `UV_THREADPOOL_SIZE`. `run` does not return before the
    /// completion was called. If the loop is deallocated first, its `deinit` waits for the body and the completion is
    /// not called.
    package func work<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        // The pool's thread writes it and the loop's thread reads it later. libuv's queue orders the two accesses.
        nonisolated(unsafe) var result: Result?
        RepeatedWork().start(
            on: self, { unsafe result = body() },
            then: {
                guard let result = unsafe result else { preconditionFailure("finished work has a result") }
                completion(result)
            })
    }
}

/// Work that runs repeatedly on libuv's thread pool, one piece at a time. Starting a piece allocates nothing.
@safe package final class RepeatedWork {
    /// libuv's request. It retains this object while a piece is running.
    private let request: UnsafeMutablePointer<uv_work_t>
    private var body: (@Sendable () -> Void)?
    private var completion: (() -> Void)?

    /// Makes an object that has no work yet.
    package init() { unsafe request = allocateZeroed(uv_work_t.self) }

    deinit { unsafe request.deallocate() }

    /// Whether a piece is running: true from `start` until its completion is called.
    package var isRunning: Bool { body != nil }

    /// Runs `body` on the thread pool, then `completion` on the loop's thread. The completion may start the next piece.
    ///
    /// No piece may be running when this is called.
    package func start(
        on loop: EventLoop, _ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void
    ) {
        precondition(!isRunning, "the previous piece of work is still running")
        self.body = body
        self.completion = completion
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_queue_work(loop.pointer, request, runWork, workFinished)
        precondition(status == 0, "uv_queue_work fails only without a body")
    }

    /// Runs on a pool thread. No other thread uses the object between `start` and `complete`.
    fileprivate func run() { body?() }

    /// - Parameter loop: nil if the loop is being deallocated; the completion is not called then
    fileprivate func complete(on loop: EventLoop?) {
        let completion = completion
        body = nil
        self.completion = nil
        guard let loop else { return }
        loop.enter()
        completion?()
    }
}

@available(*, unavailable, message: "it may only be used on the thread of its loop")
extension RepeatedWork: Sendable {}

private func runWork(_ request: UnsafeMutablePointer<uv_work_t>?) {
    guard let data = unsafe request?.pointee.data else { return }
    unsafe Unmanaged<RepeatedWork>.fromOpaque(data).takeUnretainedValue().run()
}

private func workFinished(_ request: UnsafeMutablePointer<uv_work_t>?, _ status: Int32) {
    guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
    let loop = unsafe EventLoop.of(request.pointee.loop)
    unsafe Unmanaged<RepeatedWork>.fromOpaque(data).takeRetainedValue().complete(on: loop)
}
