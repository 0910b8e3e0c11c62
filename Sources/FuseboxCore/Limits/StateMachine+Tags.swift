import FuseboxWire

/// The tags of a call that nobody has decided on yet.
struct AskedTags {
    /// Those that are known, as a call's scopes without its route.
    var known = CallScopes()
    /// Those that no record refers to yet, as far as a template may cover them.
    var new: [Name] = []
}

/// The tags of calls. Each user of the host may introduce so many; a further tag counts with the others like it.
extension StateMachine {
    /// Checks that a caller may name these tags.
    ///
    /// - Throws: `outOfRange`
    static func validate(_ tags: WireLimits.TagList) throws(Refusal) {
        for place in tags.indices { try TagText.validate(tags[place]) }
    }

    /// The tags of a call, that of its user among them. Changes nothing.
    func look(_ asked: WireLimits.TagList, _ application: Application) -> AskedTags {
        var found = AskedTags()
        for place in asked.indices { look(counted(asked[place], application), &found) }
        if let tag = tags.find(ofUser: application.user) {
            found.known.add(tag)
        } else {
            look(TagTable.name(ofUser: application.user), &found)
        }
        return found
    }

    private func look(_ name: Name, _ found: inout AskedTags) {
        if let tag = tags.find(name) {
            found.known.add(tag)
        } else if !limitTable.templates.isEmpty, !found.new.contains(name) {
            found.new.append(name)
        }
    }

    /// Gives a call its tags, that of its user among them, and retains them.
    mutating func take(_ asked: WireLimits.TagList, _ scopes: inout CallScopes, _ application: Application) {
        for place in asked.indices {
            let name = counted(asked[place], application)
            scopes.add(tags.intern(name, by: application.user, limitTable))
        }
        scopes.add(tags.tag(ofUser: application.user, limitTable))
        retainTags(of: scopes)
    }

    mutating func retainTags(of scopes: CallScopes) { scopes.forEachTag { tags.retain($0) } }
    mutating func releaseTags(of scopes: CallScopes) { scopes.forEachTag { tags.release($0) } }

    /// The tag that a tag counts under: itself; or where there is no room for one more, the one for all such.
    private func counted(_ tag: Name, _ application: Application) -> Name {
        guard tags.find(tag) == nil, !hasRoomForTag(application) else { return tag }
        guard let template = limitTable.templates(for: tag).first, let prefix = limitTable.rules[template].prefix else {
            return .otherProvider
        }
        do throws(Refusal) { return try Name(prefix.text + Name.otherProvider.text) } catch {
            preconditionFailure("a template leaves room for what follows its prefix")
        }
    }

    private func hasRoomForTag(_ application: Application) -> Bool {
        if application.isOperator { return tags.count < limits.tags }
        return tags.count < Limits.open(limits.tags) && tags.count(of: application.user) < limits.tagsPerUser
    }
}
