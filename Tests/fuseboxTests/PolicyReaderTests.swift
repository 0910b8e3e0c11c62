import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import fusebox

/// What a policy's file says, and what is told of one that is wrong.
struct PolicyReaderTests {
    /// A file, and every line that is told of it.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var text: String
        var lines: [String]
        var testDescription: String { text }

        init(_ text: String, _ lines: String...) {
            self.text = text
            self.lines = lines
        }
    }

    static let wrong: [Wrong] = [
        Wrong("", "1:1: the file is empty; begin it with 'version: 1'"),
        Wrong("# nothing\n", "1:1: the file is empty; begin it with 'version: 1'"),
        Wrong("limits: []\n", "1:1: the version is missing; begin the file with 'version: 1'"),
        Wrong("version: 2\n", "1:10: version '2' is not known; this fusebox reads 'version: 1'"),
        Wrong(
            "- a\n",
            "1:1: the file is a list; it has the keys version, zone, limits, prices, aliases, breakers, marks, names"),
        Wrong("version: 1\nlimit:\n", "2:1: the file has no key 'limit'; did you mean 'limits'?"),
        Wrong(
            "version: 1\nlimits: [\n",
            "2:9: this is not YAML: the file ends here, and a '[' or '{' is still open; close it"),
        Wrong("limits: [", "1:9: this is not YAML: the file ends here, and a '[' or '{' is still open; close it"),
        Wrong(
            "version: 1\nlimits: [a, b\nprices: 1\n",
            "2:9: this is not YAML: the list that begins here has no ',' or ']' before 3:7; close it with ']'"),
        Wrong(
            "version: 1\nmarks: {cooldown: 1m\n",
            "2:8: this is not YAML: what begins here with '{' has no ',' or '}' before 3:1; close it with '}'"),
        Wrong(
            "version: 1\nzone: \"UTC\nlimits: []\n",
            "2:7: this is not YAML: the quote that begins here is not closed; end the text with the same quote"),
        Wrong(
            "version: 1\nlimits\nprices: {}\n", "2:1: this is not YAML: a key has no ':'; write 'key: value'"),
        Wrong(
            "version: 1\nlimits:\n  - scope: host\n limits: []\n",
            "4:2: this is not YAML: this belongs to no key; indent a key as the one in line 1 with which its group begins, and remove what is left over behind a value"
        ),
        Wrong(
            "version: 1\nlimits:\n  - scope: host\n   limits: []\n",
            "4:4: this is not YAML: this is no entry of the list that begins in line 3; begin an entry with '- ' below the others, and indent its keys alike"
        ),
        Wrong(
            "version: 1\nzone: a: b\n",
            "2:8: this is not YAML: a ':' cannot stand here; put a text with ': ' in quotes, and indent a key as those beside it"
        ),
        Wrong(
            "version: 1\nlimits: - a\n",
            "2:9: this is not YAML: the '-' of a list cannot stand here; begin the list on the next line, or write it in '[' and ']'"
        ),
        Wrong(
            "version: 1\nprices:\n  *:\n    a: {input: 1}\n",
            "3:3: this is not YAML: '*' and '&' have a meaning of their own; put a text that begins with one in quotes, such as \"*\""
        ),
        Wrong(
            "version: 1\nzone: *all\n",
            "2:7: this is not YAML: a text that begins with '*' stands for another one, and there is none; put it in quotes, such as \"user:*\""
        ),
        Wrong("version: 1\nzone: @x\n", "2:7: this is not YAML: a text cannot begin with '@'; put it in quotes"),
        Wrong(
            "version: 1\nzone: \"a\\q\"\n",
            "2:9: this is not YAML: a '\\' in double quotes begins an escape; write '\\\\', or use single quotes"),
        Wrong(
            "version: 1\nzone: \u{1}\n",
            "2:7: this is not YAML: a control character cannot stand in a file; remove it"),
        Wrong(
            "version: 1\nlimits: ]\n",
            "2:9: this is not YAML: a value is missing before this; write it, or put a text that begins so in quotes"),
        Wrong(
            "%YAML 9.9\n---\nversion: 1\n",
            "1:1: this is not YAML: a line that begins with '%' is for the reader of YAML, and this one is not known; remove it"
        ),
        Wrong(
            "version: 1\nzone: |0\n a\n",
            "2:8: this is not YAML: while scanning a block scalar: found an indentation indicator equal to 0; put texts with signs of YAML, such as ':', '#' or '*', in quotes"
        ),
        Wrong("version: 1\nlimits:\n\t- scope: host\n", "3:1: this is not YAML: a tab cannot indent; write spaces"),
        Wrong(
            "version: 1\n\tlimits: 1\n",
            "2:1: this is not YAML: a tab cannot indent; write spaces"),
        Wrong(
            "version: 1\nmarks: {}\nmarks: {}\n",
            "2:1: the key 'marks' comes again below, in the same place; keep one of them"),
        Wrong(
            "version: 1\n---\nversion: 1\n",
            "2:1: this is not YAML: another document begins here; a policy is one, so remove the '---' or make it a file of its own"
        ),
        Wrong(
            "version: 1\nzone: Europe/Berln\n",
            "2:7: there is no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        Wrong(
            "version: 1\nlimits:\n  - scope: openai\n    limits: [5 rpm, $50 per mouth]\n",
            "4:21: '$50 per mouth' is not a limit: 'mouth' is neither a unit nor a length; write second, minute, hour, day, week, month, quarter or year, or a number with a unit, such as 500ms, 60s, 1.5h, 1h30m or 7d; write it like '$50 per month', '600 requests per minute' or '8 in flight'; `fusebox help limit` shows all forms"
        ),
        Wrong(
            "version: 1\nlimits:\n  - limits: [5 rpm]\n  - scope: host\n  - host\n",
            "3:5: the scope is missing; write host, a route such as openai/gpt-4o, or {tag: \"user:*\"}",
            "4:5: the limits are missing; write a list such as [$50 per month, 600 requests per minute]",
            "5:5: an entry of limits is 'host'; it has the keys scope, limits"),
        Wrong(
            "version: 1\nlimits:\n  - scope: {model: gpt-4o}\n    limits: [5 rpm]\n  - scope: {provder: a}\n    limits: 5 rpm\n",
            "3:12: a scope with the model 'gpt-4o' must name its provider",
            "5:12: the scope names nothing; write host, a route such as openai/gpt-4o, or {tag: \"user:*\"}",
            "5:13: the scope has no key 'provder'; did you mean 'provider'?"),
        Wrong(
            "version: 1\nlimits:\n  - scope: host\n    limits:\n      - $5 per day\n      - limit: $6 per day\n        mode: notifiy\n      - $7 per day\n",
            "7:15: mode: 'notifiy' is not understood; did you mean 'notify'?",
            "8:9: '$7 per day' on host is the same limit as that in line 5: it has the same dimension and window; keep one of them"
        ),
        Wrong(
            "version: 1\nlimits:\n  - scope: host\n    limits:\n      - limit: 8 in flight\n        skip_cache_reads: yes\n      - limit: 5 rpm\n        thresholds: [90, 80]\n      - {mode: deny}\n      - limit: 7 rpm\n        skip_cache_reads: true\n",
            "6:27: skip_cache_reads: 'yes' is not understood; write true or false",
            "8:21: thresholds: '90,80' is not understood; give one to three ascending percentages above 0, such as 50,80,95, or none",
            "9:9: the limit itself is missing; write it as in 'limit: $50 per month'",
            "10:9: only a limit of tokens or input tokens can leave out cache reads, not one of requests"),
        Wrong(
            "version: 1\nprices:\n  openai:\n    gpt-4o: {input: 2x, out: 1}\n    mini: {}\n  \"*\":\n    \"*\": {input: 1}\n",
            "4:21: input: '2x' is not understood; give dollars, such as 0.0012, $1,200.50, '5 USD' or '12 cents', from 0 to 1000000",
            "4:25: the price of 'gpt-4o' has no key 'out'; did you mean 'output'?",
            "5:11: the price of 'mini' tells no amount; write one such as {input: 2.50, output: 10}",
            "7:5: a price is that of a provider, a model or both; \"*\" cannot stand for both"),
        Wrong(
            "version: 1\nprices:\n  openai:\n    gpt-4o: {input: 0.00000000049, request: 0.12345678912}\n",
            "4:21: input: '0.00000000049' is not understood; it is no exact number of nano-dollars per million tokens; give at most nine decimals of a dollar",
            "4:45: request: '0.12345678912' is not understood; it is no exact number of nano-dollars per request; give at most nine decimals of a dollar"
        ),
        Wrong(
            "version: 1\naliases:\n  openai: gpt-4o\n  anthropic:\n    latest:\n",
            "3:11: the aliases of openai is 'gpt-4o'; write 'name: model' below it",
            "5:12: the model is nothing; write a value such as a name"),
        Wrong(
            "version: 1\nbreakers:\n  - route: openai\n    reset_timout: 90s\n  - reset_timeout: 5\n  - route: openai\n    curve: [1, 2]\n    by: models\n    min_workers: 17\n  - route: default\n",
            "4:5: an entry of breakers has no key 'reset_timout'; did you mean 'reset_timeout'?",
            "3:5: the breaker of openai sets nothing; add a key such as reset_timeout: 90s",
            "5:5: the route is missing; write default, a route such as openai@eu, or {provider: openai, deployment: eu}",
            "7:12: curve: '1,2' is not understood; give up to 32 shares from 0 to 1, separated by commas, such as 1,0.5,0.1",
            "8:9: by: 'models' is not understood; did you mean 'model'?",
            "9:18: min_workers: '17' is not understood; give a whole number from 0 to 16",
            "10:5: the breaker of default sets nothing; add a key such as reset_timeout: 90s"),
        Wrong(
            "version: 1\nmarks: {cooldown: 5, longest: 1s}\nnames: {strict: on, require_tags: [\"\"]}\n",
            "2:19: cooldown: '5' is not understood; give a number with a unit, such as 500ms, 60s, 1.5h, 1h30m or 7d, from 0s to 366d",
            "2:31: longest: '1s' is not understood; give a number with a unit, such as 500ms, 60s, 1.5h, 1h30m or 7d, from 1m to 366d",
            "3:17: strict: 'on' is not understood; write true or false",
            "3:36: the tag '' is not a name: a name must not be empty"),
    ]

    @Test(arguments: wrong) func everyErrorIsToldWithItsPlaceAndWhatWouldBeRight(_ wrong: Wrong) throws {
        do throws(PolicyFaults) {
            _ = try PolicyReader.read(wrong.text, label: "p.yaml")
            Issue.record("it was read")
        } catch {
            let lines = wrong.lines.map { "p.yaml:\($0)" }
            #expect(error.lines.dropLast().sorted() == lines.sorted())
            let count = Quantity.count(lines.count, "error")
            #expect(error.lines.last == "fusebox: the policy was not applied: \(count) in p.yaml")
        }
    }

    @Test func atMostTwentyErrorsAreTold() throws {
        let text = "version: 1\n" + (1...30).map { "key-\($0): 1\n" }.joined()
        do throws(PolicyFaults) {
            _ = try PolicyReader.read(text, label: "p.yaml")
            Issue.record("it was read")
        } catch {
            #expect(error.lines.count == 21)
            #expect(error.lines.last?.hasSuffix(": 30 errors in p.yaml; the first 20 are told") == true)
            #expect(error.lines[0].hasPrefix("p.yaml:2:1: "))
        }
    }

    @Test func itemsHaveTheirPlaces() throws {
        let text = """
            version: 1
            zone: Europe/Berlin
            limits:
              - scope: {tag: "user:*", provider: openai}
                limits:
                  - $5 per day
                  - limit: 2k tokens per minute
                    thresholds: {warning: 50, critical: never}
              - scope: host
                limits: $9 per month in UTC
            prices:
              "*":
                mini: {cached_input: "$0.075"}
            breakers:
              - route: openai@eu/gpt
                failure_rate: 50%
            names:
              require_tags: team:*
            """
        let file = try PolicyReader.read(text, label: "p.yaml")
        #expect(file.limits.map(\.description) == ["6:9", "7:9", "10:13"])
        #expect(file.prices.map(\.description) == ["13:5"])
        #expect(file.breakers.map(\.description) == ["15:5"])
        #expect(file.policy.limits.map { $0.limit.window.zone?.text } == ["Europe/Berlin", nil, "UTC"])
        #expect(file.policy.limits[0].scope == Scope(provider: try Name("openai"), tag: try Name("user:*")))
        #expect(file.policy.limits[1].limit.thresholds?.warning == 0.5)
        #expect(file.policy.limits[1].limit.thresholds?.critical == .greatestFiniteMagnitude)
        #expect(file.policy.prices[0].provider == nil)
        #expect(file.policy.breakers[0].deployment?.text == "eu")
        #expect(file.policy.breakers[0].change.failureRate == 0.5)
        #expect(file.policy.requiredTags?.map(\.text) == ["team:*"])
        let refusal = Refusal(.outOfRange, "policy.apply: limits[1]: it is the same limit as limits[0]: tell one")
        let fault = file.fault(for: refusal)
        #expect(fault?.place.description == "7:9")
        #expect(fault?.message == "it is the same limit as that in line 6: tell one")
        #expect(file.fault(for: Refusal(.limitReached, "requiredTags: too many"))?.place.description == "18:17")
        #expect(file.fault(for: Refusal(.busy, "the journal has no room")) == nil)
    }

    @Test func aSectionWithNothingBelowItSaysNothing() throws {
        let text = "version: 1\nlimits:\nprices: ~\naliases: null\nbreakers: []\nmarks: {}\nnames:\n"
        #expect(try PolicyReader.read(text, label: "p.yaml").policy == Policy())
    }
}
