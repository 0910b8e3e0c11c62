extension Optional: WireValue where Wrapped: WireValue {
    /// The absent value.
    @inlinable public static var blank: Wrapped? { nil }
    /// The wrapped type with a `?`. A type of several words is in parentheses: `(list of f64)?` is a list that may be
    /// absent.
    public static var wireType: String {
        let wrapped = Wrapped.wireType
        return wrapped.contains(" ") ? "(\(wrapped))?" : "\(wrapped)?"
    }

    /// Reads a presence byte and, if it is 1, the value.
    ///
    /// - Throws: `malformed` if the byte is neither 0 nor 1; otherwise what is wrong with the value.
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

    /// Writes a presence byte and, if it is 1, the value.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        guard let value = self else { return false.encode(into: &writer) }
        true.encode(into: &writer)
        value.encodeInside(into: &writer)
    }

    /// The value, or `null`.
    public var rendered: Rendered { self?.rendered ?? .null }

    /// The value that a vector spells; `null` is the absent one. Nil if it is of another type.
    public init?(rendered: Rendered) {
        if rendered == .null {
            self = .none
            return
        }
        guard let value = Wrapped(rendered: rendered) else { return nil }
        self = .some(value)
    }

    /// The absent value as the smallest, otherwise one of the wrapped type.
    public static func sample(_ variant: Int) -> Wrapped? { variant == 0 ? nil : Wrapped.sample(variant) }

    /// Adds the types inside the wrapped one to the reference.
    public static func describe(into schema: inout Schema) { Wrapped.describe(into: &schema) }
}

extension Array: WireValue where Element: WireValue {
    /// An empty list.
    @inlinable public static var blank: [Element] { [] }
    /// `list of T`, with the type of its elements.
    public static var wireType: String { "list of \(Element.wireType)" }

    /// Reads a `u16` count and the elements.
    ///
    /// - Throws: `malformed` if the payload is too short for the count; otherwise what is wrong with an element.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let count = Int(try reader.read(UInt16.self))
        // Every element has at least one byte. A count that cannot fit is refused before memory is reserved.
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

    /// Writes a `u16` count and the elements, of which there are at most 65,535.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        precondition(count <= Int(UInt16.max))
        writer.write(UInt16(count))
        for element in self { element.encodeInside(into: &writer) }
    }

    /// The elements in their order.
    public var rendered: Rendered { .list(map(\.rendered)) }

    /// The list that a vector spells; nil if an element is of another type.
    public init?(rendered: Rendered) {
        guard case .list(let elements) = rendered else { return nil }
        self = []
        for element in elements {
            guard let value = Element(rendered: element) else { return nil }
            append(value)
        }
    }

    /// A list of `variant` elements.
    public static func sample(_ variant: Int) -> [Element] { (0..<variant).map { Element.sample($0 + 1) } }

    /// Adds the types inside an element to the reference.
    public static func describe(into schema: inout Schema) { Element.describe(into: &schema) }
}
