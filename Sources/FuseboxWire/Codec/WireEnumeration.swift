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
