/// The name of a provider, a breaker or a model: 1 to 127 bytes of UTF-8 without control characters.
///
/// Names are compared byte by byte. The bytes live inside the value, so that a decoded request holds its names
/// without an allocation.
public struct Name: Sendable {
    @usableFromInline var bytes: InlineArray<127, UInt8>
    @usableFromInline var length: UInt8

    /// A name of these bytes.
    ///
    /// - Throws: `badName` if they are none, too many, or hold a control character; `badText` if they are not UTF-8.
    public init(utf8 source: UnsafeRawBufferPointer) throws(Refusal) {
        guard unsafe !source.isEmpty else { throw Refusal(.badName, "a name must not be empty") }
        guard source.count <= Limits.nameLength else {
            throw Refusal(
                .badName,
                "a name of \(source.count) bytes is too long; the limit is \(Limits.nameLength) bytes of UTF-8")
        }
        bytes = InlineArray(repeating: 0)
        length = UInt8(truncatingIfNeeded: source.count)
        var ascii: UInt8 = 0
        for index in 0..<source.count {
            let byte = unsafe source[index]
            if byte < 0x20 || byte == 0x7F {
                throw Refusal(.badName, "a name must not hold control characters (byte \(index) is \(byte))")
            }
            ascii |= byte
            bytes[index] = byte
        }
        if ascii >= 0x80 {
            guard unsafe String(validating: source, as: UTF8.self) != nil else {
                throw Refusal(.badText, "a name must be valid UTF-8")
            }
        }
    }

    /// A name spelled like this text.
    public init(_ text: String) throws(Refusal) {
        var text = text
        let result: Result<Name, Refusal> = text.withUTF8 { utf8 in
            do throws(Refusal) { return .success(try unsafe Name(utf8: UnsafeRawBufferPointer(utf8))) } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// The placeholder that a decoder overwrites; never a valid name.
    @usableFromInline init() {
        bytes = InlineArray(repeating: 0)
        length = 0
    }

    /// The number of bytes of UTF-8.
    public var count: Int { Int(length) }

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
    @inlinable
    public static func == (left: Name, right: Name) -> Bool {
        guard left.length == right.length else { return false }
        return unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                unsafe leftBytes.elementsEqual(rightBytes)
            }
        }
    }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        unsafe withBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension Name: Comparable {
    public static func < (left: Name, right: Name) -> Bool {
        unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                unsafe leftBytes.lexicographicallyPrecedes(rightBytes)
            }
        }
    }
}

extension Name: CustomStringConvertible {
    public var description: String { text }
}
