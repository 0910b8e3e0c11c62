import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// What documents of providers cost, from the command line to the ledger and on the page, against `usage_costs.py`. It
/// reads the APIs in its own way and computes with Python's `decimal`.
struct UsageCostTests {
    private static let prices = [
        ("input", "2.50"), ("cached", "0.3125"), ("write", "3.125"), ("output", "10.01"), ("reasoning", "12.345678"),
    ]
    /// The kinds as the page names them.
    private static let kinds = ["input", "cached input", "cache write", "output", "reasoning"]
    private static let tests = #filePath.replacing("/fuseboxTests/UsageCostTests.swift", with: "")
    private static let page = "\(tests)/../proto-docs/prices.md"

    @Test func everySampleCostsWhatPythonSays() throws {
        let daemon = try Daemon()
        let set = try daemon.fusebox(
            "price", "set", "p", "m", "--input", "2.50", "--cached-input", "0.3125", "--cache-write", "3.125",
            "--output",
            "10.01", "--reasoning", "12.345678")
        #expect(set.status == 0, "\(set.errors)")
        for (sample, cost) in zip(UsageSample.all, try Self.costs()) {
            let before = try spend(daemon)
            let report = try daemon.fusebox(
                "report", "--route", "p/m", "--outcome", "success", "--usage", sample.document)
            #expect(report.status == 0, "\(sample): \(report.errors)")
            #expect(try spend(daemon) - before == cost, "\(sample)")
        }
    }

    /// `FUSEBOX_WRITE_SAMPLES=1` in the environment of `swift test` writes the table anew.
    @Test func thePageHasEverySampleWithItsTokensAndItsCost() throws {
        let rows = zip(UsageSample.all, try Self.costs()).map { sample, cost in
            let tokens = sample.tokens.map { $0.map { " \($0) |" } ?? " |" }.joined()
            return "| \(sample) |\(tokens) \(Money(nanodollars: cost)) |"
        }
        let head = """
            | sample | \(Self.kinds.joined(separator: " | ")) | cost |
            |---|---|---|---|---|---|---|

            """
        let text = String(decoding: contents(of: Self.page), as: UTF8.self)
        let parts = text.split(separator: head, omittingEmptySubsequences: false)
        try #require(parts.count == 2)
        if getenv("FUSEBOX_WRITE_SAMPLES") != nil {
            write(Array("\(parts[0])\(head)\(rows.joined(separator: "\n"))\n".utf8), to: Self.page)
        } else {
            #expect(parts[1].split(separator: "\n").map(String.init) == rows, "run it with FUSEBOX_WRITE_SAMPLES=1")
        }
        let named = zip(Self.kinds, Self.prices).map { "\($0) $\($1.1)" }.joined(separator: ", ")
        #expect(parts[0].replacing("\n", with: " ").contains("at these prices per million tokens: \(named)."))
    }

    /// What each sample costs, in nano-dollars, as Python computes it.
    private static func costs() throws -> [Int64] {
        let prices = JSONValue.object(Self.prices.map { ($0, .string($1)) })
        let lines = UsageSample.all.map { sample in
            let line: JSONValue = ["document": .string(sample.document), "prices": prices]
            return line.text() + "\n"
        }
        let python = try Program.run(["/usr/bin/python3", "\(tests)/tools/usage_costs.py"], input: lines.joined())
        try #require(python.status == 0, "\(python.errors)")
        let costs = python.lines.compactMap { Int64($0) }
        try #require(costs.count == UsageSample.all.count)
        return costs
    }

    private func spend(_ daemon: Daemon) throws -> Int64 {
        let client = try daemon.connect()
        defer { client.close() }
        return try client.call(LedgerProvider(provider: Name("p"))).account?.usage.spend.nanodollars ?? 0
    }
}
