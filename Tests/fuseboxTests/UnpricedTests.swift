import FuseboxInterop
import FuseboxTestSupport
import Glibc
import Testing

/// A call that nobody priced was not free. Wherever a spend is shown, the calls that it lacks are shown too.
struct UnpricedTests {
    private static let clause = "2 requests whose cost nobody told"

    /// A daemon with two calls for a team, which told their tokens alone.
    private func daemonWithUnpricedCalls() throws -> Daemon {
        let daemon = try Daemon()
        for _ in 0..<2 {
            let outcome = try daemon.fusebox(
                "ledger", "record", "openai", "gpt-4o", "--input-tokens", "5", "--tag", "team:a")
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        return daemon
    }

    private func run(_ daemon: Daemon, _ command: String) throws -> Program.Outcome {
        let outcome = try Program.run(
            [Program.fusebox] + command.split(separator: " ").map(String.init) + ["--socket", daemon.socket])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome
    }

    @Test(arguments: [
        "ledger show", "ledger show openai", "ledger list", "ledger list models", "ledger summary", "overview",
        "ledger history --by provider", "ledger adjust openai --cost 1 --reason r",
    ])
    func tablesHaveAColumn(_ command: String) throws {
        let lines = try run(try daemonWithUnpricedCalls(), command).lines
        let place = try #require(lines.firstIndex { $0.contains("UNPRICED") }, "\(lines)")
        let heading = lines[place]
        let end = try #require(heading.firstRange(of: "UNPRICED")).upperBound
        let row = lines[place + 1].prefix(heading.distance(from: heading.startIndex, to: end))
        #expect(row.hasSuffix(" 2"), "\(lines)")
    }

    @Test func withoutSuchCallsThereIsNoColumn() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "0", "--input-tokens", "5")
        for command in ["ledger show", "ledger show openai", "ledger list", "ledger summary", "overview"] {
            let output = try run(daemon, command).output
            #expect(output.contains("$0.00"))
            #expect(!output.uppercased().contains("UNPRICED") && !output.contains("without"), "\(output)")
        }
    }

    @Test func anAccountSaysHowManyAndSoDoesTheTotal() throws {
        let daemon = try daemonWithUnpricedCalls()
        #expect(
            try run(daemon, "ledger show openai").lines[1...4] == [
                "spent     $0.00 by 2 requests (2 unpriced)", "unpriced  \(Self.clause)",
                "today     $0.00 by 2 requests (2 unpriced)", "month     $0.00 by 2 requests (2 unpriced)",
            ])
        let total = try #require(try run(daemon, "ledger show").lines.last)
        #expect(total.hasPrefix("total $0.00 since ") && total.hasSuffix(", without \(Self.clause)"), "\(total)")
    }

    @Test func rateAndForecastSayHowMany() throws {
        let daemon = try daemonWithUnpricedCalls()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$5 per month")
        for command in ["ledger burn openai", "ledger depletion openai"] {
            let lines = try run(daemon, command).lines
            #expect(lines.contains { $0.hasPrefix("unpriced ") && $0.hasSuffix(Self.clause) }, "\(lines)")
        }
    }

    @Test func whatEndsAnAccountAndWhatComparesItSaysHowMany() throws {
        let daemon = try daemonWithUnpricedCalls()
        let watch = try daemon.begin("watch", "ledger")
        try daemon.waitForSubscribers(1)
        let until = try #require(try daemon.json("ledger", "history")["until"]?.text)
        let bill = try run(daemon, "ledger reconcile openai --month \(until.prefix(7)) --billed 0").lines
        #expect(
            bill.joined(separator: " ").contains("$0.00 recorded, without \(Self.clause), $0.00 billed"), "\(bill)")
        #expect(
            try run(daemon, "ledger forget --tag team:a --yes").output
                .hasPrefix("team:a is forgotten; $0.00 spent by 2 requests (2 unpriced)"))
        #expect(
            try run(daemon, "ledger reset openai --yes").output
                == "openai begins anew; $0.00 had been spent, without \(Self.clause)\n")
        #expect(
            watch.line()?.hasSuffix("the account of openai was reset: $0.00 had been spent, without \(Self.clause)")
                == true)
        watch.interrupt(with: SIGINT)
        #expect(watch.end().status == 0)
    }

    @Test func aSnapshotSaysHowMany() throws {
        let daemon = try daemonWithUnpricedCalls()
        let file = "\(daemon.folder.path)/saved.snapshot"
        #expect(try daemon.fusebox("snapshot", "save", file).status == 0)
        let shown = try Program.run([Program.fusebox, "snapshot", "show", file]).lines
        #expect(shown.contains { $0.hasPrefix("spent ") && $0.hasSuffix(", without \(Self.clause)") }, "\(shown)")
    }

    @Test func programsAreToldTheSame() throws {
        let daemon = try daemonWithUnpricedCalls()
        let all = try daemon.json("ledger", "show")
        #expect(all["unpriced"] == 2)
        #expect(all["providers"]?[0]?["usage"]?["unpriced"] == 2)
        let account = try daemon.json("ledger", "show", "openai")
        for stretch in ["usage", "today", "month"] { #expect(account[stretch]?["unpriced"] == 2, "\(stretch)") }
        #expect(account["modelAccounts"]?[0]?["usage"]?["unpriced"] == 2)
        #expect(try daemon.json("ledger", "list", "tags")["accounts"]?[0]?["usage"]?["unpriced"] == 2)
        #expect(try daemon.json("overview")["entries"]?[0]?["unpriced"] == 2)
        #expect(try daemon.json("ledger", "summary")["summaries"]?[0]?["unpriced"] == 2)
        #expect(try daemon.json("ledger", "burn", "openai")["unpriced"] == 2)
        #expect(try daemon.json("ledger", "depletion", "openai")["unpriced"] == 2)
        let month = try #require(try daemon.json("ledger", "history")["until"]?.text).prefix(7)
        let bill = try daemon.json("ledger", "reconcile", "openai", "--month", "\(month)", "--billed", "0")
        #expect(bill["unpriced"] == 2)
        #expect(try daemon.json("ledger", "reset", "openai", "--yes")["before"]?["unpriced"] == 2)
    }
}
