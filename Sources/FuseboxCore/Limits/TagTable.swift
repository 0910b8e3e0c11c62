import FuseboxCollections
import FuseboxWire

/// The tags that calls were made for, and the templates that cover each.
struct TagTable: Sendable {
    private(set) var names = NameTable<TagID>()
    /// The place in `sets` of each tag's templates.
    private var setOfTag = ChunkedArray<UInt32>()
    /// Lists of templates; most tags share one. The first is the empty one.
    private var sets: [[Int]] = [[]]

    init() {}

    func find(_ name: Name) -> TagID? { names.find(name) }

    subscript(tag: TagID) -> Name { names[tag] }

    /// The number of a tag, new or known. A new one must be retained before it is of use.
    mutating func intern(_ name: Name, by user: UInt32, _ limits: borrowing LimitTable) -> TagID {
        if let known = names.find(name) { return known }
        let tag = names.intern(name, by: user)
        while setOfTag.count <= tag.index { setOfTag.append(0) }
        setOfTag[tag.index] = set(limits.templates(for: name))
        return tag
    }

    mutating func retain(_ tag: TagID) { names.retain(tag) }
    mutating func release(_ tag: TagID) { names.release(tag) }

    /// The templates that cover a tag.
    func templates(of tag: TagID) -> [Int] { sets[Int(setOfTag[tag.index])] }

    /// The templates have changed: finds those of every tag again.
    mutating func renewTemplates(_ limits: borrowing LimitTable) {
        sets = [[]]
        names.forEach { tag, name in setOfTag[tag.index] = set(limits.templates(for: name)) }
    }

    private mutating func set(_ templates: [Int]) -> UInt32 {
        if let known = sets.firstIndex(of: templates) { return UInt32(known) }
        sets.append(templates)
        return UInt32(sets.count - 1)
    }
}
