extension Name: WireValue {
    /// An empty placeholder, which is not a valid name. A decoder overwrites it.
    @inlinable public static var blank: Name { Name() }
    /// Reads a `u8` length and so many bytes.
    ///
    /// - Throws: `badName` for a length of 0 or above 127 or a control character; `badText` for bytes that are not
    ///   UTF-8; `malformed` if the payload is too short.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt8.self))
        try unsafe assign(utf8: reader.readBytes(length))
    }

    /// Writes a `u8` length and the bytes.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        writer.write(length)
        unsafe withBytes { unsafe writer.write(contentsOf: $0) }
    }

    /// The name that a vector spells; nil if it spells none.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let name = try? Name(text) else { return nil }
        self = name
    }

    /// `a`, `openai`, or a name of the greatest length.
    public static func sample(_ variant: Int) -> Name {
        let text = ["a", "openai", "提供者-" + String(repeating: "x", count: 117)][min(variant, 2)]
        guard let name = try? Name(text) else { preconditionFailure("the sample \(text) is a valid name") }
        return name
    }
}

extension String: WireValue {
    /// An empty text. A decoder overwrites it.
    @inlinable public static var blank: String { "" }
    /// `text`.
    public static var wireType: String { "text" }

    /// Reads a `u16` length and so many bytes of UTF-8.
    ///
    /// - Throws: `outOfRange` if it is longer than `WireLimits.textLength`; `badText` if it is not UTF-8; `malformed`
    ///   if the payload is too short.
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt16.self))
        guard length <= WireLimits.textLength else {
            throw Refusal(.outOfRange, "a text of \(length) bytes is too long; the limit is \(WireLimits.textLength)")
        }
        guard let text = try unsafe String(validating: reader.readBytes(length), as: UTF8.self) else {
            throw Refusal(.badText, "a text must be valid UTF-8")
        }
        self = text
    }

    /// Writes a `u16` length and the bytes of UTF-8.
    ///
    /// A text above `WireLimits.textLength` is cut between two Unicode scalars. Texts are for people, and a cut one is
    /// better than none.
    public func encode(into writer: inout ByteWriter) {
        var text = self
        text.withUTF8 { bytes in
            var length = Swift.min(bytes.count, WireLimits.textLength)
            // A byte 10xxxxxx continues a scalar, so the text is not cut before it.
            while length < bytes.count, unsafe bytes[length] & 0xC0 == 0x80 { length -= 1 }
            writer.write(UInt16(truncatingIfNeeded: length))
            unsafe writer.write(contentsOf: UnsafeRawBufferPointer(start: bytes.baseAddress, count: length))
        }
    }

    /// The text itself.
    public var rendered: Rendered { .text(self) }

    /// The text that a vector spells; nil if it spells something else.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        self = text
    }

    /// An empty, a short, or a longer text.
    public static func sample(_ variant: Int) -> String {
        ["", "worker 7", String(repeating: "長い", count: 100)][Swift.min(variant, 2)]
    }
}

/// Raw bytes: at most `WireLimits.chunkLength`, one chunk of an import or a snapshot.
public struct Bytes: WireValue {
    /// The bytes themselves.
    public var contents: [UInt8]

    /// A value of these bytes, of which there are at most `WireLimits.chunkLength`.
    public init(_ contents: [UInt8]) { self.contents = contents }

    /// No bytes. A decoder overwrites it.
    @inlinable public static var blank: Bytes { Bytes([]) }
    /// `bytes`.
    public static var wireType: String { "bytes" }

    /// Reads a `u32` length and so many bytes.
    ///
    /// - Throws: `outOfRange` if they are more than `WireLimits.chunkLength`; `malformed` if the payload is too short.
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt32.self))
        guard length <= WireLimits.chunkLength else {
            throw Refusal(.outOfRange, "\(length) bytes are too many; the limit is \(WireLimits.chunkLength)")
        }
        contents = try unsafe [UInt8](reader.readBytes(length))
    }

    /// Writes a `u32` length and the bytes, of which there are at most `WireLimits.chunkLength`.
    public func encode(into writer: inout ByteWriter) {
        precondition(contents.count <= WireLimits.chunkLength)
        writer.write(UInt32(contents.count))
        writer.write(contentsOf: contents)
    }

    /// Two lowercase hexadecimal digits for each byte.
    public var rendered: Rendered { .text(Hexadecimal.text(contents)) }

    /// The bytes that a vector spells in hexadecimal; nil if it spells none.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let contents = Hexadecimal.bytes(text) else { return nil }
        self.init(contents)
    }

    /// None, two, or 64 bytes.
    public static func sample(_ variant: Int) -> Bytes {
        Bytes([[], [0xDE, 0xAD], (0..<64).map { UInt8($0) }][min(variant, 2)])
    }
}

/// Bytes as pairs of hexadecimal digits.
public enum Hexadecimal {
    /// Two lowercase digits for each byte.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that pairs of digits spell, in either case; nil if the text is anything else.
    public static func bytes(_ text: String) -> [UInt8]? {
        var digits: [UInt8] = []
        for character in text.utf8 {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(character - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(character - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        guard digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
