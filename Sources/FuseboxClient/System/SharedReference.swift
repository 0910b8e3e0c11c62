import Synchronization

/// A reference to an object that any thread may read or replace, without a lock.
///
/// What has been replaced is never freed: it belonged to the parent of this process, whose threads do not exist here
/// and cannot give back what they held of it.
@safe struct SharedReference<Object: AnyObject & Sendable>: ~Copyable, @unchecked Sendable {
    // Always a retained object: the pointer stands for one reference count.
    private let pointer: Atomic<UnsafeMutableRawPointer>

    init(_ object: Object) {
        unsafe pointer = Atomic(Unmanaged.passRetained(object).toOpaque())
    }

    deinit { unsafe Unmanaged<Object>.fromOpaque(pointer.load(ordering: .acquiring)).release() }

    var object: Object {
        unsafe Unmanaged<Object>.fromOpaque(pointer.load(ordering: .acquiring)).takeUnretainedValue()
    }

    /// Puts `new` in the place of `old`, unless another thread has put something else there. Returns what is there now.
    func replace(_ old: Object, by new: Object) -> Object {
        let own = unsafe Unmanaged.passRetained(new)
        let (exchanged, original) = unsafe pointer.compareExchange(
            expected: Unmanaged.passUnretained(old).toOpaque(), desired: own.toOpaque(),
            ordering: .acquiringAndReleasing)
        if exchanged { return new }
        unsafe own.release()
        return unsafe Unmanaged<Object>.fromOpaque(original).takeUnretainedValue()
    }

    /// Keeps the object for ever: it is the parent's.
    func leak() { _ = unsafe Unmanaged.passRetained(object) }
}
