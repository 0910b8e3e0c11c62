import FuseboxWire

/// A bound on a number of things that all users share, and on how many of them one user may introduce.
///
/// A part of the places is reserved for operators. The bound on one user does not apply to operators.
struct SharedBound {
    /// The name of the bounded things, in the plural.
    var what: StaticString
    var limit: Int
    var limitPerUser: Int
    /// How room is made, for the message.
    var remedy: StaticString = "an operator can `forget` some"

    /// Checks that there is room for one more.
    ///
    /// - Parameters:
    ///   - count: how many there are
    ///   - countOfUser: how many of them this user has introduced
    /// - Throws: `limitReached`
    func check(_ count: Int, ofUser countOfUser: Int, by application: Application) throws(Refusal) {
        guard application.isOperator || countOfUser < limitPerUser else {
            throw Refusal(
                .limitReached,
                "user \(application.user) has \(limitPerUser) \(what), which is the limit for one user; \(remedy)")
        }
        let open = application.isOperator ? limit : Bounds.open(limit)
        guard count < open else {
            let rest = open == limit ? "which is the limit" : "and the other \(limit - open) are kept for operators"
            throw Refusal(.limitReached, "there are \(count) \(what), \(rest); \(remedy)")
        }
    }

    /// Whether there is room for one more, where what finds none is not refused but has less.
    ///
    /// The answer is part of the state's change. So of operators only root is not bound, which a replay can tell.
    func hasRoom(_ count: Int, ofUser countOfUser: Int, by user: UInt32) -> Bool {
        guard user != 0 else { return count < limit }
        return countOfUser < limitPerUser && count < Bounds.open(limit)
    }
}

/// The checks whether names, models and accounts may be introduced.
///
/// There is always room for the provider `(other)` and for the model `unspecified`. Usage that finds no account of its
/// own is counted under these two. A limit opens the accounts of its route when it is set, so no usage bypasses it. An
/// admission opens the accounts of its call, so its settle always finds them.
extension StateMachine {
    /// Checks that a name is known or may be introduced.
    ///
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    func checkName<Text: NameText>(_ name: Text, by application: Application) throws(Refusal) {
        if names.find(name) == nil { try checkNewName(name, by: application) }
    }

    /// Checks that a name that is not known may be introduced as that of a provider or breaker.
    ///
    /// - Throws: `notFound` if workers may not add one; `limitReached`
    func checkNewName<Text: NameText>(_ name: Text, by application: Application) throws(Refusal) {
        guard !name.isSame(as: .otherProvider) else { return }
        try checkStrictness(name, application)
        try checkOneMoreName(by: application)
    }

    /// Checks that there is room for one more name of a provider, a breaker or a deployment.
    ///
    /// - Throws: `limitReached`
    func checkOneMoreName(by application: Application) throws(Refusal) {
        try SharedBound(what: "names", limit: bounds.names, limitPerUser: bounds.namesPerUser)
            .check(names.count, ofUser: names.count(of: application.user), by: application)
    }

    /// Checks that a model is known or may be introduced.
    ///
    /// - Throws: `limitReached`
    func checkModel(_ model: Name, by application: Application) throws(Refusal) {
        if models.find(model) == nil { try checkNewModel(isUnspecified: model == .unspecifiedModel, by: application) }
    }

    /// Checks that a model that is not known may be introduced.
    ///
    /// - Parameter isUnspecified: whether it is the one for calls that name none
    /// - Throws: `limitReached`
    func checkNewModel(isUnspecified: Bool, by application: Application) throws(Refusal) {
        guard !isUnspecified else { return }
        try SharedBound(
            what: "models", limit: bounds.models, limitPerUser: bounds.modelsPerUser,
            remedy: "an operator can `forget` a provider with many"
        ).check(models.count, ofUser: models.count(of: application.user), by: application)
    }

    /// Checks that a provider has an account or may get one.
    ///
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    func checkAccount(_ provider: Name, by application: Application) throws(Refusal) {
        if let id = names.find(provider), ledger.contains(id) { return }
        guard provider != .otherProvider else { return }
        try checkName(provider, by: application)
        try checkOneMoreAccount(by: application)
    }

    /// Checks that there is room for one more provider with an account.
    ///
    /// - Throws: `limitReached`
    private func checkOneMoreAccount(by application: Application) throws(Refusal) {
        try SharedBound(
            what: "providers with an account", limit: bounds.providerAccounts,
            limitPerUser: bounds.providerAccountsPerUser
        ).check(ledger.providerCount, ofUser: ledger.opened(by: application.user).providers, by: application)
    }

    /// Checks that a model has an account with a provider or may get one.
    ///
    /// - Returns: whether it has none yet
    /// - Throws: `limitReached`
    func checkModelAccount(_ provider: Name, _ model: Name, by application: Application) throws(Refusal) -> Bool {
        if let provider = names.find(provider), let model = models.find(model),
            ledger.findModel(provider, model) != nil
        {
            return false
        }
        try checkOneMoreModelAccount(isUnspecified: model == .unspecifiedModel, by: application)
        return true
    }

    private func checkOneMoreModelAccount(
        isUnspecified: Bool, by application: Application
    ) throws(Refusal) {
        guard !isUnspecified else { return }
        try SharedBound(
            what: "model accounts", limit: bounds.modelAccounts, limitPerUser: bounds.modelAccountsPerUser,
            remedy: "an operator can `forget` a provider"
        ).check(ledger.modelAccountCount, ofUser: ledger.opened(by: application.user).models, by: application)
    }

    /// Checks that a call by a route has its accounts or may get them.
    ///
    /// - Throws: `notFound` if the provider is new and workers may not add one; `limitReached`
    @inline(__always)
    func checkAccounts<Text: NameText>(
        of route: Route<Text>, by application: Application
    ) throws(Refusal) {
        if route.deployment != nil, route.deploymentID == nil { try checkOneMoreName(by: application) }
        if route.providerID == nil { try checkNewName(route.provider, by: application) }
        try checkAccounts(
            route.providerID, isOther: route.provider.isSame(as: .otherProvider), route.model, route.modelID,
            by: application)
    }

    /// Checks that a provider and a model have their accounts or may get them.
    ///
    /// - Parameters:
    ///   - provider: the number of the provider; nil: it is new
    ///   - isOther: whether it is the one for providers that find no room
    ///   - id: the number of the model; nil: it is new
    /// - Throws: `limitReached`
    @inline(__always)
    func checkAccounts<Text: NameText>(
        _ provider: NameID?, isOther: @autoclosure () -> Bool, _ model: ChargedModel<Text>?, _ id: ModelID?,
        by application: Application
    ) throws(Refusal) {
        if let provider, ledger.contains(provider) {
            guard model != nil else { return }
            if let id, ledger.findModel(provider, id) != nil { return }
        } else if !isOther() {
            try checkOneMoreAccount(by: application)
        }
        guard let model else { return }
        let isUnspecified = isUnspecified(model)
        if id == nil { try checkNewModel(isUnspecified: isUnspecified, by: application) }
        try checkOneMoreModelAccount(isUnspecified: isUnspecified, by: application)
    }
}

extension Name {
    /// The provider that is charged for providers without room for an account.
    public static let otherProvider = known("(other)")
    /// The model that is charged if a call named none, or if its model found no room.
    public static let unspecifiedModel = known(CallUsage.unspecifiedModel)

    private static func known(_ text: String) -> Name {
        do throws(Refusal) { return try Name(text) } catch { preconditionFailure("\(text) is a name") }
    }
}
