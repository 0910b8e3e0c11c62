import FuseboxCollections
import FuseboxWire

/// A small integer that stands for a name.
public protocol NameIdentifier: Sendable, Hashable {
    /// The identifier of this place in its table.
    init(index: Int)
    /// Its place in its table, from 0.
    var index: Int { get }
}

/// A provider or a breaker, or a deployment of a provider.
public struct NameID: NameIdentifier {
    private let number: UInt32
    /// The identifier of this place in its table.
    public init(index: Int) { number = UInt32(index) }
    /// Its place in its table, from 0.
    public var index: Int { Int(number) }
}

/// A model.
public struct ModelID: NameIdentifier {
    private let number: UInt32
    /// The identifier of this place in its table.
    public init(index: Int) { number = UInt32(index) }
    /// Its place in its table, from 0.
    public var index: Int { Int(number) }
}

/// A tag.
public struct TagID: NameIdentifier {
    private let number: UInt32
    /// The identifier of this place in its table.
    public init(index: Int) { number = UInt32(index) }
    /// Its place in its table, from 0.
    public var index: Int { Int(number) }
}

/// Turns names into small integers and back.
///
/// A name lives as long as something refers to it. Then its number is given to another name. A name may stand below
/// another, as a deployment's stands below its provider's, and then refers to it.
public struct NameTable<ID: NameIdentifier>: Sendable {
    struct Entry: Sendable {
        var name: Name
        var references: UInt32
        /// The peer user that introduced it.
        var user: UInt32
        /// The name above it. Nil if there is none.
        var parent: ID?

        static var blank: Entry { Entry(name: .blank, references: 0, user: 0) }
    }

    private var entries = SlotTable<Entry>()
    private var index = HashIndex()
    private var namesOfUser = UserTally()
    private let passedByAddress = PassedByAddress()

    /// A table without names.
    public init() {}

    /// The number of names.
    public var count: Int { entries.count }

    /// The number of names that a user introduced.
    public func count(of user: UInt32) -> Int { namesOfUser[user] }

    /// The number of a name.
    ///
    /// - Parameter parent: the name above it; nil if there is none
    public func find<Text: NameText>(_ name: Text, below parent: ID? = nil) -> ID? {
        index.find(Self.hash(name, parent)) { name.isSame(as: entries[$0].name) && entries[$0].parent == parent }
            .map { ID(index: $0) }
    }

    private static func hash<Text: NameText>(_ name: Text, _ parent: ID?) -> Int {
        guard let parent else { return name.nameHash }
        return name.nameHash ^ (parent.index &+ 1) &* 0x1E37_79B9_7F4A_7C15
    }

    /// The name above a name in use. Nil if there is none.
    public func parent(of id: ID) -> ID? { entries[id.index].parent }

    /// The name behind a number that is in use.
    public subscript(id: ID) -> Name { entries[id.index].name }

    /// Whether a number stands for this name at the top. Any number is permitted.
    func stands(_ id: ID, for name: Name) -> Bool {
        entries.contains(id.index) && entries[id.index].parent == nil && entries[id.index].name == name
    }

    /// The user that introduced a name that is in use.
    public func user(of id: ID) -> UInt32 { entries[id.index].user }

    /// The number of a name, new or known. A new one must be retained before it is used.
    public mutating func intern<Text: NameText>(_ name: Text, below parent: ID? = nil, by user: UInt32 = 0) -> ID {
        if let known = find(name, below: parent) { return known }
        if let parent { retain(parent) }
        let place = entries.insert(Entry(name: name.name, references: 0, user: user, parent: parent))
        note(place)
        return ID(index: place)
    }

    /// Counts a name that has got its number, and makes it known.
    private mutating func note(_ place: Int) {
        index.insert(place, hash: Self.hash(entries[place].name, entries[place].parent))
        namesOfUser.add(entries[place].user)
    }

    /// Calls `body` with every name, in the order of their numbers.
    func forEach(_ body: (ID, Name) -> Void) { entries.forEachSlot { body(ID(index: $0), entries[$0].name) } }

    /// Notes that one more record refers to a name.
    public mutating func retain(_ id: ID) { entries[id.index].references += 1 }

    /// Notes that one record fewer refers to a name, and forgets the name after the last.
    public mutating func release(_ id: ID) {
        precondition(entries[id.index].references > 0, "a name is released as often as it was retained")
        entries[id.index].references -= 1
        guard entries[id.index].references == 0 else { return }
        let parent = entries[id.index].parent
        index.remove(id.index, hash: Self.hash(entries[id.index].name, parent))
        namesOfUser.remove(entries[id.index].user)
        entries.remove(at: id.index)
        if let parent { release(parent) }
    }
}

// MARK: Images

extension NameTable {
    /// Writes every name in use, in the order of their numbers.
    func write(to part: inout SectionWriter) {
        for number in 0..<entries.end where entries.contains(number) && entries[number].references > 0 {
            var image = NameImage()
            image.number = UInt32(number)
            image.user = entries[number].user
            image.name = entries[number].name
            image.parent = entries[number].parent.map { UInt32($0.index) }
            part.add(image)
        }
    }

    /// Writes the numbers that are free, in the order in which they were freed.
    func writeFree(to part: inout SectionWriter) {
        for number in entries.freeSlots { part.add(FreeNumberImage(UInt32(number))) }
    }

    /// Whether something refers to every name.
    var hasNoStrays: Bool { entries.allSatisfy { $0.references > 0 } }

    /// The name of a number. Nil if the number is free.
    func name(number: UInt32) -> Name? { entries.element(at: Int(number))?.name }

    /// Restores a name with its number.
    ///
    /// - Throws: `damagedData` if the names do not come in the order of their numbers and before the free numbers, or
    ///   one comes twice
    mutating func restore(_ image: NameImage) throws(Refusal) {
        let parent = image.parent.map { ID(index: Int($0)) }
        let entry = Entry(name: image.name, references: 0, user: image.user, parent: parent)
        guard Int(image.number) < entries.end + Bounds.restoredGap, find(image.name, below: parent) == nil,
            entries.restore(entry, at: Int(image.number), blank: .blank)
        else {
            throw Refusal(.damagedData, "the name \(image.name) with the number \(image.number) is out of order")
        }
        note(Int(image.number))
    }

    /// Makes names refer to the names above them, once all are restored.
    ///
    /// - Throws: `damagedData` if one is below a name that is not there, or that is itself below another
    mutating func finishRestoring() throws(Refusal) {
        for number in 0..<entries.end where entries.contains(number) {
            guard let parent = entries[number].parent else { continue }
            guard entries.contains(parent.index), entries[parent.index].parent == nil else {
                throw Refusal(.damagedData, "the name \(entries[number].name) is below a name that cannot be there")
            }
            retain(parent)
        }
    }

    /// Restores a free number.
    ///
    /// - Throws: `damagedData` if it stands for one, or is free
    mutating func restoreFree(_ number: UInt32) throws(Refusal) {
        guard Int(number) < entries.end + Bounds.restoredGap, entries.restoreFree(Int(number), blank: .blank) else {
            throw Refusal(.damagedData, "the number \(number) cannot be free")
        }
    }
}
