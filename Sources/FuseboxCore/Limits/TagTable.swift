import FuseboxCollections
import FuseboxWire

/// The tags that calls were made for, and the templates that cover each.
struct TagTable: Sendable {
    /// The tags that the same templates cover: those with the same longest prefix among the prefixes of templates.
    private struct Family: Sendable {
        /// That prefix. Nil: no template covers these tags.
        var prefix: Name?
        /// The templates, those with the longest prefix first.
        var templates: [Int] = []
    }

    private(set) var names = NameTable<TagID>()
    /// The place in `families` of each tag's family.
    private var familyOfTag = ChunkedArray<UInt32>()
    /// A family for each prefix of templates, after that of the tags without templates.
    private var families = [Family()]
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
    mutating func intern(_ name: some NameText, by user: UInt32) -> TagID {
        if let known = names.find(name) { return known }
        let tag = names.intern(name, by: user)
        while familyOfTag.count <= tag.index { familyOfTag.append(0) }
        familyOfTag[tag.index] = family(of: name.name)
        if let owner = Self.user(of: name.name) { keep(tag, of: owner) }
        return tag
    }

    /// After a restart it is not known why a user's tag was made, so it always stays.
    private mutating func keep(_ tag: TagID, of user: UInt32) {
        guard users[user] == nil else { return }
        users[user] = tag
        retain(tag)
    }

    mutating func retain(_ tag: TagID) { names.retain(tag) }
    mutating func release(_ tag: TagID) { names.release(tag) }

    // MARK: Users

    /// The tag that the daemon gives to the calls of a peer user. Nil if it has made no call yet.
    func find(ofUser user: UInt32) -> TagID? { users[user] }

    /// The tag that the daemon gives to the calls of a peer user.
    mutating func tag(ofUser user: UInt32) -> TagID {
        users[user] ?? intern(Self.name(ofUser: user), by: 0)
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
    func templates(of tag: TagID) -> [Int] { families[Int(familyOfTag[tag.index])].templates }

    /// Whether a template covers a tag, and none of a longer prefix replaces it.
    func isCovered(_ tag: TagID, by template: Int) -> Bool {
        families[Int(familyOfTag[tag.index])].templates.contains(template)
    }

    /// The number of templates that cover a tag.
    func templateCount(of tag: TagID) -> Int { families[Int(familyOfTag[tag.index])].templates.count }

    /// One of the templates that cover a tag.
    func template(of tag: TagID, at place: Int) -> Int { families[Int(familyOfTag[tag.index])].templates[place] }

    /// The templates with a prefix have changed: finds those of the tags that begin so again.
    mutating func renewTemplates(beginning prefix: Name, _ limits: LimitTable) {
        let known = families.firstIndex { $0.prefix == prefix }
        let isUsed = limits.templates.contains { limits.rules[$0].prefix == prefix }
        if known == nil, isUsed { addFamily(prefix) }
        if let known, !isUsed { removeFamily(known) }
        for place in families.indices {
            guard let longest = families[place].prefix, longest.hasPrefix(prefix) else { continue }
            families[place].templates = limits.templates(for: longest)
        }
    }

    /// The place of the family of a name.
    private func family(of name: Name) -> UInt32 {
        var found = 0
        for place in families.indices.dropFirst() {
            guard let prefix = families[place].prefix, name.hasPrefix(prefix) else { continue }
            if prefix.count > families[found].prefix?.count ?? 0 { found = place }
        }
        return UInt32(found)
    }

    /// Adds a family. It takes its tags from the families of shorter prefixes.
    private mutating func addFamily(_ prefix: Name) {
        let added = UInt32(families.count)
        families.append(Family(prefix: prefix))
        let isShorter = families.map { ($0.prefix?.count ?? 0) < prefix.count }
        names.forEach { tag, name in
            if isShorter[Int(familyOfTag[tag.index])], name.hasPrefix(prefix) { familyOfTag[tag.index] = added }
        }
    }

    /// Removes a family. Its tags go to that of the next shorter prefix, and the last family takes its place.
    private mutating func removeFamily(_ place: Int) {
        guard let prefix = families[place].prefix else { preconditionFailure("the first family stays") }
        families[place].prefix = nil
        let heir = family(of: prefix)
        let last = families.count - 1
        for tag in 0..<familyOfTag.count {
            if familyOfTag[tag] == place { familyOfTag[tag] = heir }
            if familyOfTag[tag] == last { familyOfTag[tag] = UInt32(place) }
        }
        families.swapAt(place, last)
        families.removeLast()
    }

    /// Finds the templates of every tag again.
    private mutating func renewTemplates(_ limits: LimitTable) {
        families = [Family()]
        for template in limits.templates {
            guard let prefix = limits.rules[template].prefix, !families.contains(where: { $0.prefix == prefix }) else {
                continue
            }
            families.append(Family(prefix: prefix, templates: limits.templates(for: prefix)))
        }
        names.forEach { tag, name in
            while familyOfTag.count <= tag.index { familyOfTag.append(0) }
            familyOfTag[tag.index] = family(of: name)
        }
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
