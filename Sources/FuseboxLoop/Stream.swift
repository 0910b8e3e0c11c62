internal import CLibuv
internal import Glibc

/// Gets the events of a stream. The stream does not retain its delegate.
///
/// Every method may close the stream or drop its last reference, except `spareRoom` and `didFill`. These two are called
/// before the turn begins. They only lend memory and count what fills it, and must not change anything else.
package protocol StreamDelegate: AnyObject {
    /// Returns memory for received bytes, at least one byte. It must not move before `didFill` or the next call of this
    /// method.
    func spareRoom(for stream: Stream) -> UnsafeMutableRawBufferPointer
    /// The first `count` bytes of that memory were filled; `count` is at least 1. `streamDidRead` follows, unless
    /// `turnBegins` closes the stream.
    func stream(_ stream: Stream, didFill count: Int)
    /// Bytes were read: those that `didFill` reported.
    func streamDidRead(_ stream: Stream)
    /// The peer has shut down its sending side. Reading has stopped. Writing is still possible.
    func streamDidEnd(_ stream: Stream)
    /// The pending chunk was written, so the stream takes more.
    func streamDidDrain(_ stream: Stream)
    /// Reading or writing failed. The delegate must close the stream.
    func stream(_ stream: Stream, didFail error: LoopError)
}

/// One connection on a Unix socket. It is closed when its last reference goes away.
///
/// **Reading** fills memory that the delegate lends. **Writing** expects an owner with one output buffer. `write` takes
/// the bytes that the socket takes. If the socket is full, it copies one chunk more and writes it later. It returns the
/// number of bytes taken. Once the chunk is written, `streamDidDrain` is called, and the owner calls `write` with the
/// rest. `write` keeps no pointer into the buffer, so the buffer may grow and move. While the socket is not full,
/// neither direction copies, allocates or locks.
///
/// libuv's poll handles would avoid the chunk. But libuv advises against them for sockets that it can drive itself, and
/// they need two more system calls at each change of interest.
@safe package final class Stream {
    /// The length of a chunk that is copied when the socket is full, in bytes.
    package static let chunkLength = 64 * 1024

    /// Gets the stream's events. It is not retained: it must outlive the open stream, or be set to nil. It must be set
    /// before `startReading` and before the first `write`.
    package unowned var delegate: (any StreamDelegate)?

    private var box: HandleBox
    private let pipe: UnsafeMutablePointer<uv_stream_t>
    private let writeRequest: UnsafeMutablePointer<uv_write_t>

    /// Whether the stream reads: from `startReading` until `stopReading`, the peer's end of stream or an error.
    package private(set) var isReading = false
    /// Whether a chunk waits for room in the socket. `streamDidDrain` follows.
    package private(set) var hasPendingChunk = false

    /// The handle, and the write request that may be active when it is closed. libuv ends the request before the
    /// handle.
    @unsafe private struct Block {
        var pipe: uv_pipe_t
        var write: uv_write_t
    }

    /// Makes a stream from a connected socket.
    ///
    /// - Throws: `adopt` or `createHandle`; the descriptor is closed in both cases
    package convenience init(on loop: EventLoop, adopting descriptor: consuming Descriptor) throws(LoopError) {
        try unsafe self.init(on: loop, .adopt) { unsafe uv_pipe_open($0, descriptor.number) }
        // From here on the handle closes the descriptor.
        _ = descriptor.release()
    }

    /// Makes a stream from a new handle. `open` gives it its descriptor.
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

    /// The loop that the stream was made on.
    package var loop: EventLoop { box.loop }

    /// Whether the stream is open: true until `close` is called.
    package private(set) var isOpen = true

    /// The number of the stream's descriptor; nil once the stream is closed. The stream keeps the ownership.
    package var descriptor: Int32? {
        guard box.isOpen else { return nil }
        var number: Int32 = -1
        return unsafe uv_fileno(box.block(), &number) == 0 ? number : nil
    }

    /// The process that connected.
    ///
    /// - Throws: `readCredentials`, with `EBADF` if the stream is closed
    package var peer: PeerCredentials {
        get throws(LoopError) {
            guard let descriptor else { throw LoopError(.readCredentials, code: EBADF) }
            return try PeerCredentials(ofPeerAt: descriptor)
        }
    }

    /// The supplementary groups of the process that connected; empty if the kernel does not tell.
    package var peerGroups: [UInt32] { descriptor.map(PeerCredentials.groups(ofPeerAt:)) ?? [] }

    /// Closes the connection at once. A pending chunk is lost. A second call has no effect.
    ///
    /// No delegate method is called any more.
    ///
    /// - Parameter completion: called from the loop once the descriptor is closed and the memory is free. It is not
    ///   called for a second close, or if the loop is deallocated first
    package func close(then completion: (() -> Void)? = nil) {
        isReading = false
        isOpen = false
        box.close(then: completion)
    }
}

@available(*, unavailable, message: "a loop and all that is made on it belong to one thread")
extension Stream: Sendable {}

extension Stream {
    /// Begins the turn unless it has begun. Returns whether the stream is still open.
    ///
    /// The caller must retain the delegate, because `turnBegins` may drop its last other reference.
    @inline(__always)
    fileprivate func enterTurn() -> Bool {
        loop.enter()
        return isOpen
    }
}

// MARK: Reading

extension Stream {
    /// Starts to read, or resumes after `stopReading`. It has no effect if the stream reads already.
    ///
    /// - Throws: `read`, with `EBADF` if the stream is closed
    package func startReading() throws(LoopError) {
        guard !isReading else { return }
        guard isOpen else { throw LoopError(.read, code: EBADF) }
        try LoopError.check(unsafe uv_read_start(pipe, streamNeedsRoom, streamDidRead), .read)
        isReading = true
    }

    /// Stops reading. What the peer sends then stays in the socket, and the peer waits once the socket is full.
    ///
    /// It takes effect at once, also from inside `streamDidRead`.
    package func stopReading() {
        guard isReading else { return }
        isReading = false
        unsafe uv_read_stop(pipe)
    }

    /// Lends memory for the next read. The turn does not begin here, because `turnBegins` may close this stream, and
    /// libuv needs it for the read that follows.
    fileprivate func lendRoom() -> UnsafeMutableRawBufferPointer {
        guard let room = unsafe delegate?.spareRoom(for: self) else {
            preconditionFailure("a stream that reads must have a delegate")
        }
        precondition(room.count > 0, "spareRoom must return at least one byte")
        return unsafe room
    }

    fileprivate func didRead(_ count: Int) {
        // libuv reports 0 if the socket had no bytes.
        guard count != 0, let delegate else { return }
        // The bytes are reported before the turn begins, because `turnBegins` may handle them.
        if count > 0 { delegate.stream(self, didFill: count) }
        guard enterTurn() else { return }
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
    /// The bytes of the pending chunk that are not written yet.
    package var pendingBytes: Int { box.isOpen ? unsafe Int(uv_stream_get_write_queue_size(pipe)) : 0 }

    /// Writes the bytes that the socket takes now.
    ///
    /// - Returns: the number of bytes taken; 0 if the socket is full or a chunk is pending
    /// - Throws: `write`, with `EBADF` if the stream is closed
    package func tryWrite(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
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

    /// Writes the bytes that the socket takes now. If bytes are left, it copies one chunk of them to write it later.
    ///
    /// Call it again with the rest after `streamDidDrain`.
    ///
    /// - Returns: the number of bytes taken, the chunk included; 0 while a chunk is pending
    /// - Throws: `write`, with `EBADF` if the stream is closed
    package func write(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
        let written = try unsafe tryWrite(bytes)
        guard written < bytes.count, !hasPendingChunk else { return written }
        return try unsafe written + writeLater(UnsafeRawBufferPointer(rebasing: bytes[written...]))
    }

    /// Copies a chunk, which libuv writes when the socket has room. The request owns the copy.
    private func writeLater(_ bytes: UnsafeRawBufferPointer) throws(LoopError) -> Int {
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
        hasPendingChunk = true
        return length
    }

    fileprivate func didWrite(_ status: Int32) {
        let delegate = delegate
        guard enterTurn() else { return }
        hasPendingChunk = false
        guard status < 0 else { return delegate?.streamDidDrain(self) ?? () }
        delegate?.stream(self, didFail: LoopError(.write, code: -status))
    }
}

/// libuv calls this also for a chunk that was cancelled by the close of its handle. The chunk is freed in both cases.
private func streamDidWrite(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
    guard let request = unsafe request else { return }
    unsafe request.pointee.data.deallocate()
    unsafe owner(of: request.pointee.handle, as: Stream.self)?.didWrite(status)
}

extension uv_buf_t {
    /// Describes bytes to write. libuv does not change them. Its count has 32 bits, so a longer buffer is cut.
    fileprivate init(reading bytes: UnsafeRawBufferPointer) {
        let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        unsafe self.init(
            base: base?.assumingMemoryBound(to: CChar.self), len: min(bytes.count, Int(Int32.max)))
    }
}
