/// The name of a time zone, of the form that names of the tz database have: `Europe/Berlin`, `Etc/GMT+5`, `UTC`.
///
/// A name is a path below the database's folder. So its form is strict: up to 64 bytes, parts of ASCII letters, digits, `_`,
/// `-` and `+` with a slash between two, each of which begins with a letter, the first with a capital. That leaves out
/// `posix/…`, `right/…` and `localtime`, which are files there and no zones.
public struct ZoneName: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let text: String

    /// Universal time. It needs no database.
    public static let utc = ZoneName(unchecked: "UTC")

    /// The most bytes of a name. The longest of the database has 32.
    public static let longest = 64

    /// Nil if no zone can have this name.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.longest).contains(bytes.count), bytes.first.map(Self.isCapital) == true else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.first.map(Self.isLetter) == true && $0.allSatisfy(Self.isAllowed) }) else {
            return nil
        }
        self.init(unchecked: String(text))
    }

    private init(unchecked text: String) { self.text = text }

    public static func < (left: ZoneName, right: ZoneName) -> Bool { left.text < right.text }

    public var description: String { text }

    private static func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isCapital(byte & ~0x20) && byte < 0x80 }
    private static func isAllowed(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x5F].contains(byte)
    }
}
