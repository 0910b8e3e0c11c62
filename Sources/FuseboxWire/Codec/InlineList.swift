/// A list of at most `capacity` elements, which are stored inside the value. Decoding it allocates nothing.
///
/// It is encoded like any other list.
public struct InlineList<let capacity: Int, Element: WireValue>: Sendable {
    @usableFromInline var elements: InlineArray<capacity, Element>
    @usableFromInline var length = 0

    /// One value for each element that such a list can have.
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

    /// Whether `count` is 0.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// The places of the elements, from 0.
    @inlinable public var indices: Range<Int> { 0..<count }

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
    @inlinable
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
    /// Whether both have equal elements in the same order.
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.indices.allSatisfy { left[$0] == right[$0] }
    }
}

extension InlineList: WireValue {
    /// An empty list.
    @inlinable public static var blank: Self { Self() }
    /// `list of at most N T`, with its capacity and the type of its elements.
    public static var wireType: String { "list of at most \(capacity) \(Element.wireType)" }

    /// Reads a `u16` count and the elements.
    ///
    /// - Throws: `outOfRange` if the count is above the capacity; otherwise what is wrong with an element.
    @inlinable
    public mutating func decode(from reader: inout ByteReader) throws(Refusal) {
        let announced = Int(try reader.read(UInt16.self))
        guard announced <= capacity else { throw Self.tooMany(announced) }
        length = 0
        for place in 0..<announced {
            try elements[place].decodeInside(from: &reader)
            length += 1
        }
    }

    /// Writes a `u16` count and the elements.
    @inlinable
    public func encode(into writer: inout ByteWriter) {
        writer.write(UInt16(count))
        for place in indices { elements[place].encodeInside(into: &writer) }
    }

    /// The elements in their order.
    public var rendered: Rendered { .list(array.map(\.rendered)) }

    /// The list that a vector spells; nil if it is too long or an element is of another type.
    public init?(rendered: Rendered) {
        guard case .list(let elements) = rendered, elements.count <= capacity else { return nil }
        self.init()
        for element in elements {
            guard let value = Element(rendered: element) else { return nil }
            append(value)
        }
    }

    /// A list of `variant` elements, at most its capacity.
    public static func sample(_ variant: Int) -> Self {
        var list = Self()
        for number in 0..<Swift.min(variant, capacity) { list.append(Element.sample(number + 1)) }
        return list
    }

    /// Adds the types inside an element to the reference.
    public static func describe(into schema: inout Schema) { Element.describe(into: &schema) }
}
