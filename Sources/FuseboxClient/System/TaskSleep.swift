/// A sleeping task. It must be woken exactly once.
@safe struct TaskSleep: Sendable {
    // Unchecked for speed. A waker takes the value out of its place under a lock, so the task is woken once.
    private let continuation: UnsafeContinuation<Void, Never>

    func wake() { unsafe continuation.resume() }

    /// Puts the calling task to sleep. `body` must store the value where a waker finds it.
    static func sleep(_ body: (TaskSleep) -> Void) async {
        await unsafe withUnsafeContinuation { body(unsafe TaskSleep(continuation: $0)) }
    }
}
