import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

/// What documents of providers cost, from the command line to the ledger, against `usage_costs.py`. It reads the APIs in
/// its own way and computes with Python's `decimal`.
struct UsageCostTests {
    private static let prices = [
        ("input", "2.50"), ("cached", "0.3125"), ("write", "3.125"), ("output", "10.01"), ("reasoning", "12.345678"),
    ]
    private static let script = #filePath.replacing("fuseboxTests/UsageCostTests.swift", with: "tools/usage_costs.py")

    @Test func everySampleCostsWhatPythonSays() throws {
        let daemon = try Daemon()
        let set = try daemon.fusebox(
            "price", "set", "p", "m", "--input", "2.50", "--cached-input", "0.3125", "--cache-write", "3.125",
            "--output",
            "10.01", "--reasoning", "12.345678")
        #expect(set.status == 0, "\(set.errors)")
        let prices = JSONValue.object(Self.prices.map { ($0, .string($1)) })
        let lines = UsageSample.all.map { sample in
            let line: JSONValue = ["document": .string(sample.document), "prices": prices]
            return line.text() + "\n"
        }
        let python = try Program.run(["/usr/bin/python3", Self.script], input: lines.joined())
        try #require(python.status == 0, "\(python.errors)")
        let costs = python.lines.map { Int64($0) }
        #expect(costs.count == UsageSample.all.count)
        for (sample, cost) in zip(UsageSample.all, costs) {
            let before = try spend(daemon)
            let report = try daemon.fusebox(
                "report", "--route", "p/m", "--outcome", "success", "--usage", sample.document)
            #expect(report.status == 0, "\(sample): \(report.errors)")
            #expect(try spend(daemon) - before == cost, "\(sample)")
        }
    }

    private func spend(_ daemon: Daemon) throws -> Int64 {
        let client = try daemon.connect()
        defer { client.close() }
        return try client.call(LedgerProvider(provider: Name("p"))).account?.usage.spend.nanodollars ?? 0
    }
}
