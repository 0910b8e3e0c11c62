import Synchronization

/// A reference to an object that any thread may read or replace, without a lock.
///
/// A replaced object is never freed. It belonged to the parent of this process, whose threads do not exist here and
/// cannot release their locks on it.
@safe struct SharedReference<Object: AnyObject & Sendable>: ~Copyable, @unchecked Sendable {
    // The pointer always refers to a retained object and stands for one reference count.
    private let pointer: Atomic<UnsafeMutableRawPointer>

    init(_ object: Object) {
        unsafe pointer = Atomic(Unmanaged.passRetained(object).toOpaque())
    }

    deinit { unsafe Unmanaged<Object>.fromOpaque(pointer.load(ordering: .acquiring)).release() }

    var object: Object {
        unsafe Unmanaged<Object>.fromOpaque(pointer.load(ordering: .acquiring)).takeUnretainedValue()
    }

    /// Replaces `old` by `new`, unless another thread has replaced it already. Returns the present object.
    func replace(_ old: Object, by new: Object) -> Object {
        let own = unsafe Unmanaged.passRetained(new)
        let (exchanged, original) = unsafe pointer.compareExchange(
            expected: Unmanaged.passUnretained(old).toOpaque(), desired: own.toOpaque(),
            ordering: .acquiringAndReleasing)
        if exchanged { return new }
        unsafe own.release()
        return unsafe Unmanaged<Object>.fromOpaque(original).takeUnretainedValue()
    }

    /// Keeps the object for ever, because it belongs to the parent.
    func leak() { _ = unsafe Unmanaged.passRetained(object) }
}
