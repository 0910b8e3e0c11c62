import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox limit`
struct LimitCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit",
        abstract: "Limits on what calls use: cost, requests, tokens and calls in flight. Operators set them.",
        discussion: """
            A scope is the host, a provider with deployment or model, a tag, or a tag with a provider. A call is charged to \
            every limit that covers it, or to none. A tag that ends in * stands for each tag that begins so, with a limit each.

            A limit is an amount, what it counts and a window:
              '$50 per month'                 '600 requests per minute'
              '$2 per day in Europe/Berlin'   '10 requests per 10s'
              '$100 per month from the 15th'  '600 requests per minute fixed'
              '$200 prepaid'                  '200k tokens per minute'
              '$10 until reset'               '1M input tokens per day'
              '$1 per calendar hour'          '8 in flight'
            Windows below a day slide: never more than the amount in any such stretch. A day and longer units are those of the \
            calendar, in UTC unless a zone is named. `per 24h` and `per sliding day` slide. Amounts may be written 1,500, \
            200_000, 200k, 1.5M, '50 USD' or '50 cents'. Quote each limit in single quotes: in double quotes a shell takes $5 \
            for a variable.
            """,
        subcommands: [List.self, Set.self, Raise.self, TopUp.self, Remove.self], defaultSubcommand: List.self)
}

/// The options that name a scope.
struct ScopeOptions: ParsableArguments {
    @Flag(help: "The whole host: every call.")
    var host = false

    @Option(
        help: ArgumentHelp("Calls to this provider. (default: any)", valueName: "name"),
        completion: KnownNames.providers)
    var provider: String?

    @Option(
        help: ArgumentHelp(
            "Calls by this deployment of the provider: an API key, region or endpoint. (default: any)",
            valueName: "name"), completion: KnownNames.deployments)
    var deployment: String?

    @Option(
        help: ArgumentHelp("Calls that ask for this model of the provider. (default: any)", valueName: "name"),
        completion: KnownNames.models)
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Calls with this tag, such as team:search; 'user:*' stands for each tag that begins so. (default: any)",
            valueName: "tag"), completion: KnownNames.tags)
    var tag: String?

    /// Checks that the options go together. The commands do it when they read the scope, because some of them have other
    /// arguments that name a part of it.
    private func check() throws(Failure) {
        if host, provider != nil || deployment != nil || model != nil || tag != nil {
            throw Failure(.usage, "--host is every call; give it alone, or name a --provider or a --tag")
        }
        if provider == nil, deployment != nil || model != nil {
            throw Failure(.usage, "--deployment and --model are those of a provider; give --provider too")
        }
        if deployment != nil, tag != nil {
            throw Failure(.usage, "a tag does not combine with a deployment; give --tag or --deployment")
        }
    }

    /// The scope; nil if none is named.
    var scope: Scope? {
        get throws {
            try check()
            guard host || provider != nil || tag != nil else { return nil }
            return Scope(
                provider: try name(provider, "--provider"), deployment: try name(deployment, "--deployment"),
                model: try name(model, "--model"), tag: try name(tag, "--tag"))
        }
    }

    /// The scope, which must be named.
    var required: Scope {
        get throws {
            guard let scope = try scope else {
                throw Failure(.usage, "whose limits? give --host, --provider or --tag")
            }
            return scope
        }
    }

    private func name(_ text: String?, _ option: String) throws -> Name? {
        guard let text else { return nil }
        do throws(Refusal) { return try Name(text) } catch { throw Failure(.usage, "\(option): \(error.message)") }
    }
}

/// Limits on the command line.
enum LimitArgument {
    /// Reads a limit. Its time zone must be one of the system's.
    static func limit(_ text: String) throws(Failure) -> Limit {
        let limit: Limit
        do throws(LimitText.Failure) { limit = try LimitText.limit(text) } catch {
            throw Failure(.usage, "\(error); \(forms)")
        }
        return try checkingZone(limit)
    }

    /// Reads which limit is meant; its amount may be left out: `requests per minute`, `cost per day`.
    static func identity(_ text: String) throws(Failure) -> Limit {
        if let limit = try? LimitText.limit(text) { return try checkingZone(limit) }
        let words = text.split(separator: " ", maxSplits: 1)
        let isCost = words.first?.lowercased() == "cost"
        if let limit = try? LimitText.limit(isCost ? "$1 \(words.dropFirst().joined())" : "1 \(text)") {
            return try checkingZone(limit)
        }
        if text.contains(where: \.isNumber) { return try limit(text) }
        throw Failure(
            .usage,
            "'\(text.printable)' does not say which limit; name what it counts and its window, such as 'requests per minute', 'cost per day' or 'in flight'"
        )
    }

    /// The error for a limit with a negative amount in the words of a command line; nil if there is none. It is checked
    /// before the parser runs, because the parser takes such a word for an option.
    static func negative(in arguments: some Sequence<String>) -> Failure? {
        let words = arguments.prefix { $0 != "--" }
        let commands = CommandTree.children(of: Fusebox.self).map { $0._commandName }
        guard let command = words.firstIndex(where: commands.contains), words[command] == LimitCommands._commandName
        else { return nil }
        for word in words[command...] where word.first == "-" {
            let amount = word.dropFirst()
            guard let first = amount.first, first.isNumber || first == "$", amount.contains(" ") || isLimit(amount)
            else { continue }
            return Failure(.usage, "'\(word.printable)' is not a limit: its amount must not be negative; \(forms)")
        }
        return nil
    }

    private static func isLimit(_ text: Substring) -> Bool { (try? LimitText.limit(text)) != nil }

    private static let forms =
        "write it like '$50 per month', '600 requests per minute' or '8 in flight'; `fusebox help limit` shows all forms"

    private static func checkingZone(_ limit: Limit) throws(Failure) -> Limit {
        guard let zone = limit.window.zone else { return limit }
        var limit = limit
        let name = try ZoneArgument.name(zone.text)
        do throws(Refusal) { limit.window.zone = try Name(name.text) } catch { throw Failure(.usage, error.message) }
        return limit
    }
}

extension FuseboxClient {
    /// Runs a request about limits that must be set. If one is not, the failure lists those of the scope.
    func withLimits<Result>(
        of scope: FuseboxClient.Scope, _ request: () throws(ClientError) -> Result
    ) throws -> Result {
        do throws(ClientError) { return try request() } catch {
            guard case .refused(let refusal) = error, refusal.status == .notFound else { throw error }
            let known = ((try? limits.list(scope)) ?? []).filter { $0.scope == scope }
            let set = known.filter { $0.template == nil }
            let hint =
                if !set.isEmpty {
                    "its limits are " + set.map { "'\($0.limit)'" }.joined(separator: ", ")
                } else if let template = known.first?.template {
                    "its limits are those of the template '\(template)'"
                } else {
                    "`fusebox limit list` lists all limits"
                }
            throw Failure(.usage, "\(refusal.message); \(hint)")
        }
    }
}
