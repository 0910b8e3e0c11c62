/// The text of a name, wherever its bytes lie: in a `Name`, which owns them, or in the request that named it.
///
/// What a worker calls for every call is generic over it. So the daemon looks names up straight from the bytes of a
/// request, and everybody else keeps requests as they like.
public protocol NameText: WireValue, CustomStringConvertible {
    /// The number of bytes of UTF-8, 1 to 127.
    var count: Int { get }
    /// A hash of the bytes. Every text with the same bytes has the same, and another one after the next start.
    var nameHash: Int { get }
    /// A name with these bytes that owns them.
    var name: Name { get }
    /// Calls `body` with the UTF-8 bytes, which are valid only during the call.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
    /// Whether a name has the same bytes.
    func isSame(as name: Name) -> Bool
}

extension NameText {
    /// The name as a string.
    public var text: String { unsafe withBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    /// The name as a string.
    public var description: String { text }

    /// The name as text.
    public var rendered: Rendered { .text(text) }

    /// `name`.
    public static var wireType: String { "name" }

    /// Whether it begins with the bytes of a name.
    public func hasPrefix(_ prefix: Name) -> Bool {
        guard count >= prefix.count else { return false }
        return unsafe withBytes { bytes in
            unsafe prefix.withBytes { unsafe bytes.prefix(prefix.count).elementsEqual($0) }
        }
    }
}
