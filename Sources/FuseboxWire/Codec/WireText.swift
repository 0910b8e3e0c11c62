extension Name: WireValue {
    @inlinable public static var blank: Name { Name() }
    public static var wireType: String { "name" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt8.self))
        try unsafe assign(utf8: reader.readBytes(length))
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        writer.write(length)
        unsafe withBytes { unsafe writer.write(contentsOf: $0) }
    }

    public var rendered: Rendered { .text(text) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let name = try? Name(text) else { return nil }
        self = name
    }

    public static func sample(_ variant: Int) -> Name {
        let text = ["a", "openai", "提供者-" + String(repeating: "x", count: 117)][min(variant, 2)]
        guard let name = try? Name(text) else { preconditionFailure("the sample \(text) is a valid name") }
        return name
    }
}

extension String: WireValue {
    @inlinable public static var blank: String { "" }
    public static var wireType: String { "text" }

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

    /// Text beyond the limit is cut, between two characters of Unicode: it is for people, and a cut one still tells.
    public func encode(into writer: inout ByteWriter) {
        var text = self
        text.withUTF8 { bytes in
            var length = Swift.min(bytes.count, WireLimits.textLength)
            // A byte 10xxxxxx continues the character before it: no cut there.
            while length < bytes.count, unsafe bytes[length] & 0xC0 == 0x80 { length -= 1 }
            writer.write(UInt16(truncatingIfNeeded: length))
            unsafe writer.write(contentsOf: UnsafeRawBufferPointer(start: bytes.baseAddress, count: length))
        }
    }

    public var rendered: Rendered { .text(self) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        self = text
    }

    public static func sample(_ variant: Int) -> String {
        ["", "worker 7", String(repeating: "長い", count: 100)][Swift.min(variant, 2)]
    }
}

/// Raw bytes, at most a chunk of them.
public struct Bytes: WireValue {
    /// The bytes themselves.
    public var contents: [UInt8]

    /// At most `WireLimits.chunkLength` bytes.
    public init(_ contents: [UInt8]) { self.contents = contents }

    @inlinable public static var blank: Bytes { Bytes([]) }
    public static var wireType: String { "bytes" }

    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let length = Int(try reader.read(UInt32.self))
        guard length <= WireLimits.chunkLength else {
            throw Refusal(.outOfRange, "\(length) bytes are too many; the limit is \(WireLimits.chunkLength)")
        }
        contents = try unsafe [UInt8](reader.readBytes(length))
    }

    public func encode(into writer: inout ByteWriter) {
        precondition(contents.count <= WireLimits.chunkLength)
        writer.write(UInt32(contents.count))
        writer.write(contentsOf: contents)
    }

    public var rendered: Rendered { .text(Hexadecimal.text(contents)) }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let contents = Hexadecimal.bytes(text) else { return nil }
        self.init(contents)
    }

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

    /// The bytes that pairs of digits spell; nil if the text is anything else.
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
