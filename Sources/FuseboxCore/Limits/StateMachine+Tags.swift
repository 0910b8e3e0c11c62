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
    static func validate(_ tags: borrowing WireLimits.TagList) throws(Refusal) {
        for place in tags.indices { try TagText.validate(tags[place]) }
    }

    /// The tags of a call, that of its user among them. Changes nothing.
    func look(_ asked: borrowing WireLimits.TagList, folds: Bool, _ application: Application) -> AskedTags {
        var found = AskedTags()
        for place in asked.indices { look(counted(asked[place], folds: folds), &found) }
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

    /// Gives a call its tags, that of its user among them. New ones must be retained before they are of use.
    mutating func assign(
        _ asked: borrowing WireLimits.TagList, folds: Bool, to scopes: inout CallScopes, _ application: Application
    ) {
        for place in asked.indices {
            let name = counted(asked[place], folds: folds)
            scopes.add(tags.intern(name, by: application.user, limitTable))
        }
        scopes.add(tags.tag(ofUser: application.user, limitTable))
    }

    mutating func retainTags(of scopes: CallScopes) { scopes.forEachTag { tags.retain($0) } }
    mutating func releaseTags(of scopes: CallScopes) { scopes.forEachTag { tags.release($0) } }

    /// The tag that a tag counts under: itself; or where it is new and there is no room, the one for all such.
    func counted(_ tag: Name, folds: Bool) -> Name {
        guard folds, tags.find(tag) == nil else { return tag }
        guard let template = limitTable.templates(for: tag).first, let prefix = limitTable.rules[template].prefix else {
            return .otherProvider
        }
        do throws(Refusal) { return try Name(prefix.text + Name.otherProvider.text) } catch {
            preconditionFailure("a template leaves room for what follows its prefix")
        }
    }

    /// Checks that there is room for the tags of a call. Where there is none, the engine has them folded.
    ///
    /// - Throws: `limitReached`
    func admitTags(_ asked: borrowing WireLimits.TagList, folds: Bool, by application: Application) throws(Refusal) {
        guard !folds else { return }
        var new = 0
        for place in asked.indices where tags.find(asked[place]) == nil { new += 1 }
        guard new > 0 else { return }
        let bound = SharedBound(what: "tags", limit: bounds.tags, limitPerUser: bounds.tagsPerUser)
        try bound.admit(
            tags.count + new - 1, ofUser: tags.count(of: application.user) + new - 1, by: application)
    }

    /// Whether a call's tags find room.
    func hasRoom(for asked: borrowing WireLimits.TagList, _ application: Application) -> Bool {
        do throws(Refusal) { try admitTags(asked, folds: false, by: application) } catch { return false }
        return true
    }
}
