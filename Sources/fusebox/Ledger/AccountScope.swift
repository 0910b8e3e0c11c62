import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// The arguments that name the scope of an account: the options of a scope, or a provider alone.
struct AccountScope: ParsableArguments {
    @Argument(
        help: ArgumentHelp("A provider, as with --provider. (default: the options say it)", valueName: "provider"),
        completion: KnownNames.providers)
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
