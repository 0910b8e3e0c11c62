import FuseboxWire

/// What callers may read who may not read everything: the totals of the host and of providers, and what is told of the
/// tags that their user's calls have named lately.
///
/// Limits on routes are told to everybody, because each denial names the limits that cover the call. A denial also
/// tells of the limits on the tags that the call itself names.
extension StateMachine {
    /// Whether calls of a user have named a tag lately. `uid:N` is of user N.
    public func hasNamed(_ tag: Name, user: UInt32) -> Bool {
        guard let known = tags.find(tag) else { return TagTable.name(ofUser: user) == tag }
        return hasNamed(known, user: user)
    }

    private func hasNamed(_ tag: TagID, user: UInt32) -> Bool {
        tags.find(ofUser: user) == tag || ledger.tags[tag.index]?.users.contains(user) == true
    }

    /// Whether a user may read the account of a scope.
    public func mayRead(accountOf scope: Scope, user: UInt32) -> Bool {
        if let tag = scope.tag { return hasNamed(tag, user: user) }
        return scope.deployment == nil && scope.model == nil
    }

    /// Whether a user may read how limits on a scope stand. A template is the same for everybody.
    public func mayRead(limitsOn scope: Scope, user: UInt32) -> Bool {
        guard let tag = scope.tag, !TagText.isTemplate(tag) else { return true }
        return hasNamed(tag, user: user)
    }

    /// Whether a caller may read what is told of a tag.
    func mayRead(_ tag: TagID, _ application: Application) -> Bool {
        application.mayReadAll || hasNamed(tag, user: application.user)
    }

    /// Checks that a caller may read the account of a scope.
    ///
    /// - Throws: `notPermitted`
    func checkReader(ofAccount scope: Scope, _ application: Application) throws(Refusal) {
        guard application.mayReadAll || mayRead(accountOf: scope, user: application.user) else {
            throw Self.notReadable("the account of \(scope)")
        }
    }

    /// Checks that a caller may read how limits on a scope stand.
    ///
    /// - Throws: `notPermitted`
    func checkReader(ofLimits scope: Scope, _ application: Application) throws(Refusal) {
        guard application.mayReadAll || mayRead(limitsOn: scope, user: application.user) else {
            throw Self.notReadable("limits on \(scope)")
        }
    }

    /// The refusal of what only readers may read.
    static func notReadable(_ what: String) -> Refusal {
        Refusal(
            .notPermitted,
            "\(what): for operators and the readers' group; others read totals of providers and of tags that their own calls have named lately"
        )
    }
}
