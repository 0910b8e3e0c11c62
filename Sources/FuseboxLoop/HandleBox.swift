internal import CLibuv

/// The memory of one libuv handle, from its creation to its close callback.
///
/// libuv keeps a handle's address in its own lists until that callback, so the memory stands on the heap, never
/// moves, and is freed there and nowhere else. Whoever owns the box may simply drop it: its `deinit` asks libuv
/// to close the handle, and the memory outlives the owner for as long as libuv needs it.
///
/// While the handle is open its `data` is an unretained reference to the owner, which owns the box and so cannot
/// be gone; from the close on it is the retained completion or nothing. `owner(of:)` tells the two apart.
///
/// Its memory is a block of the libuv handle's type, or of a structure that begins with one and holds what must
/// live as long.
@safe struct HandleBox: ~Copyable {
    /// The handle as the type that all handles begin with.
    private let handle: UnsafeMutablePointer<uv_handle_t>
    private(set) var isOpen: Bool
    /// Retained here and not by the owner beside its box: it must go after the handle's close has begun, and
    /// the members of a value go after its `deinit`.
    let loop: EventLoop

    /// Allocates a block and has libuv initialise the handle in it.
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

    /// The block as what it was allocated as, or as what that begins with. Not to be used once closed.
    @inline(__always)
    func block<Block>(as _: Block.Type = Block.self) -> UnsafeMutablePointer<Block> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: Block.self)
    }

    /// Whether the open handle may call back: a timer runs, a stream reads.
    var isActive: Bool { unsafe isOpen && uv_is_active(handle) != 0 }

    /// Names the object that callbacks go to. It must own this box.
    func setOwner(_ owner: AnyObject) {
        unsafe handle.pointee.data = unsafe Unmanaged.passUnretained(owner).toOpaque()
    }

    /// Whether the open handle keeps `run` from returning.
    var keepsLoopRunning: Bool {
        get { unsafe isOpen && uv_has_ref(handle) != 0 }
        nonmutating set {
            guard isOpen else { return }
            if newValue { unsafe uv_ref(handle) } else { unsafe uv_unref(handle) }
        }
    }

    /// Closes the handle; a second time does nothing. The completion is called from the loop, soon.
    mutating func close(then completion: (() -> Void)?) {
        guard isOpen else { return }
        isOpen = false
        unsafe handle.pointee.data = completion.map { unsafe Unmanaged.passRetained(Completion($0)).toOpaque() }
        unsafe uv_close(handle, handleDidClose)
    }
}

/// The object that an open handle's callbacks go to, retained for the callback: it may drop its last reference.
///
/// Nil once the handle is closing: requests that the close cancels still call back.
@inline(__always)
func owner<Handle, Owner: AnyObject>(
    of handle: UnsafeMutablePointer<Handle>?, as type: Owner.Type = Owner.self
) -> Owner? {
    guard let raw = UnsafeMutableRawPointer(handle) else { return nil }
    let handle = unsafe raw.assumingMemoryBound(to: uv_handle_t.self)
    guard unsafe uv_is_closing(handle) == 0, let data = unsafe handle.pointee.data else { return nil }
    return unsafe Unmanaged<Owner>.fromOpaque(data).takeUnretainedValue()
}

/// Memory for a C structure, zeroed, to be freed with `deallocate`.
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

/// What is to be called once a handle's memory is free.
private final class Completion {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// Frees a handle's memory: libuv has forgotten it.
private func handleDidClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let handle = unsafe handle else { return }
    let loop = unsafe EventLoop.of(handle.pointee.loop)
    let data = unsafe handle.pointee.data
    unsafe UnsafeMutableRawPointer(handle).deallocate()
    guard let data = unsafe data else { return }
    let completion = unsafe Unmanaged<Completion>.fromOpaque(data).takeRetainedValue()
    // Without a loop object the loop is being torn down, and nobody is left to be told.
    guard let loop else { return }
    loop.enter()
    completion.body()
}
