import FuseboxWire

/// A small integer that stands for a name.
public protocol NameIdentifier: Sendable, Hashable {
    init(index: Int)
    var index: Int { get }
}

/// A provider or a breaker.
public struct NameID: NameIdentifier {
    private let number: UInt32
    public init(index: Int) { number = UInt32(index) }
    public var index: Int { Int(number) }
}

/// A model.
public struct ModelID: NameIdentifier {
    private let number: UInt32
    public init(index: Int) { number = UInt32(index) }
    public var index: Int { Int(number) }
}

/// A tag.
public struct TagID: NameIdentifier {
    private let number: UInt32
    public init(index: Int) { number = UInt32(index) }
    public var index: Int { Int(number) }
}

/// Turns names into small integers and back.
///
/// A name lives as long as something refers to it; its number is then given to another.
public struct NameTable<ID: NameIdentifier>: Sendable {
    struct Entry: Sendable {
        var name: Name
        var references: UInt32
        /// The peer user that introduced it.
        var user: UInt32
    }

    var entries = ChunkedArray<Entry>()
    private var index = HashIndex()
    var free: [UInt32] = []
    private var namesOfUser: [UInt32: Int] = [:]

    public init() {}

    /// The number of names.
    public var count: Int { index.count }

    /// The number of names that a user introduced.
    public func count(of user: UInt32) -> Int { namesOfUser[user] ?? 0 }

    public func find(_ name: Name) -> ID? {
        index.find(name.hashValue) { entries[$0].name == name }.map { ID(index: $0) }
    }

    /// The name behind a number that is in use.
    public subscript(id: ID) -> Name { entries[id.index].name }

    /// The user that introduced a name that is in use.
    public func user(of id: ID) -> UInt32 { entries[id.index].user }

    /// The number of a name, new or known. A new one must be retained before it is of use.
    public mutating func intern(_ name: Name, by user: UInt32 = 0) -> ID {
        if let known = find(name) { return known }
        let entry = Entry(name: name, references: 0, user: user)
        let place: Int
        if let reused = free.popLast() {
            place = Int(reused)
            entries[place] = entry
        } else {
            place = entries.count
            entries.append(entry)
        }
        index.insert(place, hash: name.hashValue)
        namesOfUser[user, default: 0] += 1
        return ID(index: place)
    }

    /// Notes that one more record refers to a name.
    public mutating func retain(_ id: ID) { entries[id.index].references += 1 }

    /// Notes that one record less refers to a name, and forgets it after the last.
    public mutating func release(_ id: ID) {
        precondition(entries[id.index].references > 0, "a name is released as often as it was retained")
        entries[id.index].references -= 1
        guard entries[id.index].references == 0 else { return }
        index.remove(id.index, hash: entries[id.index].name.hashValue)
        let user = entries[id.index].user
        let left = (namesOfUser[user] ?? 1) - 1
        namesOfUser[user] = left == 0 ? nil : left
        free.append(UInt32(id.index))
    }
}
