internal import CLibuv

/// The memory of one libuv handle, from its creation to its close callback.
///
/// libuv keeps the handle's address in its own lists until the close callback. So the memory is on the heap, never
/// moves, and is freed in that callback only. The owner of a box may drop it at any time: `deinit` asks libuv to close
/// the handle, and the memory lives as long as libuv needs it.
///
/// While the handle is open, its `data` is an unretained reference to the owner. The owner owns the box, so it is
/// alive. After `close`, `data` is the retained completion, or nil. `owner(of:)` tells the two states apart.
///
/// The memory is a block of the libuv handle's type, or of a structure that begins with one and has further members
/// that must live as long.
@safe struct HandleBox: ~Copyable {
    /// The handle as `uv_handle_t`, with which every handle type begins.
    private let handle: UnsafeMutablePointer<uv_handle_t>
    private(set) var isOpen: Bool
    /// The loop is retained here and not by the owner, because it must live until `uv_close` was called. The members of
    /// a value are released after its `deinit`.
    let loop: EventLoop

    /// Allocates a block and lets libuv initialise the handle in it.
    init<Block>(
        on loop: EventLoop, _: Block.Type,
        _ initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<Block>) -> Int32
    ) throws(LoopError) {
        let block = unsafe allocateZeroed(Block.self)
        let status = unsafe initialize(loop.pointer, block)
        guard status >= 0 else {
            unsafe block.deallocate()
            throw LoopError(.createHandle, code: -status)
        }
        unsafe handle = unsafe UnsafeMutableRawPointer(block).assumingMemoryBound(to: uv_handle_t.self)
        isOpen = true
        self.loop = loop
    }

    deinit {
        guard isOpen else { return }
        unsafe handle.pointee.data = nil
        unsafe uv_close(handle, handleDidClose)
    }

    /// The block as the type that it was allocated as, or as a type that it begins with. The handle must be open.
    @inline(__always)
    func block<Block>(as _: Block.Type = Block.self) -> UnsafeMutablePointer<Block> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: Block.self)
    }

    /// Sets the object that gets the callbacks. It must own this box.
    func setOwner(_ owner: AnyObject) {
        unsafe handle.pointee.data = unsafe Unmanaged.passUnretained(owner).toOpaque()
    }

    /// Whether the handle is open and keeps `run` from returning.
    var keepsLoopRunning: Bool {
        get { unsafe isOpen && uv_has_ref(handle) != 0 }
        nonmutating set {
            guard isOpen else { return }
            if newValue { unsafe uv_ref(handle) } else { unsafe uv_unref(handle) }
        }
    }

    /// Closes the handle. A second call has no effect. The loop calls the completion once the memory is free.
    mutating func close(then completion: (() -> Void)?) {
        guard isOpen else { return }
        isOpen = false
        unsafe handle.pointee.data = completion.map { unsafe Unmanaged.passRetained(Completion($0)).toOpaque() }
        unsafe uv_close(handle, handleDidClose)
    }
}

/// The owner of an open handle. It is retained during the callback, which may drop its last other reference.
///
/// It is nil while the handle is closing, because requests that the close cancels still call back.
@inline(__always)
func owner<Handle, Owner: AnyObject>(
    of handle: UnsafeMutablePointer<Handle>?, as type: Owner.Type = Owner.self
) -> Owner? {
    guard let raw = UnsafeMutableRawPointer(handle) else { return nil }
    let handle = unsafe raw.assumingMemoryBound(to: uv_handle_t.self)
    guard unsafe uv_is_closing(handle) == 0, let data = unsafe handle.pointee.data else { return nil }
    return unsafe Unmanaged<Owner>.fromOpaque(data).takeUnretainedValue()
}

/// Zeroed memory for a C structure. The caller frees it with `deallocate`.
func allocateZeroed<Structure>(_: Structure.Type) -> UnsafeMutablePointer<Structure> {
    let pointer = UnsafeMutablePointer<Structure>.allocate(capacity: 1)
    unsafe UnsafeMutableRawPointer(pointer).initializeMemory(
        as: UInt8.self, repeating: 0, count: MemoryLayout<Structure>.size)
    return unsafe pointer
}

extension UnsafeMutablePointer {
    /// The address of a stored member.
    func field<Member>(_ member: WritableKeyPath<Pointee, Member>) -> UnsafeMutablePointer<Member> {
        guard let pointer = unsafe pointer(to: member) else { preconditionFailure("a stored member has an address") }
        return unsafe pointer
    }
}

/// A closure that is called once a handle's memory is free.
private final class Completion {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// Frees a handle's memory. libuv does not refer to it any more.
private func handleDidClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let handle = unsafe handle else { return }
    let loop = unsafe EventLoop.of(handle.pointee.loop)
    let data = unsafe handle.pointee.data
    unsafe UnsafeMutableRawPointer(handle).deallocate()
    guard let data = unsafe data else { return }
    let completion = unsafe Unmanaged<Completion>.fromOpaque(data).takeRetainedValue()
    // The loop is being deallocated, so the completion is dropped.
    guard let loop else { return }
    loop.enter()
    completion.body()
}
