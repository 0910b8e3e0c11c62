import ArgumentParser
import FuseboxClient
import FuseboxInterop
import FuseboxWire

/// `fusebox price`
struct PriceCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "price", abstract: "What calls cost where nobody tells it. Changing prices is for operators only.",
        discussion: """
            A call that is settled or reported with its tokens and without a cost costs what its price says. The price of the \
            provider with the model that answered counts, else with the model that was asked for, else the provider's, else \
            that of the model with every provider. A call without a price and without a cost is counted as unpriced.
            """,
        subcommands: [List.self, Set.self, Remove.self, Import.self], defaultSubcommand: List.self)

    /// `fusebox price list [PROVIDER]`
    struct List: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the prices, in dollars per million tokens and per request.")

        @Argument(help: "The provider. (default: all)", completion: KnownNames.providers)
        var provider: String?

        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            let prices = try client.prices.list().filter { provider == nil || $0.provider?.text == provider }
            return PriceCommands.answer(prices)
        }
    }

    /// The answer that shows these prices.
    private static func answer(_ prices: [PriceEntry]) -> Answer {
        func cell(_ amount: Money?) -> String { amount.map { "\($0)" } ?? "" }
        // A client may have set the price of what is really named so.
        func named(_ name: Name?) -> String { name.map { $0.text == "*" ? "'*'" : $0.text } ?? "*" }
        let table = Table(
            [
                .left("PROVIDER"), .left("MODEL"), .right("INPUT"), .right("CACHED"), .right("WRITE"),
                .right("OUTPUT"), .right("REASONING"), .right("REQUEST"),
            ],
            rows: prices.map { entry in
                [named(entry.provider), named(entry.model), cell(entry.price.input)]
                    + [cell(entry.price.cachedInput), cell(entry.price.cacheWrite), cell(entry.price.output)]
                    + [cell(entry.price.reasoning), cell(entry.price.request)]
            })
        return Answer(
            json: ["prices": .array(prices.map { JSONValue(record: $0) })],
            text: table.text(ifEmpty: "No price is set."))
    }

    /// `fusebox price set PROVIDER [MODEL]`
    struct Set: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set a price, in the place of the one before, and show it.",
            discussion: """
                Tokens are in dollars per million. Without --cached-input and --cache-write these tokens cost what input \
                costs; without --reasoning, what output costs. A price is exact, to a billionth of a dollar.

                EXAMPLE
                  fusebox price set openai gpt-4o --input 2.50 --output 10 --cached-input 1.25
                  fusebox price set '*' text-embedding-3-small --input 0.02 --output 0
                """)

        @OptionGroup var scope: PriceScope

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Tokens sent. (default: unknown)", valueName: "dollars"), transform: MoneyArgument.price)
        var input: MoneyArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Tokens received. (default: unknown)", valueName: "dollars"),
            transform: MoneyArgument.price)
        var output: MoneyArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Tokens read from a cache. (default: as --input)", valueName: "dollars"),
            transform: MoneyArgument.price)
        var cachedInput: MoneyArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Tokens written to a cache. (default: as --input)", valueName: "dollars"),
            transform: MoneyArgument.price)
        var cacheWrite: MoneyArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Tokens of reasoning. (default: as --output)", valueName: "dollars"),
            transform: MoneyArgument.price)
        var reasoning: MoneyArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Each request, in dollars. (default: nothing)", valueName: "dollars"),
            transform: MoneyArgument.requestPrice)
        var request: MoneyArgument?

        @OptionGroup var connection: ConnectionOptions

        private var price: Price {
            var price = Price()
            price.input = input?.money
            price.cachedInput = cachedInput?.money
            price.cacheWrite = cacheWrite?.money
            price.output = output?.money
            price.reasoning = reasoning?.money
            price.request = request?.money
            return price
        }

        func validate() throws {
            guard scope.model != "*" else {
                throw ValidationError("'*' is the name of no model; leave the model out to set a price of every one")
            }
            guard price != Price() else {
                throw ValidationError("what does it cost? give --input, --output or another")
            }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let entry = PriceEntry(provider: try scope.name, model: try scope.modelName, price: price)
            try client.prices.set([entry])
            return PriceCommands.answer([entry])
        }
    }

    /// `fusebox price remove PROVIDER [MODEL]`
    struct Remove: DaemonCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a price.")

        @OptionGroup var scope: PriceScope
        @OptionGroup var connection: ConnectionOptions

        func answer(from client: FuseboxClient) throws -> Answer {
            try client.prices.remove(provider: try scope.name?.text, model: try scope.modelName?.text)
            return .done
        }
    }

    /// `fusebox price import --format litellm FILE`
    struct Import: DaemonCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Set the prices of a list that others keep.",
            discussion: """
                LiteLLM's list is model_prices_and_context_window.json. Its prices are taken exactly, under the names of its \
                providers; --as gives one another name. A price per query is one per request. Entries without a price per \
                token or request are left out and listed, and so are those that are priced by another measure or in tiers, \
                and those whose price is finer than a nano-dollar per million tokens. Of entries that have other prices for \
                long prompts or for longer caches the usual ones are taken. Where entries give a model different prices, \
                the last one counts, and the others are listed.

                EXAMPLE
                  fusebox price import --format litellm model_prices_and_context_window.json --as vertex_ai-language-models=google
                """)

        /// The lists that are understood.
        enum Format: String, ExpressibleByArgument, CaseIterable {
            case litellm
        }

        @Option(help: "The format.")
        var format: Format

        @Option(
            name: .customLong("as"),
            help: ArgumentHelp(
                "A provider of the list, and its name here. Repeat it for several. (default: the list's names)",
                valueName: "provider=name"),
            transform: Renaming.init)
        var renamings: [Renaming] = []

        @Argument(help: "The file; - for standard input.", completion: .file())
        var file: String

        @Flag(help: "Read the list, say how many prices would be set, and change nothing.")
        var dryRun = false

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            let providers = renamings.map(\.provider)
            let twice = providers.first { provider in providers.count(where: { $0 == provider }) > 1 }
            if let twice { throw ValidationError("--as gives the provider '\(twice)' two names; give it one") }
        }

        func answer(from client: FuseboxClient) throws -> Answer {
            let document = try LocalFile.readJSON(file)
            let list: LiteLLMPrices
            do throws(JSONFieldError) { list = try LiteLLMPrices(document) } catch {
                throw Failure(error, in: LocalFile.label(file))
            }
            if let unknown = renamings.first(where: { !list.providers.contains($0.provider) })?.provider {
                throw Failure.unknown(
                    unknown, "--as: the list has no provider '\(unknown)'", among: list.providers,
                    otherwise: "its entries name theirs as litellm_provider")
            }
            let names = Dictionary(uniqueKeysWithValues: renamings.map { ($0.provider, $0.name) })
            let (prices, displaced) = list.prices(renaming: names)
            let replaced = dryRun ? try Self.replaced(by: prices, client) : try client.prices.set(prices)
            return Answer(
                json: [
                    "isDryRun": JSONValue(dryRun), "set": JSONValue(prices.count), "replaced": JSONValue(replaced),
                    "displaced": .array(displaced.map { ["key": JSONValue($0.key), "by": JSONValue($0.by)] }),
                    "longPrompts": .array(list.longPrompts.map { JSONValue($0) }),
                    "longCaches": .array(list.longCaches.map { JSONValue($0) }),
                    "refused": .array(list.refused.map { ["key": JSONValue($0.key), "reason": JSONValue($0.reason)] }),
                ],
                text: Self.text(
                    of: list, "\(Quantity.count(prices.count, "price")) \(dryRun ? "would be set" : "set")",
                    replaced: replaced,
                    displaced))
        }

        private static func text(
            of list: LiteLLMPrices, _ done: String, replaced: Int, _ displaced: [LiteLLMPrices.Displaced]
        ) -> String {
            var lines = ["\(done), \(replaced) of them in the place of one that was set before"]
            let left = [("long prompts", list.longPrompts), ("longer caches", list.longCaches)]
            for (what, keys) in left where !keys.isEmpty {
                let entries = Quantity.count(keys.count, "entry", plural: "entries")
                lines.append("other prices for \(what) are left out, of \(entries)")
            }
            for entry in displaced {
                let (key, other) = (Table.printable(entry.key), Table.printable(entry.by))
                lines.append("not set: \(key): \(other) gives the same model another price, and comes later")
            }
            for entry in list.refused {
                lines.append("left out: \(Table.printable(entry.key)): \(Table.printable(entry.reason))")
            }
            return lines.joined(separator: "\n")
        }

        /// How many prices are in force whose place others would take.
        private static func replaced(by entries: [PriceEntry], _ client: FuseboxClient) throws -> Int {
            var present = Swift.Set(try client.prices.list().map(Place.init))
            return entries.count { !present.insert(Place($0)).inserted }
        }

        /// Whose price an entry is. The list may name one twice.
        private struct Place: Hashable {
            let provider: Name?
            let model: Name?

            init(_ entry: PriceEntry) {
                provider = entry.provider
                model = entry.model
            }
        }
    }
}

/// Whose price it is.
struct PriceScope: ParsableArguments {
    @Argument(help: "The provider; '*': every one.", completion: KnownNames.providers)
    var provider: String

    @Argument(help: "The model. (default: every one)", completion: KnownNames.models)
    var model: String?

    /// The provider; nil: every one.
    var name: Name? {
        get throws(Refusal) { provider == "*" ? nil : try Name(provider) }
    }

    /// The model; nil: every one.
    var modelName: Name? {
        get throws(Refusal) { try model.map { model throws(Refusal) in try Name(model) } }
    }

    func validate() throws {
        guard provider != "*" || model != nil else {
            throw ValidationError("a price is that of a provider, a model or both; name the model")
        }
    }
}

/// `provider=name`
struct Renaming {
    let provider: String
    let name: Name

    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[1] != "*" else {
            throw ValidationError("give a provider of the list and its name here: azure=my-azure")
        }
        provider = parts[0]
        do throws(Refusal) { name = try Name(parts[1]) } catch {
            throw ValidationError("'\(parts[1])' is not a name: \(error.message)")
        }
    }
}
