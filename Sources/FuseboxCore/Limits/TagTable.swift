import FuseboxCollections
import FuseboxWire

/// The tags that calls were made for, and the templates that cover each.
struct TagTable: Sendable {
    private(set) var names = NameTable<TagID>()
    /// The place in `sets` of each tag's templates.
    private var setOfTag = ChunkedArray<UInt32>()
    /// Lists of templates. Most tags share one. The first list is empty.
    private var sets: [[Int]] = [[]]
    /// The tag of each peer user that made a call or has a limit. They are few, and stay.
    private var users = NumberMap<TagID>()
    private let passedByAddress = PassedByAddress()

    init() {}

    func find(_ name: some NameText) -> TagID? { names.find(name) }

    subscript(tag: TagID) -> Name { names[tag] }

    /// The number of tags.
    var count: Int { names.count }

    /// The number of tags that a user introduced.
    func count(of user: UInt32) -> Int { names.count(of: user) }

    /// The number of a tag, new or known. A new one must be retained before it is of use.
    mutating func intern(_ name: some NameText, by user: UInt32, _ limits: LimitTable) -> TagID {
        if let known = names.find(name) { return known }
        let tag = names.intern(name, by: user)
        cover(tag, name.name, limits)
        if let owner = Self.user(of: name.name) { keep(tag, of: owner) }
        return tag
    }

    /// After a restart it is not known why a user's tag was made, so it always stays.
    private mutating func keep(_ tag: TagID, of user: UInt32) {
        guard users[user] == nil else { return }
        users[user] = tag
        retain(tag)
    }

    private mutating func cover(_ tag: TagID, _ name: Name, _ limits: LimitTable) {
        while setOfTag.count <= tag.index { setOfTag.append(0) }
        setOfTag[tag.index] = set(limits.templates(for: name))
    }

    mutating func retain(_ tag: TagID) { names.retain(tag) }
    mutating func release(_ tag: TagID) { names.release(tag) }

    // MARK: Users

    /// The tag that the daemon gives to the calls of a peer user. Nil if it has made no call yet.
    func find(ofUser user: UInt32) -> TagID? { users[user] }

    /// The tag that the daemon gives to the calls of a peer user.
    mutating func tag(ofUser user: UInt32, _ limits: LimitTable) -> TagID {
        users[user] ?? intern(Self.name(ofUser: user), by: 0, limits)
    }

    /// The user of a `uid:` tag. Nil for other tags.
    private static func user(of name: Name) -> UInt32? {
        guard TagText.isOfUser(name), let user = UInt32(name.text.dropFirst(TagText.userPrefix.count)),
            Self.name(ofUser: user) == name
        else { return nil }
        return user
    }

    /// `uid:N`.
    static func name(ofUser user: UInt32) -> Name {
        do throws(Refusal) { return try Name("\(TagText.userPrefix)\(user)") } catch {
            preconditionFailure("a user's number makes a name")
        }
    }

    // MARK: Templates

    /// The templates that cover a tag.
    func templates(of tag: TagID) -> [Int] { sets[Int(setOfTag[tag.index])] }

    /// The number of templates that cover a tag.
    func templateCount(of tag: TagID) -> Int { sets[Int(setOfTag[tag.index])].count }

    /// One of the templates that cover a tag.
    func template(of tag: TagID, at place: Int) -> Int { sets[Int(setOfTag[tag.index])][place] }

    /// The templates have changed: finds those of every tag again.
    mutating func renewTemplates(_ limits: LimitTable) {
        sets = [[]]
        names.forEach { tag, name in cover(tag, name, limits) }
    }

    private mutating func set(_ templates: [Int]) -> UInt32 {
        if let known = sets.firstIndex(of: templates) { return UInt32(known) }
        sets.append(templates)
        return UInt32(sets.count - 1)
    }
}

// MARK: Images

extension TagTable {
    /// Writes every tag in use, in the order of their numbers.
    func write(to part: inout SectionWriter) { names.write(to: &part) }

    /// Writes the numbers that are free, in the order in which they were freed.
    func writeFree(to part: inout SectionWriter) { names.writeFree(to: &part) }

    /// Restores a tag with its number.
    ///
    /// - Throws: `damagedData` if it is out of order
    mutating func restore(_ image: NameImage) throws(Refusal) { try names.restore(image) }

    /// Restores a free number.
    ///
    /// - Throws: `damagedData` if it stands for a tag
    mutating func restoreFree(_ number: UInt32) throws(Refusal) { try names.restoreFree(number) }

    /// Finds again what follows from the names: which are of users, and the templates of all.
    mutating func finishRestoring(_ limits: LimitTable) {
        var found: [(UInt32, TagID)] = []
        names.forEach { tag, name in
            if let user = Self.user(of: name) { found.append((user, tag)) }
        }
        for (user, tag) in found { keep(tag, of: user) }
        renewTemplates(limits)
    }
}
