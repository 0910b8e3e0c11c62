/// An enumeration in a file: one byte. A byte without a case is refused.
///
/// Its numbers belong to the version of its record. They are independent of the wire's enumerations, which grow with
/// the protocol.
public protocol ClosedEnumeration: WireValue, RawRepresentable, CaseIterable where RawValue == UInt8 {}

extension ClosedEnumeration {
    /// Case 0. A decoder overwrites it.
    public static var blank: Self {
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
    static func noCase(_ raw: UInt8) -> Refusal {
        Refusal(
            .outOfRange, "\(raw) is not one of \(Schema.Definition.spelling(allCases.map { ("\($0)", $0.rawValue) }))")
    }

    /// Adds the cases with their numbers to the reference.
    public static func describe(into schema: inout Schema) {
        schema.add(enumeration: wireType, values: allCases.map { ("\($0)", $0.rawValue) })
    }
}
