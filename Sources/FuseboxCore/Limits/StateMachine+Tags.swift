import FuseboxWire

/// The tags of a call that nobody has decided on yet. Each was looked up once.
struct AskedTags {
    /// Those that are known, as a call's scopes without its route.
    var known = CallScopes()
    /// Those that no record refers to yet, as far as a template may cover them.
    var new: [Name] = []
    /// The number of those that the call names and that are not known.
    var unknown = 0
    /// Whether `known` are all, that of the call's user among them.
    var isComplete = true
}

/// The tags of calls. Each user of the host may introduce so many; a further tag counts with the others like it.
extension StateMachine {
    /// Checks that a caller may name these tags.
    ///
    /// - Throws: `outOfRange`
    static func validate<Text: NameText>(_ tags: borrowing WireLimits.TagListOf<Text>) throws(Refusal) {
        for place in tags.indices { try TagText.validate(tags[place]) }
    }

    /// The tags of a call, that of its user among them. Changes nothing.
    @inline(__always)
    func look<Text: NameText>(
        _ asked: borrowing WireLimits.TagListOf<Text>, folds: Bool, _ application: Application
    ) -> AskedTags {
        var found = AskedTags()
        for place in asked.indices {
            if let tag = tags.find(asked[place]) {
                found.known.add(tag)
            } else {
                found.unknown += 1
                look(folds ? folded(asked[place].name) : asked[place].name, &found)
            }
        }
        if let tag = tags.find(ofUser: application.user) {
            found.known.add(tag)
        } else {
            look(TagTable.name(ofUser: application.user), &found)
        }
        return found
    }

    /// Looks for a tag that a call's own name for it does not find.
    private func look(_ name: Name, _ found: inout AskedTags) {
        if let tag = tags.find(name) { return found.known.add(tag) }
        found.isComplete = false
        if !limitTable.templates.isEmpty, !found.new.contains(name) { found.new.append(name) }
    }

    /// Gives a call its tags, that of its user among them. New ones must be retained before they are of use.
    mutating func assign<Text: NameText>(
        _ told: borrowing WireLimits.TagListOf<Text>, folds: Bool, to scopes: inout CallScopes,
        _ application: Application
    ) {
        for place in told.indices {
            if folds, tags.find(told[place]) == nil {
                scopes.add(tags.intern(folded(told[place].name), by: application.user, limitTable))
            } else {
                scopes.add(tags.intern(told[place], by: application.user, limitTable))
            }
        }
        scopes.add(tags.tag(ofUser: application.user, limitTable))
    }

    mutating func retainTags(of scopes: CallScopes) { scopes.forEachTag { tags.retain($0) } }
    mutating func releaseTags(of scopes: CallScopes) { scopes.forEachTag { tags.release($0) } }

    /// The tag that a new tag counts under where there is no room for it: the one for all such.
    private func folded(_ tag: Name) -> Name {
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
    @inline(__always)
    func checkTags(_ asked: borrowing AskedTags, folds: Bool, by application: Application) throws(Refusal) {
        let new = asked.unknown
        guard !folds, new > 0 else { return }
        let bound = SharedBound(what: "tags", limit: bounds.tags, limitPerUser: bounds.tagsPerUser)
        try bound.check(
            tags.count + new - 1, ofUser: tags.count(of: application.user) + new - 1, by: application)
    }

    /// Whether a call's tags find room.
    func hasRoom(for asked: borrowing AskedTags, _ application: Application) -> Bool {
        do throws(Refusal) { try checkTags(asked, folds: false, by: application) } catch { return false }
        return true
    }
}
