/// A growing run of bytes that it owns: frames, snapshot sections and connection output are written into one.
///
/// Numbers are little-endian. Once it has grown to what its use needs it allocates no more.
@safe public struct ByteWriter: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    /// The number of bytes written and not yet taken.
    public private(set) var count: Int
    /// Where the bytes begin: what lies before has been taken.
    private var start: Int

    public init(capacity: Int = 256) {
        let capacity = max(capacity, 16)
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
        count = 0
        start = 0
    }

    deinit { unsafe memory.deallocate() }

    public var isEmpty: Bool { count == 0 }

    /// Bytes of memory held.
    public var footprint: Int { capacity }

    /// Calls `body` with the bytes written, which are valid only during the call.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: memory + start, count: count))
    }

    /// A copy of the bytes written.
    public var bytes: [UInt8] { unsafe withBytes { unsafe [UInt8]($0) } }

    /// Forgets the first bytes: they have been sent.
    public mutating func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= count)
        count -= length
        start = count == 0 ? 0 : start + length
    }

    /// Forgets everything from `length` on: what was written there was not to be.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= count)
        count = length
    }

    public mutating func removeAll() {
        count = 0
        start = 0
    }

    /// Gives memory above `limit` back. Call only when empty.
    public mutating func shrink(to limit: Int) {
        guard count == 0, capacity > limit else { return }
        unsafe memory.deallocate()
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: limit, alignment: 16)
        capacity = limit
        start = 0
    }

    @inline(never)
    private mutating func grow(by length: Int) {
        if count + length <= capacity {
            // The room is there, in front: move the bytes down.
            unsafe memory.copyMemory(from: memory + start, byteCount: count)
        } else {
            var larger = capacity
            while larger < count + length { larger *= 2 }
            let replacement = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            unsafe replacement.copyMemory(from: memory + start, byteCount: count)
            unsafe memory.deallocate()
            unsafe memory = replacement
            capacity = larger
        }
        start = 0
    }

    private mutating func reserve(_ length: Int) -> UnsafeMutableRawPointer {
        if start + count + length > capacity { grow(by: length) }
        let place = unsafe memory + start + count
        count += length
        return unsafe place
    }

    public mutating func write<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number) {
        let place = unsafe reserve(MemoryLayout<Number>.size)
        unsafe place.storeBytes(of: number.littleEndian, as: Number.self)
    }

    public mutating func write(_ number: Double) { write(number.bitPattern) }

    public mutating func write(contentsOf source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        let place = unsafe reserve(source.count)
        unsafe place.copyMemory(from: base, byteCount: source.count)
    }

    public mutating func write(contentsOf source: [UInt8]) {
        unsafe source.withUnsafeBytes { unsafe write(contentsOf: $0) }
    }

    /// Overwrites a 32-bit number that was written at `offset`: a length that is known only later.
    public mutating func overwrite(_ number: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= count)
        unsafe (memory + start + offset).storeBytes(of: number.littleEndian, as: UInt32.self)
    }

    /// Overwrites one byte that was written at `offset`.
    public mutating func overwrite(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count)
        unsafe (memory + start + offset).storeBytes(of: byte, as: UInt8.self)
    }

    /// Room for at least `minimum` more bytes, to be filled from outside and then claimed with `commit`.
    public mutating func spare(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
        if start + count + minimum > capacity { grow(by: minimum) }
        return unsafe UnsafeMutableRawBufferPointer(start: memory + start + count, count: capacity - start - count)
    }

    /// Claims bytes that were filled into `spare`.
    public mutating func commit(_ length: Int) {
        precondition(length >= 0 && start + count + length <= capacity)
        count += length
    }
}
