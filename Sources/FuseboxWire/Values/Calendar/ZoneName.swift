/// The name of a time zone, in the form of the tz database: `Europe/Berlin`, `Etc/GMT+5`, `UTC`.
///
/// A name is a path below the database's folder, so its form is strict. It has up to 64 bytes: parts of ASCII letters,
/// digits, `_`, `-` and `+`, separated by slashes. Each part begins with a letter, the first one with a capital. This
/// excludes `posix/…`, `right/…` and `localtime`, which are files in that folder but not zones.
public struct ZoneName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The name itself.
    public let text: String

    /// Universal time. It needs no database.
    public static let utc = ZoneName(unchecked: "UTC")

    /// A name of this form; nil if the text has another form. The database may lack the zone.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...WireLimits.zoneNameLength).contains(bytes.count), bytes.first.map(Self.isCapital) == true else {
            return nil
        }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.first.map(Self.isLetter) == true && $0.allSatisfy(Self.isAllowed) }) else {
            return nil
        }
        self.init(unchecked: String(text))
    }

    private init(unchecked text: String) { self.text = text }

    /// Whether the left name comes first in the order of text.
    public static func < (left: ZoneName, right: ZoneName) -> Bool { left.text < right.text }

    /// The name itself.
    public var description: String { text }

    private static func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isCapital(byte & ~0x20) && byte < 0x80 }
    private static func isAllowed(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x5F].contains(byte)
    }
}
