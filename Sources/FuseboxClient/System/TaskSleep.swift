/// A task that sleeps until it is woken, exactly once.
@safe struct TaskSleep: Sendable {
    // Unchecked for speed: what is woken is taken out of where it was kept, under a lock, so it is woken once.
    private let continuation: UnsafeContinuation<Void, Never>

    func wake() { unsafe continuation.resume() }

    /// Puts the calling task to sleep; `body` must see to its being woken.
    static func sleep(_ body: (TaskSleep) -> Void) async {
        await unsafe withUnsafeContinuation { body(unsafe TaskSleep(continuation: $0)) }
    }
}
