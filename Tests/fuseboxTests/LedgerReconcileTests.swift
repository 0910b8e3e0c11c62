import FuseboxInterop
import FuseboxTestSupport
import Testing

/// `fusebox ledger reconcile`. `HistoryTests` has a month that is over.
struct LedgerReconcileTests {
    private func daemonThatSpent() throws -> (Daemon, month: String) {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$5 per month")
        let outcome = try daemon.fusebox("ledger", "record", "openai", "gpt-4o", "--cost", "1")
        #expect(outcome.status == 0)
        let until = try #require(try daemon.json("ledger", "history")["until"]?.text)
        return (daemon, String(until.prefix(7)))
    }

    private func reconcile(_ daemon: Daemon, _ arguments: String...) throws -> Program.Outcome {
        try Program.run([Program.fusebox, "ledger", "reconcile"] + arguments + ["--socket", daemon.socket])
    }

    private func text(_ outcome: Program.Outcome) -> String { outcome.lines.joined(separator: " ") }

    @Test func theDifferenceIsRecordedOnceAndSaid() throws {
        let (daemon, month) = try daemonThatSpent()
        let arguments = ["openai", "--month", month, "--billed", "1.25", "--reason", "invoice 7"]
        let first = try Program.run(
            [Program.fusebox, "ledger", "reconcile"] + arguments + ["--socket", daemon.socket])
        #expect(
            text(first)
                == "openai in \(month): $1.00 recorded, $1.25 billed; $0.25 added: invoice 7; limits count it")
        let second = try daemon.json("ledger", "reconcile", "openai", "--month", month, "--billed", "1.25")
        #expect(second["recorded"] == .number("1.25"))
        #expect(second["difference"] == .number("0"))
        #expect(second["countsInLimits"] == false)
        #expect(second["reason"]?.text == "bill of \(month)")
        #expect(
            text(try reconcile(daemon, "openai", "--month", month, "--billed", "1.25"))
                == "openai in \(month): $1.25 recorded, $1.25 billed; there is nothing to record")
        #expect(
            text(try reconcile(daemon, "openai", "--month", month, "--billed", "1"))
                == "openai in \(month): $1.25 recorded, $1.00 billed; $0.25 taken back: bill of \(month); limits count it"
        )
        #expect(try daemon.json("limit", "list", "--provider", "openai")["limits"]?[0]?["used"] == 1)
    }

    /// The history has the correction with its reason, and the account and the host have it.
    @Test func theHistoryTellsWhy() throws {
        let (daemon, month) = try daemonThatSpent()
        _ = try reconcile(daemon, "openai", "--month", month, "--billed", "3", "--reason", "invoice\t7")
        let isWritten = try waitUntil { try daemon.json("ledger", "history")["waiting"] == 0 }
        #expect(isWritten)
        for scope in [["openai"], ["--host"]] {
            let json = try Program.run(
                [Program.fusebox, "ledger", "history", "--json"] + scope + ["--socket", daemon.socket]
            ).json
            #expect(json["total"]?["spend"] == 3)
            let correction = try #require(json["corrections"]?.list?.first)
            #expect(json["corrections"]?.list?.count == 1)
            #expect(correction["spend"] == 2)
            #expect(correction["reason"]?.text == "invoice\t7")
            #expect(correction["day"]?.text?.hasPrefix(month) == true)
            let account = try Program.run(
                [Program.fusebox, "ledger", "show", "--json"] + scope + ["--socket", daemon.socket]
            ).json
            #expect(account["usage"]?["spend"] == 3)
            #expect(account["usage"]?["requests"] == 1)
        }
        let shown = try daemon.fusebox("ledger", "history", "openai")
        #expect(shown.output.contains("corrected by $2.00: invoice\u{FFFD}7"), "\(shown.output)")
    }

    @Test func whatCannotBeComparedIsRefused() throws {
        let (daemon, month) = try daemonThatSpent()
        let future = try reconcile(daemon, "openai", "--month", "9999-12", "--billed", "1")
        #expect(future.status == 64)
        #expect(future.errors.contains("9999-12 has not begun; use counts in \(month) now"), "\(future.errors)")
        let old = try reconcile(daemon, "openai", "--month", "1990-01", "--billed", "1")
        #expect(old.status == 64)
        #expect(old.errors.contains("the history keeps 13 months, and 1990-01 is older"), "\(old.errors)")
        let unknown = try reconcile(daemon, "openia", "--month", month, "--billed", "1")
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("did you mean 'openai'?"), "\(unknown.errors)")
        for arguments in [
            ["--month", "2026-13", "--billed", "1"], ["--month", "2026", "--billed", "1"],
            ["--month", month, "--billed=-1"], ["--month", month, "--billed", "much"],
            ["--month", month, "--billed", "1", "--reason", ""], ["--billed", "1"], ["--month", month],
        ] {
            let outcome = try Program.run(
                [Program.fusebox, "ledger", "reconcile", "openai"] + arguments + ["--socket", daemon.socket])
            #expect(outcome.status == 64, "\(arguments): \(outcome.errors)")
        }
    }
}
