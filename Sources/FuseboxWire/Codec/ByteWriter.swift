/// A growing buffer. Frames, snapshot sections and connection output are written into one.
///
/// Numbers are little-endian. It reuses its memory, so it allocates only while it grows.
@safe public struct ByteWriter: ~Copyable {
    @usableFromInline var memory: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var used = 0
    /// The offset of the first byte in use. Bytes before it were removed.
    @usableFromInline var start = 0
    /// The protocol version that is written.
    public var version = ProtocolVersion.highest

    /// An empty buffer.
    ///
    /// - Parameter capacity: how many bytes it takes before it must grow.
    public init(capacity: Int = 256) {
        let capacity = max(capacity, Self.smallestCapacity)
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
    }

    deinit { unsafe memory.deallocate() }

    private static let smallestCapacity = 16

    /// The number of bytes that were written and not removed.
    @inlinable public var count: Int { used }

    /// Whether `count` is 0.
    @inlinable public var isEmpty: Bool { used == 0 }

    /// The size of its memory, in bytes.
    public var footprint: Int { capacity }

    /// The bytes in use. They are valid until the next change.
    @inlinable var contents: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: memory + start, count: used)
    }

    /// Calls `body` with the bytes in use, which are valid only during the call.
    @inlinable
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(contents)
    }

    /// A copy of the bytes in use.
    public var bytes: [UInt8] { unsafe [UInt8](contents) }

    /// Removes the first `length` bytes, for instance because they were sent.
    @inlinable
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= used)
        used -= length
        start = used == 0 ? 0 : start + length
    }

    /// Removes everything and keeps the memory.
    @inlinable
    public mutating func removeAll() {
        used = 0
        start = 0
    }

    /// Releases memory above `limit` bytes. Does nothing unless the buffer is empty.
    public mutating func shrink(to limit: Int) {
        let limit = max(limit, Self.smallestCapacity)
        guard used == 0, capacity > limit else { return }
        unsafe memory.deallocate()
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: limit, alignment: 16)
        capacity = limit
        start = 0
    }

    /// Makes room for `length` more bytes at the end.
    ///
    /// The bytes are moved to the front only if a quarter of the memory is free before them. The number of bytes moved
    /// is therefore bounded by the number of bytes removed, even if they are removed one at a time.
    @usableFromInline @inline(never)
    mutating func grow(by length: Int) {
        if used + length <= capacity, start >= capacity / 4 {
            unsafe memory.copyMemory(from: memory + start, byteCount: used)
        } else {
            var larger = capacity
            while larger < used + length { larger *= 2 }
            if larger == capacity { larger *= 2 }
            let replacement = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            unsafe replacement.copyMemory(from: memory + start, byteCount: used)
            unsafe memory.deallocate()
            unsafe memory = replacement
            capacity = larger
        }
        start = 0
    }

    @inlinable
    mutating func reserve(_ length: Int) -> UnsafeMutableRawPointer {
        if length > capacity &- start &- used { grow(by: length) }
        let place = unsafe memory + (start &+ used)
        used &+= length
        return unsafe place
    }

    /// Writes an integer in little-endian order.
    @inlinable
    public mutating func write<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
        let place = unsafe reserve(MemoryLayout<Number>.size)
        unsafe place.storeBytes(of: number.littleEndian, as: Number.self)
    }

    /// Writes an IEEE 754 binary64.
    @inlinable
    public mutating func write(_ number: Double) { write(number.bitPattern) }

    /// Writes a copy of these bytes.
    @inlinable
    public mutating func write(contentsOf source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        let place = unsafe reserve(source.count)
        unsafe place.copyMemory(from: base, byteCount: source.count)
    }

    /// Writes a copy of these bytes.
    public mutating func write(contentsOf source: [UInt8]) {
        unsafe source.withUnsafeBytes { unsafe write(contentsOf: $0) }
    }

    /// Overwrites a 32-bit number that was written at `offset`, such as a length that is known only later.
    @inlinable
    public mutating func overwrite(_ number: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset <= used - 4)
        unsafe (memory + start + offset).storeBytes(of: number.littleEndian, as: UInt32.self)
    }

    /// Overwrites a 16-bit number that was written at `offset`, such as a length that is known only later.
    @inlinable
    public mutating func overwrite(_ number: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset <= used - 2)
        unsafe (memory + start + offset).storeBytes(of: number.littleEndian, as: UInt16.self)
    }

    /// Overwrites one byte that was written at `offset`.
    @inlinable
    public mutating func overwrite(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < used)
        unsafe (memory + start + offset).storeBytes(of: byte, as: UInt8.self)
    }

    /// Memory for at least `minimum` more bytes. The caller fills it and then calls `commit`.
    ///
    /// It is valid until the next change.
    public mutating func spare(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
        if minimum > capacity - start - used { grow(by: minimum) }
        return unsafe UnsafeMutableRawBufferPointer(start: memory + start + used, count: capacity - start - used)
    }

    /// Adds the first `length` bytes of the memory that `spare` returned.
    public mutating func commit(_ length: Int) {
        precondition(length >= 0 && length <= capacity - start - used)
        used += length
    }
}
