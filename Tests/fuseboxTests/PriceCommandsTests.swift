import FuseboxClient
import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

/// Prices on the command line, and what calls cost by them.
struct PriceCommandsTests {
    private func spend(_ daemon: Daemon) throws -> JSONValue? {
        try daemon.json("ledger", "show", "openai")["usage"]?["spend"]
    }

    @Test func aCallThatTellsItsTokensCostsWhatItsPriceSays() throws {
        let daemon = try Daemon()
        let set = try daemon.fusebox(
            "price", "set", "openai", "gpt-4o", "--input", "2.50", "--output", "10", "--cached-input", "1.25")
        #expect(set.status == 0)
        #expect(set.lines.count == 2)
        #expect(set.lines[1].split(separator: " ") == ["openai", "gpt-4o", "2.5", "1.25", "10"])
        #expect(try daemon.fusebox("price", "list").lines == set.lines)
        let usage =
            #"{"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1920}}"#
        let outcome = try Program.run([
            Program.fusebox, "run", "--route", "openai/gpt-4o", "--socket", daemon.socket, "--", "/bin/sh", "-c",
            "echo '\(usage)' >> $FUSEBOX_USAGE",
        ])
        #expect(outcome.status == 0 && outcome.errors == "")
        // 86 × 2.50 + 1920 × 1.25 + 300 × 10 dollars per million.
        #expect(try spend(daemon) == 0.005615)
        let reported = try daemon.fusebox(
            "report", "--route", "openai/gpt-4o", "--outcome", "success", "--usage", usage)
        #expect(reported.status == 0)
        #expect(try spend(daemon) == 0.01123)
        let shown = try daemon.fusebox("ledger", "show", "openai").lines
        #expect(shown.contains { $0.contains("4012 in (3840 read from a cache), 600 out") }, "\(shown)")
    }

    @Test func aCallWithoutAPriceIsShownAsUnpriced() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("report", "--route", "openai/gpt-4o", "--outcome", "success", "--input-tokens", "5")
        let shown = try daemon.fusebox("ledger", "show", "openai").lines
        #expect(shown.contains { $0.contains("1 request whose cost nobody told") }, "\(shown)")
    }

    @Test func pricesAreListedReplacedAndRemoved() throws {
        let daemon = try Daemon()
        #expect(try daemon.fusebox("price").lines == ["No price is set."])
        _ = try daemon.fusebox("price", "set", "openai", "--input", "1", "--output", "2")
        _ = try daemon.fusebox("price", "set", "*", "gpt-4o", "--input", "0.075", "--output", "0", "--request", "0.01")
        let lines = try daemon.fusebox("price", "list").lines
        #expect(lines.count == 3)
        #expect(lines[1].split(separator: " ") == ["*", "gpt-4o", "0.075", "0", "0.01"])
        #expect(lines[2].split(separator: " ") == ["openai", "*", "1", "2"])
        #expect(try daemon.fusebox("price", "remove", "openai").status == 0)
        let again = try daemon.fusebox("price", "remove", "openai")
        #expect(again.status != 0 && again.errors.contains("no price is set for 'openai'"))
        let nobody = try daemon.fusebox("price", "set", "*", "--input", "1")
        #expect(nobody.status == 64 && nobody.errors.contains("name the model"))
    }

    @Test func aPriceThatIsFinerThanANanoDollarIsRefused() throws {
        let daemon = try Daemon()
        for option in ["--input", "--cached-input", "--cache-write", "--output", "--reasoning", "--request"] {
            let unit = option == "--request" ? "request" : "million tokens"
            let fine = try daemon.fusebox("price", "set", "openai", option, "0.00000000049")
            #expect(fine.status == 64, "\(option)")
            #expect(fine.errors.contains("it is no exact number of nano-dollars per \(unit)"), "\(fine.errors)")
            #expect(try daemon.fusebox("price", "set", "openai", option, "0.000000001").status == 0, "\(option)")
        }
    }

    @Test func aPriceOfEveryModelIsSetWithoutAModel() throws {
        let daemon = try Daemon()
        let star = try daemon.fusebox("price", "set", "openai", "*", "--input", "1")
        #expect(star.status == 64)
        #expect(star.errors.contains("leave the model out to set a price of every one"), "\(star.errors)")
        #expect(try daemon.fusebox("price").lines == ["No price is set."])
        // Another client may have set one of a model that is really named so.
        let client = try daemon.connect()
        defer { client.close() }
        var price = Price()
        price.input = .dollars("2")
        try client.prices.set([
            PriceEntry(provider: try Name("openai"), model: nil, price: price),
            PriceEntry(provider: try Name("openai"), model: try Name("*"), price: price),
        ])
        let lines = try daemon.fusebox("price", "list").lines.dropFirst()
        #expect(lines.map { $0.split(separator: " ") } == [["openai", "*", "2"], ["openai", "'*'", "2"]])
        #expect(try daemon.fusebox("price", "remove", "openai", "*").status == 0)
        let left = try daemon.fusebox("price", "list").lines.dropFirst()
        #expect(left.map { $0.split(separator: " ") } == [["openai", "*", "2"]])
    }

    @Test func aListOfOthersIsImportedUnderOwnNames() throws {
        let daemon = try Daemon()
        let list = """
            {"azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05},
             "dall-e-3": {"litellm_provider": "openai", "output_cost_per_image": 0.04}}
            """
        let tried = try daemon.fusebox(
            "price", "import", "--format", "litellm", "-", "--as", "azure=my-azure", "--dry-run", input: list)
        #expect(
            tried.lines == [
                "1 price would be set, 0 of them in the place of one that was set before",
                "left out: dall-e-3: it is priced by another measure than tokens: output_cost_per_image",
            ])
        #expect(try daemon.fusebox("price", "list").lines == ["No price is set."])
        let outcome = try daemon.fusebox(
            "price", "import", "--format", "litellm", "-", "--as", "azure=my-azure", input: list)
        #expect(
            outcome.lines == [
                "1 price set, 0 of them in the place of one that was set before",
                "left out: dall-e-3: it is priced by another measure than tokens: output_cost_per_image",
            ])
        #expect(try daemon.json("price", "list")["prices"]?[0]?["provider"] == "my-azure")
        let again = try daemon.json(
            "price", "import", "--format", "litellm", "-", "--as", "azure=my-azure", "--dry-run", input: list)
        #expect(again["isDryRun"] == true && again["set"] == 1 && again["replaced"] == 1)
    }

    @Test func anImportSaysWhichPricesItLeftOutAndWhichTookThePlaceOfOthers() throws {
        let daemon = try Daemon()
        let list = """
            {"m": {"litellm_provider": "p", "input_cost_per_token": 1e-06},
             "same": {"litellm_provider": "p", "input_cost_per_token": 1e-06},
             "p/same": {"litellm_provider": "p", "input_cost_per_token": 1e-06},
             "p/m": {"litellm_provider": "p", "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06},
             "n": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "cache_creation_input_token_cost_above_1hr": 2e-06},
             "o": {"litellm_provider": "p", "input_cost_per_token": 1e-06, "cache_creation_input_token_cost_above_1hr": 2e-06}}
            """
        _ = try daemon.fusebox("price", "set", "p", "n", "--input", "7")
        let outcome = try daemon.fusebox("price", "import", "--format", "litellm", "-", input: list)
        #expect(
            outcome.lines == [
                "4 prices set, 1 of them in the place of one that was set before",
                "other prices for long prompts are left out, of 1 entry",
                "other prices for longer caches are left out, of 2 entries",
                "not set: m: p/m gives the same model another price, and comes later",
            ])
        let told = try daemon.json("price", "import", "--format", "litellm", "-", input: list)
        #expect(
            told == [
                "isDryRun": false, "set": 4, "replaced": 4, "displaced": [["key": "m", "by": "p/m"]],
                "longPrompts": ["p/m"],
                "longCaches": ["n", "o"], "refused": [],
            ])
    }

    @Test func aProviderThatTheListDoesNotHaveHasNoOtherName() throws {
        let daemon = try Daemon()
        let list = #"{"m": {"litellm_provider": "azure", "input_cost_per_token": 1e-06}}"#
        func errors(_ names: String...) throws -> String {
            let arguments = ["price", "import", "--format", "litellm", "-", "--socket", daemon.socket]
            let outcome = try Program.run(
                [Program.fusebox] + arguments + names.flatMap { ["--as", $0] }, input: list,
                environment: daemon.environment)
            #expect(outcome.status == 64)
            return outcome.errors
        }
        #expect(try errors("azur=mine").contains("--as: the list has no provider 'azur'; did you mean 'azure'?"))
        #expect(
            try errors("google=mine").contains(
                "--as: the list has no provider 'google'; its entries name theirs as litellm_provider"))
        #expect(try errors("azure=mine", "azure=yours").contains("--as gives the provider 'azure' two names"))
        #expect(try errors("azure=*").contains("give a provider of the list and its name here"))
        #expect(try errors("azure=a\u{1}b").contains("is not a name"))
        #expect(try daemon.fusebox("price").lines == ["No price is set."])
    }
}
