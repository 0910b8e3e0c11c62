/// The name of a provider, a breaker or a model: 1 to 127 bytes of UTF-8 without control characters.
///
/// Names are compared byte by byte. The bytes are stored inside the value, so a request is decoded without an
/// allocation for its names. The layout is 127 bytes, filled up with zeros, and the length.
public struct Name: Sendable {
    @usableFromInline var bytes: WireLimits.NameBytes
    @usableFromInline var length: UInt8

    /// A name of these bytes.
    ///
    /// - Throws: `badName` if there are none or too many, or if one is a control character (0x00 to 0x1F, 0x7F);
    ///   `badText` if they are not UTF-8.
    public init(utf8 source: UnsafeRawBufferPointer) throws(Refusal) {
        self.init()
        try unsafe assign(utf8: source)
    }

    /// Becomes the name of these bytes. A decoder fills a name in place and does not move it.
    ///
    /// - Throws: as `init(utf8:)` does.
    @usableFromInline
    mutating func assign(utf8 source: UnsafeRawBufferPointer) throws(Refusal) {
        _ = try unsafe NameBytes.hash(checking: source)
        unsafe fill(source)
    }

    /// Copies the bytes of a name.
    @usableFromInline
    mutating func fill(_ source: UnsafeRawBufferPointer) {
        self = Name()
        length = UInt8(truncatingIfNeeded: source.count)
        unsafe withUnsafeMutableBytes(of: &bytes) { unsafe $0.copyMemory(from: source) }
    }

    /// A name of this text.
    ///
    /// - Throws: `badName` if it is empty, too long or has a control character.
    public init(_ text: String) throws(Refusal) {
        var text = text
        let result: Result<Name, Refusal> = text.withUTF8 { utf8 in
            do throws(Refusal) { return .success(try unsafe Name(utf8: UnsafeRawBufferPointer(utf8))) } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// An empty placeholder, which is not a valid name. A decoder overwrites it.
    @inlinable init() {
        bytes = InlineArray(repeating: 0)
        length = 0
    }

    /// The number of bytes of UTF-8, 1 to 127.
    @inlinable public var count: Int { Int(length) }

    /// Calls `body` with the UTF-8 bytes, which are valid only during the call.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe withUnsafeBytes(of: bytes) { all in
            unsafe body(UnsafeRawBufferPointer(rebasing: all[0..<Int(length)]))
        }
    }
}

extension Name: Hashable {
    /// Whether both have the same bytes.
    public static func == (left: Name, right: Name) -> Bool {
        guard left.length == right.length else { return false }
        return unsafe withUnsafeBytes(of: left) { left in
            unsafe withUnsafeBytes(of: right) { right in
                // Zeros follow every name, so whole words can be compared.
                for offset in unsafe stride(from: 0, to: Int(left[WireLimits.nameLength]), by: 8) {
                    let leftWord = unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    let rightWord = unsafe right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    guard leftWord == rightWord else { return false }
                }
                return true
            }
        }
    }

    /// Feeds the bytes to the hasher.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        unsafe withBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension Name: Comparable {
    /// Whether the left name comes first in the order of bytes.
    public static func < (left: Name, right: Name) -> Bool {
        unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                unsafe leftBytes.lexicographicallyPrecedes(rightBytes)
            }
        }
    }
}

extension Name: NameText {
    /// The name itself.
    public var name: Name { self }

    /// The hash of its bytes.
    @inlinable public var nameHash: Int { unsafe withBytes { unsafe NameBytes.hash($0) } }

    /// Whether a view has the same bytes.
    @inlinable
    public func isSame(as other: Name) -> Bool { self == other }
}
