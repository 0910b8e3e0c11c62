import FuseboxWire

/// The tags of a call before its admission. Each was looked up once.
struct AskedTags {
    /// The known tags, as a call's scopes without its route.
    var known = CallScopes()
    /// The tags without a number that a template may cover.
    var new: [Name] = []
    /// The number of tags that the call names and that are not known.
    var unknown = 0
    /// Whether `known` has all of them, including that of the call's user.
    var isComplete = true

    /// What a call with these tags by a route is charged to, as far as it is known.
    @inline(__always)
    func scopes<Text: NameText>(of route: borrowing Route<Text>) -> CallScopes {
        var scopes = known
        scopes.provider = route.providerID
        scopes.deployment = route.deploymentID
        scopes.model = route.modelID
        return scopes
    }
}

/// The tags of calls. Each user of the host may introduce a bounded number. A further tag counts under `(other)`.
extension StateMachine {
    /// Checks that a caller may name these tags.
    ///
    /// - Throws: `outOfRange`
    static func validate<Text: NameText>(_ tags: borrowing WireLimits.TagListOf<Text>) throws(Refusal) {
        for place in tags.indices { try TagText.validate(tags[place]) }
    }

    /// The tags of a call, including that of its user. Changes nothing.
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

    /// Looks for a tag by a name other than the call's own.
    private func look(_ name: Name, _ found: inout AskedTags) {
        if let tag = tags.find(name) { return found.known.add(tag) }
        found.isComplete = false
        if !limitTable.templates.isEmpty, !found.new.contains(name) { found.new.append(name) }
    }

    /// Gives a call its tags, including that of its user. New tags must be retained before they are used.
    mutating func assign<Text: NameText>(
        _ told: borrowing WireLimits.TagListOf<Text>, folds: Bool, to scopes: inout CallScopes,
        _ application: Application
    ) {
        for place in told.indices {
            if folds, tags.find(told[place]) == nil {
                scopes.add(tags.intern(folded(told[place].name), by: application.user))
            } else {
                scopes.add(tags.intern(told[place], by: application.user))
            }
        }
        scopes.add(tags.tag(ofUser: application.user))
    }

    mutating func retainTags(of scopes: CallScopes) { scopes.forEachTag { tags.retain($0) } }
    mutating func releaseTags(of scopes: CallScopes) { scopes.forEachTag { tags.release($0) } }

    /// The tag under which a new tag counts if there is no room for it.
    private func folded(_ tag: Name) -> Name {
        guard let template = limitTable.templates(for: tag).first, let prefix = limitTable.rules[template].prefix else {
            return .otherProvider
        }
        do throws(Refusal) { return try Name(prefix.text + Name.otherProvider.text) } catch {
            preconditionFailure("a template leaves room for what follows its prefix")
        }
    }

    /// Checks that there is room for the tags of a call. If there is none, the engine folds them.
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
