import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// The arguments that name the scope of an account: the options of a scope, or a provider alone.
struct AccountScope: ParsableArguments {
    @Argument(
        help: ArgumentHelp("A provider, as with --provider. (default: the options say it)", valueName: "provider"))
    var name: String?

    @OptionGroup var options: ScopeOptions

    func validate() throws {
        guard name == nil || (!options.host && options.provider == nil) else {
            throw ValidationError("name the provider once: with --provider, or without it")
        }
    }

    /// The scope; nil if none is named.
    var scope: Scope? {
        get throws {
            var options = options
            if let name { options.provider = name }
            return try options.scope
        }
    }
}

/// The account of a scope. Tags and deployments have none.
enum ScopeAccount {
    case host(LedgerTotal.Reply)
    case provider(ProviderAccount, models: [ModelAccount])
    case model(ModelAccount)

    /// Reads the account; nil if the scope has none, or nothing was counted yet.
    init?(of scope: Scope, _ client: FuseboxClient) throws(ClientError) {
        switch (scope.provider, scope.model) {
        case _ where scope.tag != nil || scope.deployment != nil: return nil
        case (nil, _): self = .host(try client.ledger.total())
        case (let provider?, nil):
            guard let account = try client.ledger.provider(provider.text) else { return nil }
            let models = account.models == 0 ? [] : try client.ledger.models(of: provider.text)
            self = .provider(account, models: models.sorted { $0.model < $1.model })
        case (let provider?, let model?):
            guard let account = try client.ledger.model(model.text, of: provider.text) else { return nil }
            self = .model(account)
        }
    }

    /// The fields of the account.
    var json: JSONValue {
        switch self {
        case .host(let total): JSONValue(record: total)
        case .provider(let account, let models):
            JSONValue(record: account).adding(["modelAccounts": .array(models.map { JSONValue(record: $0) })])
        case .model(let account): JSONValue(record: account)
        }
    }
}
