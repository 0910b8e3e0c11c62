import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

struct LedgerListTests {
    /// A daemon with calls of two teams.
    private func daemonThatSpent() throws -> Daemon {
        let daemon = try Daemon()
        for (provider, model, cost, tag) in [
            ("openai", "gpt-4o", "0.5", "team:search"), ("openai", "o1", "2", "team:mail"),
            ("anthropic", "sonnet", "3.25", "team:search"),
        ] {
            let outcome = try daemon.fusebox(
                "ledger", "record", provider, model, "--cost", cost, "--tag", tag, "--deployment", "eu")
            #expect(outcome.status == 0)
        }
        return daemon
    }

    private func list(_ daemon: Daemon, _ kind: String...) throws -> [String] {
        try Program.run([Program.fusebox, "ledger", "list"] + kind + ["--socket", daemon.socket]).lines
    }

    @Test func eachKindIsListedByWhatWasSpentTheHighestFirst() throws {
        let daemon = try daemonThatSpent()
        let tags = try list(daemon, "tags")
        #expect(tags[0].split(separator: " ") == ["TAG", "SPENT", "MONTH", "TODAY", "REQUESTS", "LAST"])
        #expect(tags[1].hasPrefix("uid:\(geteuid())"))
        #expect(tags[2].hasPrefix("team:search  $3.75  $3.75  $3.75         2  "), "\(tags[2])")
        #expect(tags[3].hasPrefix("team:mail    $2.00  $2.00  $2.00         1  "))
        #expect(tags.count == 4)
        #expect(tags.allSatisfy { $0.count <= 80 })
        func names(_ kind: String...) throws -> [String] {
            let lines = try Program.run([Program.fusebox, "ledger", "list"] + kind + ["--socket", daemon.socket]).lines
            return lines.map { "\($0.prefix { $0 != " " })" }
        }
        #expect(try names("models") == ["MODEL", "anthropic/sonnet", "openai/o1", "openai/gpt-4o"])
        #expect(try names("deployments") == ["DEPLOYMENT", "anthropic@eu", "openai@eu"])
        #expect(try names("providers") == ["PROVIDER", "anthropic", "openai"])
        #expect(try names() == ["PROVIDER", "anthropic", "openai"])
    }

    @Test func inJSONEachAccountHasWhatItUsedInAllThisMonthAndToday() throws {
        let json = try daemonThatSpent().json("ledger", "list", "tags")
        #expect(json["kind"]?.text == "tag")
        let team = json["accounts"]?.list?.first { $0["scope"]?["tag"]?.text == "team:search" }
        for stretch in ["usage", "month", "today"] {
            #expect(team?[stretch]?["spend"] == .number("3.75"))
            #expect(team?[stretch]?["requests"] == 2)
        }
    }

    @Test func longNamesHaveALineOfTheirOwn() throws {
        let daemon = try daemonThatSpent()
        let long = String(repeating: "x", count: 70)
        _ = try daemon.fusebox("ledger", "record", "openai", "o1", "--cost", "9", "--tag", long)
        let tags = try list(daemon, "tags")
        #expect(tags.allSatisfy { $0.count <= 80 })
        #expect(tags.contains(long))
        #expect(tags[0].split(separator: " ") == ["SPENT", "MONTH", "TODAY", "REQUESTS", "LAST"])
    }

    @Test func whereThereIsNoneItSaysSoAndAnotherKindIsToldThoseThatThereAre() throws {
        let daemon = try Daemon()
        #expect(try list(daemon, "deployments") == ["No deployment has an account yet."])
        #expect(try daemon.json("ledger", "list", "tags")["accounts"]?.list?.isEmpty == true)
        let outcome = try daemon.fusebox("ledger", "list", "users")
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("'providers', 'deployments', 'models' and 'tags'"), "\(outcome.errors)")
    }
}
