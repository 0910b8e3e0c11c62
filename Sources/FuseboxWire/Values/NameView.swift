/// A name inside the bytes of a request: where it lies, and its hash, which is computed once.
///
/// It is a pointer, as `ByteReader` is, and valid as long as the bytes that it was read from: while the request is
/// carried out. State holds a `Name` instead. Records of requests are the only values that hold views, and a request in
/// this form does not outlive the call that decodes and applies it.
@safe public struct NameView: NameText, @unchecked Sendable {
    @usableFromInline let start: UnsafeRawPointer
    @usableFromInline let length: UInt32
    @usableFromInline let hash: UInt32

    @inlinable
    init(start: UnsafeRawPointer, length: UInt32, hash: UInt32) {
        unsafe self.start = start
        self.length = length
        self.hash = hash
    }

    /// The name that these bytes are, as long as they are valid.
    ///
    /// - Throws: `badName` and `badText` as `Name.init(utf8:)` does.
    @inlinable
    public init(utf8 source: UnsafeRawBufferPointer) throws(Refusal) {
        let hash = try unsafe NameBytes.hash(checking: source)
        // What is empty was refused, and other bytes have an address.
        let start = unsafe source.baseAddress ?? Self.blank.start
        unsafe self.init(
            start: start, length: UInt32(truncatingIfNeeded: source.count), hash: UInt32(truncatingIfNeeded: hash))
    }

    /// An empty placeholder, which is not a valid name. A decoder overwrites it.
    @inlinable public static var blank: NameView {
        let nothing: StaticString = ""
        return unsafe NameView(start: UnsafeRawPointer(nothing.utf8Start), length: 0, hash: 0)
    }

    /// The number of bytes of UTF-8, 1 to 127.
    @inlinable public var count: Int { Int(length) }

    /// The hash of its bytes.
    @inlinable public var nameHash: Int { Int(hash) }

    /// A copy that owns its bytes.
    public var name: Name {
        var name = Name()
        unsafe name.fill(bytes)
        return name
    }

    @inlinable var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: count) }

    /// Calls `body` with the UTF-8 bytes, which are valid only during the call.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { unsafe body(bytes) }

    /// Whether a name has the same bytes.
    @inlinable
    public func isSame(as name: Name) -> Bool {
        unsafe name.count == count && name.withBytes { unsafe NameBytes.areEqual($0, bytes) }
    }

    /// Whether both have the same bytes.
    @inlinable
    public static func == (left: NameView, right: NameView) -> Bool {
        unsafe left.hash == right.hash && left.length == right.length && NameBytes.areEqual(left.bytes, right.bytes)
    }
}

extension NameView {
    /// Reads a `u8` length and finds the bytes behind it. They are not copied.
    ///
    /// - Throws: as `Name.decode` does.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt8.self))
        self = try unsafe NameView(utf8: reader.readBytes(length))
    }

    /// Writes a `u8` length and the bytes.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        writer.write(UInt8(truncatingIfNeeded: length))
        unsafe writer.write(contentsOf: bytes)
    }

    /// Nil: the text of a vector has no bytes that last.
    public init?(rendered: Rendered) { return nil }

    /// `a` or `openai`.
    public static func sample(_ variant: Int) -> NameView {
        let text: StaticString = variant == 0 ? "a" : "openai"
        let bytes = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        do throws(Refusal) { return try unsafe NameView(utf8: bytes) } catch { preconditionFailure(error.message) }
    }
}
