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
        guard source.count > 0, source.count <= WireLimits.nameLength else { throw Self.badLength(source.count) }
        self = Name()
        length = UInt8(truncatingIfNeeded: source.count)
        let high = unsafe withUnsafeMutableBytes(of: &self) { unsafe Self.fill($0, source) }
        guard let high else { throw unsafe Self.controlCharacter(in: source) }
        if high != 0, unsafe !Self.isUTF8(source) { throw Refusal(.badText, "a name must be valid UTF-8") }
    }

    /// Copies a name into the memory of a blank one and examines it eight bytes at a time.
    ///
    /// - Returns: 0 if all bytes are ASCII, another number if some are not, or nil if there is a control character
    private static func fill(_ place: UnsafeMutableRawBufferPointer, _ source: UnsafeRawBufferPointer) -> UInt64? {
        let count = source.count
        unsafe place.copyMemory(from: source)
        let each: UInt64 = 0x0101_0101_0101_0101
        var high: UInt64 = 0
        var controls: UInt64 = 0
        for offset in stride(from: 0, to: count, by: 8) {
            var word = unsafe UInt64(littleEndian: place.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            if count - offset < 8 {
                // After the name's end are zeros and, at 127, the length. They count as spaces.
                let beyond = ~(0 as UInt64) << UInt64(8 * (count - offset))
                word = word & ~beyond | (each * 0x20) & beyond
            }
            let deleted = word ^ (each * 0x7F)
            // In `word - each * n` a byte below n borrows, which sets its top bit. Bytes whose top bit was set before
            // are masked out.
            controls |= ((word &- each * 0x20) & ~word | (deleted &- each) & ~deleted) & (each * 0x80)
            high |= word & (each * 0x80)
        }
        return controls == 0 ? high : nil
    }

    @inline(never)
    private static func badLength(_ count: Int) -> Refusal {
        count == 0
            ? Refusal(.badName, "a name must not be empty")
            : Refusal(
                .badName, "a name of \(count) bytes is too long; the limit is \(WireLimits.nameLength) bytes of UTF-8")
    }

    @inline(never)
    private static func controlCharacter(in source: UnsafeRawBufferPointer) -> Refusal {
        let index = unsafe source.firstIndex { $0 < 0x20 || $0 == 0x7F } ?? 0
        return unsafe Refusal(
            .badName, "a name must not hold control characters (byte \(index) is \(source[index]))")
    }

    private static func isUTF8(_ source: UnsafeRawBufferPointer) -> Bool {
        unsafe source.withMemoryRebound(to: UInt8.self) { bytes in
            unsafe (try? UTF8Span(validating: bytes.span)) != nil
        }
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
    public var count: Int { Int(length) }

    /// The name as a string.
    public var text: String {
        unsafe withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

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

extension Name: CustomStringConvertible {
    /// The name as a string.
    public var description: String { text }
}
