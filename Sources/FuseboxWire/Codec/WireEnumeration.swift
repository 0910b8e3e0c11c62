/// An enumeration that is encoded as one byte.
public protocol WireEnumeration: WireValue, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension WireEnumeration {
    /// Case 0. A decoder overwrites it.
    @inlinable public static var blank: Self {
        // `allCases` would allocate a list.
        guard let first = Self(rawValue: 0) else { preconditionFailure("an enumeration has a case 0") }
        return first
    }

    /// The name of the type.
    public static var wireType: String { "\(Self.self)" }

    /// Reads one byte.
    ///
    /// - Throws: `outOfRange` if no case has this number; `malformed` if no byte is left.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let raw = try reader.read(UInt8.self)
        guard let value = Self(rawValue: raw) else { throw Self.noCase(raw) }
        self = value
    }

    /// Writes the number of the case, one byte.
    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(rawValue) }

    /// The name of the case.
    public var rendered: Rendered { .text("\(self)") }

    /// The case of this name; nil if there is none.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let value = Self.allCases.first(where: { "\($0)" == text }) else {
            return nil
        }
        self = value
    }

    /// The case at this place of `allCases`, or the last one.
    public static func sample(_ variant: Int) -> Self {
        let cases = Array(allCases)
        return cases[Swift.min(variant, cases.count - 1)]
    }

    @usableFromInline @inline(never)
    static func noCase(_ raw: UInt8) -> Refusal { Refusal(.outOfRange, "\(raw) is not one of \(spelling)") }

    static var spelling: String { allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ") }

    /// Adds the cases with their numbers to the reference.
    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) })
    }
}

/// An enumeration of replies and events that may get new values. A peer that does not know a value reads it as
/// `unknown`, with its number.
///
/// In requests and files an unknown number is refused.
public protocol OpenEnumeration: WireEnumeration, Hashable where AllCases == [Self] {
    /// A value that only newer peers know.
    static func unknown(_ number: UInt8) -> Self
    /// The values that this version knows, each at the place of its number.
    static var allCases: [Self] { get }
}

extension OpenEnumeration {
    /// The value of this number.
    @inlinable
    public init(rawValue: UInt8) {
        let known = Self.allCases
        self = Int(rawValue) < known.count ? known[Int(rawValue)] : .unknown(rawValue)
    }

    /// Whether this version knows the value.
    @inlinable public var isKnown: Bool { Int(rawValue) < Self.allCases.count }

    /// Reads one byte. A reader that skips the unknown takes any number.
    ///
    /// - Throws: `outOfRange` for an unknown number if the reader does not skip the unknown; `malformed` if no byte is
    ///   left.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let number = try reader.read(UInt8.self)
        self = Self(rawValue: number)
        guard reader.skipsUnknown || isKnown else { throw Self.noCase(number) }
    }

    /// The value of this name, such as `closed` or `unknown(9)`; nil if there is none.
    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered else { return nil }
        if let value = Self.allCases.first(where: { "\($0)" == text }) {
            self = value
        } else {
            guard let value = (0...UInt8.max).lazy.map(Self.unknown).first(where: { "\($0)" == text }) else {
                return nil
            }
            self = value
        }
    }

    /// Adds the known values with their numbers to the reference, as an enumeration that may grow.
    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) }, isOpen: true)
    }
}
