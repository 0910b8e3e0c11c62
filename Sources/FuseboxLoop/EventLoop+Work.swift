internal import CLibuv

extension EventLoop {
    /// Runs `body` on libuv's thread pool (four threads unless `UV_THREADPOOL_SIZE` says otherwise) and hands
    /// its result to `completion` on the loop's thread.
    ///
    /// Work under way keeps `run` from returning. If the loop is dropped meanwhile, the body is waited for and the
    /// completion is not called.
    public func work<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result, then completion: @escaping (Result) -> Void
    ) {
        // Written on the pool's thread and read afterwards on the loop's: libuv's queue orders the two.
        nonisolated(unsafe) var result: Result?
        RepeatedWork().start(
            on: self, { unsafe result = body() },
            then: {
                guard let result = unsafe result else { preconditionFailure("finished work has a result") }
                completion(result)
            })
    }
}

/// A place for work that is done again and again on libuv's thread pool, one piece at a time: starting one allocates
/// nothing.
@safe public final class RepeatedWork {
    /// The request that libuv knows it by. It retains this object while it is under way.
    private let request: UnsafeMutablePointer<uv_work_t>
    private var body: (@Sendable () -> Void)?
    private var completion: (() -> Void)?

    public init() { unsafe request = allocateZeroed(uv_work_t.self) }

    deinit { unsafe request.deallocate() }

    /// Whether a piece is under way: from `start` until its completion is called.
    public var isUnderWay: Bool { body != nil }

    /// Runs `body` on the thread pool, as `EventLoop.work` does, and then `completion` on the loop's thread. That may
    /// start the next piece.
    public func start(
        on loop: EventLoop, _ body: @escaping @Sendable () -> Void, then completion: @escaping () -> Void
    ) {
        precondition(!isUnderWay, "one piece of work at a time")
        self.body = body
        self.completion = completion
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_queue_work(loop.pointer, request, workShallRun, workDidFinish)
        precondition(status == 0, "libuv refuses only work without a body")
    }

    /// Called on a pool thread. Nobody else touches the object between `start` and `complete`.
    fileprivate func run() { body?() }

    /// - Parameter loop: nil if it has gone: then nobody is left to be told
    fileprivate func complete(on loop: EventLoop?) {
        let completion = completion
        body = nil
        self.completion = nil
        guard let loop else { return }
        loop.enter()
        completion?()
    }
}

@available(*, unavailable, message: "it is used on the thread of its loop")
extension RepeatedWork: Sendable {}

private func workShallRun(_ request: UnsafeMutablePointer<uv_work_t>?) {
    guard let data = unsafe request?.pointee.data else { return }
    unsafe Unmanaged<RepeatedWork>.fromOpaque(data).takeUnretainedValue().run()
}

private func workDidFinish(_ request: UnsafeMutablePointer<uv_work_t>?, _ status: Int32) {
    guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
    let loop = unsafe EventLoop.of(request.pointee.loop)
    unsafe Unmanaged<RepeatedWork>.fromOpaque(data).takeRetainedValue().complete(on: loop)
}
