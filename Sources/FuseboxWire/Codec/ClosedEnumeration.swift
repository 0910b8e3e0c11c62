/// An enumeration in a file, one byte. Its values are those of its record's version: any other byte is refused.
///
/// The wire's enumerations grow with the protocol. A file's have numbers of their own.
public protocol ClosedEnumeration: WireValue, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension ClosedEnumeration {
    public static var blank: Self {
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
    static func noCase(_ raw: UInt8) -> Refusal {
        Refusal(
            .outOfRange, "\(raw) is not one of \(Schema.Definition.spelling(allCases.map { ("\($0)", $0.rawValue) }))")
    }

    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) })
    }
}
