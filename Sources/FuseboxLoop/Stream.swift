internal import CLibuv
internal import Glibc

/// What is told about a connection. The stream does not retain its delegate.
///
/// Every call may close the stream or drop its last reference, but for `spareRoom` and `didFill`: these come before the
/// turn has begun, only give room and note what fills it, and touch nothing else.
public protocol StreamDelegate: AnyObject {
    /// Room for bytes that have arrived; never empty. It must stand still until the call that follows at once.
    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer
    /// The first `count` bytes of the room have been filled; at least 1. `streamDidRead` follows, unless the beginning of
    /// the turn closes the stream.
    func stream(_ stream: Stream, didFill count: Int)
    /// Bytes have been read: those that `didFill` has told of.
    func streamDidRead(_ stream: Stream)
    /// The peer sends no more. Reading has stopped; writing is still possible.
    func streamDidEnd(_ stream: Stream)
    /// All bytes that the stream held back have gone out: there is room for more.
    func streamDidDrain(_ stream: Stream)
    /// Reading or writing has failed: close the stream.
    func stream(_ stream: Stream, didFail error: LoopError)
}

/// One connection on a Unix socket. Dropping it closes it.
///
/// **Reading** goes straight into memory that the delegate lends. **Writing** is for an owner with one output
/// buffer of its own: `write` takes what the socket takes, and if that is full a chunk more, says how many bytes
/// it took, and calls `streamDidDrain` once the chunk is out. The owner removes what was taken and calls again
/// then. No bytes are borrowed after a call returns, so the buffer may grow and move meanwhile, and while the
/// socket keeps up neither direction copies, allocates or locks. (Watching the descriptor with libuv's poll handles
/// would spare the chunk too, but libuv advises against them for sockets that it can run itself, and they cost two more
/// system calls each time the interest changes.)
@safe public final class Stream {
    /// The most bytes that the stream holds back for a full socket.
    public static let chunkLength = 64 * 1024

    /// Called with all that happens. Not retained: it must outlive the open stream (it usually owns it) or be set
    /// to nil; needed from `startReading` or the first `write` on.
    public unowned var delegate: (any StreamDelegate)?

    private var box: HandleBox
    private let pipe: UnsafeMutablePointer<uv_stream_t>
    private let writeRequest: UnsafeMutablePointer<uv_write_t>

    /// Whether it reads: from `startReading` until `stopReading`, the peer's end or an error.
    public private(set) var isReading = false
    /// Whether a chunk is on its way; `streamDidDrain` follows.
    public private(set) var isHoldingBack = false

    /// The handle with the request that may be under way at its close: libuv gives it back before the handle.
    @unsafe private struct Block {
        var pipe: uv_pipe_t
        var write: uv_write_t
    }

    /// Makes a stream of a connected socket.
    ///
    /// - Throws: `adopt` or `createHandle`; the descriptor is closed then.
    public convenience init(on loop: EventLoop, adopting descriptor: consuming Descriptor) throws(LoopError) {
        try unsafe self.init(on: loop, .adopt) { unsafe uv_pipe_open($0, descriptor.number) }
        // The handle closes it from here on.
        _ = descriptor.release()
    }

    /// Makes a stream of a fresh handle that `open` gives its descriptor.
    init(
        on loop: EventLoop, _ operation: LoopError.Operation, open: (UnsafeMutablePointer<uv_pipe_t>) -> Int32
    ) throws(LoopError) {
        box = try unsafe HandleBox(on: loop, Block.self) { unsafe uv_pipe_init($0, $1.field(\.pipe), 0) }
        let block = unsafe box.block(as: Block.self)
        unsafe self.pipe = unsafe box.block()
        unsafe writeRequest = unsafe block.field(\.write)
        try LoopError.check(unsafe open(block.field(\.pipe)), operation)
        box.setOwner(self)
    }

    /// The loop that it was made on.
    public var loop: EventLoop { box.loop }

    /// Whether `close` has not been called.
    public private(set) var isOpen = true

    /// The descriptor's number, to look at and not to close; nil once closed.
    public var descriptor: Int32? {
        guard box.isOpen else { return nil }
        var number: Int32 = -1
        return unsafe uv_fileno(box.block(), &number) == 0 ? number : nil
    }

    /// Who connected.
    public var peer: PeerCredentials {
        get throws(LoopError) {
            guard let descriptor else { throw LoopError(.readCredentials, code: EBADF) }
            return try PeerCredentials(ofPeerAt: descriptor)
        }
    }

    /// The supplementary groups of who connected; none if the kernel does not tell.
    public var peerGroups: [UInt32] { descriptor.map(PeerCredentials.groups(ofPeerAt:)) ?? [] }

    /// Closes the connection at once; bytes held back are lost. A second time does nothing.
    ///
    /// No delegate method is called from here on.
    ///
    /// - Parameter completion: called from the loop once the descriptor is closed and the memory free; not called by
    ///   a second close, nor when the loop goes first.
    public func close(then completion: (() -> Void)? = nil) {
        isReading = false
        isOpen = false
        box.close(then: completion)
    }
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Stream: Sendable {}

extension Stream {
    /// Begins the turn if it has not begun; returns whether the stream is open after that.
    ///
    /// Who calls it holds the delegate: what is done at the beginning of a turn may drop its last other reference.
    @inline(__always)
    fileprivate func entersTurn() -> Bool {
        loop.enter()
        return isOpen
    }
}

// MARK: Reading

extension Stream {
    /// Begins to read, or goes on after `stopReading`. Does nothing if it is reading.
    public func startReading() throws(LoopError) {
        guard !isReading else { return }
        guard isOpen else { throw LoopError(.read, code: EBADF) }
        try LoopError.check(unsafe uv_read_start(pipe, streamNeedsRoom, streamDidRead), .read)
        isReading = true
    }

    /// Stops reading: what the peer sends stays in the socket until that is full and the peer waits.
    ///
    /// Effective at once: from inside `didRead` no further call follows.
    public func stopReading() {
        guard isReading else { return }
        isReading = false
        unsafe uv_read_stop(pipe)
    }

    /// No turn begins here: what its beginning does may close this very stream, and libuv cannot do without one that
    /// it is about to read from.
    fileprivate func lendRoom() -> UnsafeMutableRawBufferPointer {
        guard let room = unsafe delegate?.spareRoom(for: self) else {
            preconditionFailure("a reading stream has a delegate")
        }
        precondition(room.count > 0, "the room for bytes is not empty")
        return unsafe room
    }

    fileprivate func didRead(_ count: Int) {
        // The socket had nothing after all.
        guard count != 0, let delegate else { return }
        // Before the turn begins, for that may handle what this connection has received.
        if count > 0 { delegate.stream(self, didFill: count) }
        guard entersTurn() else { return }
        if count > 0 { return delegate.streamDidRead(self) }
        isReading = false
        if count == Int(UV_EOF.rawValue) { return delegate.streamDidEnd(self) }
        delegate.stream(self, didFail: LoopError(.read, code: Int32(-count)))
    }
}

private func streamNeedsRoom(
    _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggested: Int, _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
    guard let stream = unsafe owner(of: handle, as: Stream.self) else { return }
    let room = unsafe stream.lendRoom()
    unsafe buffer?.pointee = unsafe uv_buf_t(
        base: room.baseAddress?.assumingMemoryBound(to: CChar.self), len: room.count)
}

private func streamDidRead(
    _ handle: UnsafeMutablePointer<uv_stream_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?
) {
    guard let stream = unsafe owner(of: handle, as: Stream.self) else { return }
    stream.didRead(count)
}

// MARK: Writing

extension Stream {
    /// Bytes that the stream holds back because the socket is full.
    public var heldBack: Int { box.isOpen ? unsafe Int(uv_stream_get_write_queue_size(pipe)) : 0 }

    /// Writes what the socket takes now.
    ///
    /// - Returns: the number of bytes taken: 0 if the socket is full or bytes are held back.
    public func tryWrite(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
        guard isOpen else { throw LoopError(.write, code: EBADF) }
        guard bytes.count > 0 else { return 0 }
        var buffer = unsafe uv_buf_t(reading: bytes)
        let written = unsafe uv_try_write(pipe, &buffer, 1)
        guard written >= 0 else {
            if written == -EAGAIN { return 0 }
            throw LoopError(.write, code: -written)
        }
        return Int(written)
    }

    /// Writes what the socket takes now, and if that is not all, holds a chunk more back to write it later.
    ///
    /// Call it again with what it did not take after `streamDidDrain`.
    ///
    /// - Returns: the number of bytes taken: 0 while a chunk is held back.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
        let written = try unsafe tryWrite(bytes)
        guard written < bytes.count, !isHoldingBack else { return written }
        return try unsafe written + holdBack(UnsafeRawBufferPointer(rebasing: bytes[written...]))
    }

    /// Copies a chunk and has libuv write it when the socket has room. The request owns the copy.
    private func holdBack(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
        let length = min(bytes.count, Self.chunkLength)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        unsafe chunk.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        unsafe writeRequest.pointee.data = chunk.baseAddress
        var buffer = unsafe uv_buf_t(reading: UnsafeRawBufferPointer(chunk))
        let status = unsafe uv_write(writeRequest, pipe, &buffer, 1, streamDidWrite)
        guard status >= 0 else {
            unsafe chunk.deallocate()
            throw LoopError(.write, code: -status)
        }
        isHoldingBack = true
        return length
    }

    fileprivate func didWrite(_ status: Int32) {
        let delegate = delegate
        guard entersTurn() else { return }
        isHoldingBack = false
        guard status < 0 else { return delegate?.streamDidDrain(self) ?? () }
        delegate?.stream(self, didFail: LoopError(.write, code: -status))
    }
}

/// Also called for a chunk that the close of the handle has cancelled; the chunk is freed either way.
private func streamDidWrite(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
    guard let request = unsafe request else { return }
    unsafe request.pointee.data.deallocate()
    unsafe owner(of: request.pointee.handle, as: Stream.self)?.didWrite(status)
}

extension uv_buf_t {
    /// Describes bytes to write. libuv counts them in 32 bits, and does not change them.
    fileprivate init(reading bytes: UnsafeRawBufferPointer) {
        let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        unsafe self.init(
            base: base?.assumingMemoryBound(to: CChar.self), len: min(bytes.count, Int(Int32.max)))
    }
}
