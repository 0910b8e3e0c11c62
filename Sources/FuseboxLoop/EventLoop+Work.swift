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
        var result: Result?
        let item = unsafe WorkItem(
            request: allocateZeroed(uv_work_t.self),
            run: { result = body() },
            finish: {
                guard let result else { preconditionFailure("finished work has a result") }
                completion(result)
            })
        item.start(on: self)
    }
}

/// One piece of work with the request that libuv knows it by. It retains itself until libuv is done with it.
///
/// `run` is called on a pool thread and `finish` afterwards on the loop's; libuv's queue orders the two, so they
/// share the result without a lock.
@safe private final class WorkItem {
    let run: () -> Void
    private let finish: () -> Void
    private let request: UnsafeMutablePointer<uv_work_t>

    init(request: UnsafeMutablePointer<uv_work_t>, run: @escaping () -> Void, finish: @escaping () -> Void) {
        unsafe self.request = unsafe request
        self.run = run
        self.finish = finish
    }

    deinit { unsafe request.deallocate() }

    func start(on loop: EventLoop) {
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_queue_work(loop.pointer, request, workShallRun, workDidFinish)
        precondition(status == 0, "libuv refuses only work without a body")
    }

    func complete(on loop: EventLoop) {
        loop.enter()
        finish()
    }
}

private func workShallRun(_ request: UnsafeMutablePointer<uv_work_t>?) {
    guard let data = unsafe request?.pointee.data else { return }
    unsafe Unmanaged<WorkItem>.fromOpaque(data).takeUnretainedValue().run()
}

private func workDidFinish(_ request: UnsafeMutablePointer<uv_work_t>?, _ status: Int32) {
    guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
    let loop = unsafe EventLoop.of(request.pointee.loop)
    let item = unsafe Unmanaged<WorkItem>.fromOpaque(data).takeRetainedValue()
    if let loop { item.complete(on: loop) }
}
