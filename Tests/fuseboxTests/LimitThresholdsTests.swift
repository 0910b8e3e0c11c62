import FuseboxInterop
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import fusebox

/// `fusebox limit set --thresholds`.
struct LimitThresholdsTests {
    @Test(
        arguments: [
            ("50,80,95", [0.5, 0.8, 0.95]), ("50%,80%", [0.5, 0.8]), ("50 %, 80 %", [0.5, 0.8]), ("50 80", [0.5, 0.8]),
            ("100", [1]), ("12.5,150", [0.125, 1.5]), ("0.5%", [0.005]), ("none", []), ("None", []),
        ] as [(String, [Double])])
    func whatAPersonWouldWriteIsUnderstood(_ text: String, _ shares: [Double]) throws {
        #expect(try ThresholdsArgument.read(text).thresholds.shares == shares)
    }

    @Test(arguments: [
        ("", "such as 50,80,95, or none"), ("80,50", "ascending"), ("50,50", "ascending"), ("0", "above 0"),
        ("-5", "above 0"), ("10,20,30,40", "one to three"), ("many", "such as 50,80,95, or none"), ("nan", "above 0"),
        ("inf", "above 0"), ("0.5,0.8", "'0.5' may mean 50% or 0.5%"),
    ])
    func whatIsNotUnderstoodIsToldWithTheForm(_ text: String, _ reason: String) throws {
        let outcome = try Program.run(
            [Program.fusebox, "limit", "set", "--host", "$5 per day", "--thresholds", text, "--socket", "/nowhere"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
    }

    @Test func theyAreToldWhereTheyAreNotTheUsualOnes() throws {
        let daemon = try Daemon()
        func set(_ limit: String, _ options: String...) throws -> String {
            let words = [Program.fusebox, "limit", "set", "--provider", "openai", limit] + options
            return try Program.run(words + ["--socket", daemon.socket]).output
        }
        #expect(
            try set("$5 prepaid", "--thresholds", "50,80")
                == "openai: $5 prepaid (new); $0.00 of $5 used; thresholds 50%, 80%\n")
        #expect(
            try set("$5 prepaid", "--thresholds", "none")
                == "openai: $5 prepaid (was $5 prepaid, thresholds 50%, 80%); $0.00 of $5 used; no thresholds\n")
        #expect(
            try daemon.fusebox("limit", "list").lines == [
                "SCOPE   LIMIT                FULL              LEFT  ENDS IN",
                "openai  $0.00 of $5 prepaid  [..........] 0%  $5.00  -", "  no thresholds",
            ])
        let entry = try daemon.json("limit", "list")["limits"]?[0]
        #expect(entry?["thresholds"] == ["warning": .null, "critical": .null, "emergency": .null])
        #expect(
            try set("$5 prepaid") == "openai: $5 prepaid (was $5 prepaid, no thresholds); $0.00 of $5 used\n",
            "what is not told is as by default again")
        #expect(try daemon.json("limit", "list")["limits"]?[0]?["thresholds"]?.isNull == true)
        #expect(try daemon.fusebox("limit", "list").lines.count == 2)
        // The usual ones of cost are not those of a limit that has none otherwise.
        #expect(try set("$5 prepaid", "--thresholds", "80,90,95").hasSuffix("$0.00 of $5 used\n"))
        #expect(try set("9 requests per minute", "--thresholds", "80,90,95").hasSuffix("; thresholds 80%, 90%, 95%\n"))
    }

    @Test func anEventIsSentWhereAThresholdOfItsOwnIsReached() throws {
        let daemon = try Daemon()
        _ = try daemon.fusebox("limit", "set", "--provider", "openai", "$10 prepaid", "--thresholds", "12.5,150")
        func record(_ cost: String) throws -> [String] {
            try daemon.fusebox("ledger", "record", "openai", "m", "--cost", cost).lines
        }
        #expect(try record("1.24").isEmpty)
        #expect(
            try record("0.01") == ["the limit of $10 prepaid on openai reached 12.5% (warning): $1.25 of $10 used"])
        #expect(
            try record("20") == [
                "the limit of $10 prepaid on openai reached 150% (critical): $21.25 of $10 used",
                "the limit of $10 prepaid on openai is used up (emergency)",
            ])
    }

    @Test func callsInFlightHaveNone() throws {
        let daemon = try Daemon()
        let alone = try daemon.fusebox("limit", "set", "--host", "8 in flight", "--thresholds", "50")
        #expect(alone.status == 64)
        #expect(alone.errors == "fusebox: --thresholds: a limit of calls in flight has none\n")
        let both = try daemon.fusebox("limit", "set", "--host", "8 in flight", "$5 prepaid", "--thresholds", "50")
        #expect(
            both.lines == [
                "host: 8 in flight (new); 0 of 8 in flight", "host: $5 prepaid (new); $0.00 of $5 used; thresholds 50%",
            ])
    }
}
