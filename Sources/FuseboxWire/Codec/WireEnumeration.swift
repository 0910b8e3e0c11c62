/// An enumeration that travels as one byte.
public protocol WireEnumeration: WireValue, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension WireEnumeration {
    /// The first case: what a decoder overwrites.
    @inlinable public static var blank: Self {
        // Every enumeration has a case 0; asking for the list of all cases would allocate it.
        guard let first = Self(rawValue: 0) else { preconditionFailure("an enumeration has a case 0") }
        return first
    }

    public static var wireType: String { "\(Self.self)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let raw = try reader.read(UInt8.self)
        guard let value = Self(rawValue: raw) else { throw Self.noCase(raw) }
        self = value
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) { writer.write(rawValue) }

    public var rendered: Rendered { .text("\(self)") }

    public init?(rendered: Rendered) {
        guard case .text(let text) = rendered, let value = Self.allCases.first(where: { "\($0)" == text }) else {
            return nil
        }
        self = value
    }

    public static func sample(_ variant: Int) -> Self {
        let cases = Array(allCases)
        return cases[Swift.min(variant, cases.count - 1)]
    }

    @usableFromInline @inline(never)
    static func noCase(_ raw: UInt8) -> Refusal { Refusal(.outOfRange, "\(raw) is not one of \(spelling)") }

    static var spelling: String { allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ") }

    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) })
    }
}

/// An enumeration of replies and events: it gets new values, and a peer that does not know one reads its number.
///
/// In a request, and in a file, a number that is not known is refused all the same.
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

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let number = try reader.read(UInt8.self)
        self = Self(rawValue: number)
        guard reader.skipsUnknown || isKnown else { throw Self.noCase(number) }
    }

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

    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) }, isOpen: true)
    }
}
