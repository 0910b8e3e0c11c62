/// A list of a few elements that live inside the value: decoding one allocates nothing.
///
/// On the wire it is a list like any other.
public struct InlineList<let capacity: Int, Element: WireValue>: Sendable {
    @usableFromInline var elements: InlineArray<capacity, Element>
    @usableFromInline var length = 0

    /// One value for each place of such a list.
    public typealias Values<Value> = InlineArray<capacity, Value>

    /// An empty list.
    @inlinable
    public init() {
        elements = InlineArray(repeating: .blank)
    }

    /// The number of elements, at most `capacity`.
    @inlinable public var count: Int { length }

    /// A list of these elements.
    ///
    /// - Throws: `outOfRange` if they are too many
    public init(_ elements: some Collection<Element>) throws(Refusal) {
        self.init()
        guard elements.count <= capacity else { throw Self.tooMany(elements.count) }
        for element in elements { append(element) }
    }

    /// Whether there is no element.
    public var isEmpty: Bool { count == 0 }

    /// The places of the elements.
    public var indices: Range<Int> { 0..<count }

    /// The element at a place below `count`.
    @inlinable
    public subscript(index: Int) -> Element {
        get {
            precondition(index < count, "a place below the count")
            return elements[index]
        }
        set {
            precondition(index < count, "a place below the count")
            elements[index] = newValue
        }
    }

    /// Adds an element to a list that is not full.
    public mutating func append(_ element: Element) {
        precondition(count < capacity, "a list of \(capacity) is full")
        elements[length] = element
        length += 1
    }

    @usableFromInline @inline(never)
    static func tooMany(_ count: Int) -> Refusal {
        Refusal(.outOfRange, "a list of \(count) elements is too long; the limit is \(capacity)")
    }

    /// The elements as an array.
    public var array: [Element] { indices.map { self[$0] } }
}

extension InlineList: Equatable {
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.indices.allSatisfy { left[$0] == right[$0] }
    }
}

extension InlineList: WireValue {
    @inlinable public static var blank: Self { Self() }
    public static var wireType: String { "list of at most \(capacity) \(Element.wireType)" }

    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let announced = Int(try reader.read(UInt16.self))
        guard announced <= capacity else { throw Self.tooMany(announced) }
        length = 0
        for place in 0..<announced {
            try elements[place].decodeInside(from: &reader)
            length += 1
        }
    }

    public func encode(into writer: inout ByteWriter) {
        writer.write(UInt16(count))
        for place in indices { elements[place].encodeInside(into: &writer) }
    }

    public var rendered: Rendered { .list(array.map(\.rendered)) }

    public init?(rendered: Rendered) {
        guard case .list(let elements) = rendered, elements.count <= capacity else { return nil }
        self.init()
        for element in elements {
            guard let value = Element(rendered: element) else { return nil }
            append(value)
        }
    }

    public static func sample(_ variant: Int) -> Self {
        var list = Self()
        for number in 0..<Swift.min(variant, capacity) { list.append(Element.sample(number + 1)) }
        return list
    }

    public static func describe(into schema: inout Schema) { Element.describe(into: &schema) }
}
