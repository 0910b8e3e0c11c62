extension Optional: WireValue where Wrapped: WireValue {
    @inlinable public static var blank: Wrapped? { nil }
    /// A type of several words stands in parentheses: `(list of f64)?` is a list that may be absent.
    public static var wireType: String {
        let wrapped = Wrapped.wireType
        return wrapped.contains(" ") ? "(\(wrapped))?" : "\(wrapped)?"
    }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        var present = false
        try present.decode(from: &reader)
        guard present else {
            self = nil
            return
        }
        var value = Wrapped.blank
        try value.decodeInside(from: &reader)
        self = value
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        guard let value = self else { return false.encode(into: &writer) }
        true.encode(into: &writer)
        value.encodeInside(into: &writer)
    }

    public var rendered: Rendered { self?.rendered ?? .null }

    public init?(rendered: Rendered) {
        if rendered == .null {
            self = .none
            return
        }
        guard let value = Wrapped(rendered: rendered) else { return nil }
        self = .some(value)
    }

    public static func sample(_ variant: Int) -> Wrapped? { variant == 0 ? nil : Wrapped.sample(variant) }

    public static func describe(into schema: inout Schema) { Wrapped.describe(into: &schema) }
}

extension Array: WireValue where Element: WireValue {
    @inlinable public static var blank: [Element] { [] }
    public static var wireType: String { "list of \(Element.wireType)" }

    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let count = Int(try reader.read(UInt16.self))
        // Every element takes a byte at least, so a count that the payload cannot hold reserves nothing.
        guard count <= reader.remaining else { throw Self.cannotFit(count, reader.remaining) }
        var elements: [Element] = []
        elements.reserveCapacity(Swift.min(count, WireLimits.pageLength))
        for _ in 0..<count {
            var element = Element.blank
            try element.decodeInside(from: &reader)
            elements.append(element)
        }
        self = elements
    }

    @usableFromInline @inline(never)
    static func cannotFit(_ count: Int, _ remaining: Int) -> Refusal {
        Refusal(
            .malformed,
            "a list of \(Quantity.count(count, "element")) cannot fit in \(Quantity.count(remaining, "byte"))")
    }

    @inlinable
    public func encode(into writer: inout ByteWriter) {
        precondition(count <= Int(UInt16.max))
        writer.write(UInt16(count))
        for element in self { element.encodeInside(into: &writer) }
    }

    public var rendered: Rendered { .list(map(\.rendered)) }

    public init?(rendered: Rendered) {
        guard case .list(let elements) = rendered else { return nil }
        self = []
        for element in elements {
            guard let value = Element(rendered: element) else { return nil }
            append(value)
        }
    }

    public static func sample(_ variant: Int) -> [Element] { (0..<variant).map { Element.sample($0 + 1) } }

    public static func describe(into schema: inout Schema) { Element.describe(into: &schema) }
}
