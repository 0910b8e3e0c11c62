import FuseboxCore
import FuseboxInterop
import FuseboxWire
import Testing

/// Snapshots of llm-providers.
struct LLMProvidersSnapshotTests {
    static let profiles = [Profile.fusebox, .llmProviders]
    /// The time at which each fixture was written.
    static let taken: [(file: String, at: Int64)] = [
        ("breaker", 1_768_682_671_727), ("breakers", 1_768_682_671_727), ("exhaustion", 1_768_682_671_727),
        ("ledger", 1_768_682_671_727), ("export", 1_767_680_530_266),
    ]

    private func machine(
        _ document: JSONValue, _ profile: Profile = .fusebox, at milliseconds: Int64, bounds: Bounds = Bounds()
    ) throws -> StateMachine {
        try LLMProvidersSnapshot.stateMachine(
            from: document, profile: profile, bounds: bounds, at: Moment(milliseconds: milliseconds))
    }

    /// The state's export of the part in a fixture.
    private func written(_ file: String, _ machine: StateMachine, at milliseconds: Int64) throws -> JSONValue {
        let moment = Moment(milliseconds: milliseconds)
        switch file {
        case "breaker":
            let breakers = LLMProvidersSnapshot.breakers(of: machine, at: moment)
            return try #require(breakers["breakers"]?[0])
        case "breakers": return LLMProvidersSnapshot.breakers(of: machine, at: moment)
        case "exhaustion": return LLMProvidersSnapshot.exhaustion(of: machine, at: moment)
        case "ledger": return LLMProvidersSnapshot.ledger(of: machine, at: moment)
        default: return LLMProvidersSnapshot.export(machine, at: moment)
        }
    }

    // MARK: Round trips

    @Test(arguments: taken.map(\.file), profiles)
    func jsonToStateToJSONIsTheSameJSON(file: String, profile: Profile) throws {
        let at = try #require(Self.taken.first { $0.file == file }).at
        let document = try Fixtures.json("snapshots/\(file).json")
        let written = try written(file, try machine(document, profile, at: at), at: at)
        // The export has its own time.
        let expected = replacing(document, "exportedAt", JSONValue(at))
        #expect(written == expected, "\(written.text())\n\(expected.text())")
    }

    /// The document with this value in every member with this key.
    private func replacing(_ document: JSONValue, _ key: String, _ value: JSONValue) -> JSONValue {
        guard let members = document.members else { return document }
        return .object(members.map { ($0.key, $0.key == key ? value : replacing($0.value, key, value)) })
    }

    @Test(arguments: profiles, ["03", "07", "08"])
    func stateToJSONToStateIsTheSameState(profile: Profile, trace: String) throws {
        var runner = TraceRunner(profile: profile)
        for line in Fixtures.lines("conformance/trace-\(trace).jsonl") { _ = try? runner.reply(to: line) }
        let original = try #require(runner.machine)
        let moment = original.lastMoment
        let export = LLMProvidersSnapshot.export(original, at: moment)
        let copy = try LLMProvidersSnapshot.stateMachine(from: export, profile: profile, at: moment)
        #expect(LLMProvidersSnapshot.export(copy, at: moment) == export)
        #expect(copy.names.count == original.names.count)
        #expect(copy.models.count == original.models.count)
        #expect(copy.ledger.since == original.ledger.since)
        // It behaves like the original in every reply about state.
        var machines = (original, copy)
        for name in ["openai", "anthropic", "groq", "cerebras", "cloudflare"] {
            let name = try Name(name)
            let later = moment.now.milliseconds + 500
            // The library has no episodes.
            var breaker = try apply(BreakerGet(name: name), &machines.0, later)
            let other = try apply(BreakerGet(name: name), &machines.1, later)
            breaker.status.episode = other.status.episode
            breaker.status.openedBy = other.status.openedBy
            breaker.status.failedRecoveries = other.status.failedRecoveries
            #expect(breaker == other)
            // The library does not tell when an account was used first.
            var account = try apply(LedgerProvider(provider: name), &machines.0, later).account
            account?.usage.firstRecorded = nil
            #expect(try apply(LedgerProvider(provider: name), &machines.1, later).account == account)
            #expect(
                try apply(LedgerDepletion(provider: name), &machines.0, later)
                    == apply(LedgerDepletion(provider: name), &machines.1, later))
            #expect(
                try apply(ExhaustionGet(provider: name), &machines.0, later)
                    == apply(ExhaustionGet(provider: name), &machines.1, later))
        }
    }

    @discardableResult
    private func apply<C: StateCommand>(_ command: C, _ machine: inout StateMachine, _ at: Int64) throws -> C.Reply {
        var events: [Event] = []
        return try machine.apply(command, at: Moment(milliseconds: at), effects: &events)
    }

    @Test func summedUpHistorySurvivesWhichTheLibraryWouldPassThrough() throws {
        var machine = StateMachine(at: Moment(milliseconds: 1_000_000))
        let provider = try Name("p")
        for number in 0..<5_000 {
            try apply(
                LedgerRecord(
                    provider: provider, model: try Name("m"), cost: Money(nanodollars: Int64(number)), inputTokens: 0,
                    outputTokens: 0), &machine, 1_000_000 + Int64(number) * 1000)
        }
        let moment = machine.lastMoment
        let export = LLMProvidersSnapshot.export(machine, at: moment)
        let history = try #require(export["ledger"]?["spendHistory"]?.list)
        #expect(history.contains { $0["count"] != nil && $0["from"] != nil })
        let copy = try LLMProvidersSnapshot.stateMachine(from: export, profile: .fusebox, at: moment)
        #expect(LLMProvidersSnapshot.export(copy, at: moment) == export)
        var machines = (machine, copy)
        let command = LedgerBurnRate(provider: provider, windowMilliseconds: 86_400_000)
        let rate = try apply(command, &machines.1, moment.now.milliseconds)
        #expect(try apply(command, &machines.0, moment.now.milliseconds) == rate)
        #expect(rate.sampleCount == 5_000)
    }

    // MARK: Reading

    @Test func aBreakersSnapshotIsWhatBreakerDeserializeTakes() throws {
        let record = try LLMProvidersSnapshot.breakerRecord(from: try Fixtures.json("snapshots/breaker.json"))
        #expect(record.name.text == "azure/eu-west")
        #expect(record.totalFailures == 8)
        #expect(record.lastDecay == Timestamp(milliseconds: 1_768_682_647_213))
        #expect(try LLMProvidersSnapshot.breaker(record) == Fixtures.json("snapshots/breaker.json"))
    }

    private static let state = """
        {"consecutiveFailures":2,"totalFailures":3,"totalSuccesses":0,"totalRequests":3,"lastDecayAt":0,"windowStart":1}
        """

    /// Missing parts of a configuration are the default's; unknown members are ignored; a clock at 0 does not run.
    @Test func missingPartsOfAConfigurationAreTheDefaults() throws {
        let json = """
            {"version":1,"later":true,"breakers":[{"version":1,"name":"a","config":{"failureThreshold":0},\
            "state":\(Self.state),"note":"x"}]}
            """
        let machine = try machine(try JSONValue(parsing: json.utf8), .llmProviders, at: 10_000_000)
        let id = try #require(machine.names.find(try Name("a")))
        let breaker = try #require(machine.breakers[id])
        #expect(breaker.configuration.failureThreshold == 1)
        #expect(breaker.configuration.resetTimeoutMilliseconds == 60_000)
        #expect(machine.breakers.isConfigured(RouteKey(id)))
        let status = breaker.status(at: Timestamp(milliseconds: 10_000_000))
        #expect(status.consecutiveFailures == 2)
        #expect(status.nextAttempt == nil)
        #expect(machine.breakers.defaultConfiguration == BreakerConfiguration())
    }

    @Test func failuresPastTheThresholdStayInTheLibrarysProfileAndAreClampedInOurs() throws {
        let json = #"{"version":1,"name":"a","config":{"failureThreshold":1},"state":\#(Self.state)}"#
        for (profile, failures) in [(Profile.llmProviders, UInt32(2)), (.fusebox, 1)] {
            let machine = try machine(try JSONValue(parsing: json.utf8), profile, at: 5)
            let id = try #require(machine.names.find(try Name("a")))
            #expect(machine.breakers[id]?.consecutiveFailures == failures)
        }
    }

    private func ledger(
        spend: String = "0.9", budget: String = "1", history: String = "[]", thresholds: String = "{}",
        periodStart: Int64 = 1_767_225_600_000
    ) throws -> JSONValue {
        try JSONValue(
            parsing: """
                {"version":1,"periodStart":\(periodStart),"budgets":[],"thresholds":\(thresholds),
                "providers":{"p":{"spend":\(spend),"inputTokens":1,"outputTokens":2,"requestCount":3,"lastRecordedAt":0,
                "budget":\(budget)}},"spendHistory":\(history)}
                """.utf8)
    }

    private func record(_ cost: String, _ machine: inout StateMachine, _ at: Int64) throws -> LedgerRecord.Reply {
        try apply(
            LedgerRecord(
                provider: try Name("p"), model: try Name("m"), cost: try #require(Money(cost) as Money?),
                inputTokens: 0,
                outputTokens: 0), &machine, at)
    }

    @Test(arguments: profiles) func aThresholdTierThatTheSpendHasReachedDoesNotFireAgain(profile: Profile) throws {
        let at: Int64 = 1_768_000_000_000
        var machine = try machine(try ledger(spend: "0.91"), profile, at: at)
        #expect(try record("0.001", &machine, at + 1).reached.isEmpty)
        #expect(try record("0.04", &machine, at + 2).reached.first?.tier == .emergency)
    }

    @Test func depletionTiersAreForgottenInTheLibrarysProfileAndKeptInOurs() throws {
        let at: Int64 = 1_768_000_000_000
        let history = #"[{"timestamp":\#(at - 86_000_000),"provider":"p","cost":0.3}]"#
        for (profile, tier) in [(Profile.llmProviders, DepletionTier.critical), (.fusebox, nil)] {
            var machine = try machine(try ledger(spend: "0.3", history: history), profile, at: at)
            #expect(try record("0.001", &machine, at + 1).depletion?.tier == tier)
            // A nearer tier fires in both.
            #expect(try record("0.3", &machine, at + 2).depletion?.tier == .emergency)
        }
    }

    @Test func amountsThatDoublesHaveBlurredAreRoundedToNanoDollars() throws {
        var machine = try machine(try ledger(spend: "10.344325154999998", budget: "1e2"), at: 5)
        #expect(try apply(LedgerTotal(), &machine, 5).spend == Money("10.344325155"))
        let account = try apply(LedgerProvider(provider: try Name("p")), &machine, 5).account
        #expect(machine.budget(try Name("p"), nil, at: Moment(milliseconds: 5))?.limit.amount == 100_000_000_000)
        #expect(account?.usage.lastRecorded == nil)
    }

    @Test func aSharedHistoryLongerThan2000KeepsItsLengthAsInTheLibrary() throws {
        let entries = (0..<2_500).map { #"{"timestamp":\#($0),"provider":"p","cost":1}"# }.joined(separator: ",")
        var machine = try machine(try ledger(budget: "null", history: "[\(entries)]"), .llmProviders, at: 2_500)
        let command = LedgerSummary(provider: try Name("p"), windowMilliseconds: 86_400_000)
        #expect(try apply(command, &machine, 2_500).requests == 2_500)
        _ = try record("5", &machine, 2_501)
        #expect(try apply(command, &machine, 2_501).requests == 2_500)
        #expect(try apply(command, &machine, 2_501).spend == Money("2504"))
    }

    @Test func aBurnRateIsMeasuredSinceTheEarliestEntryWhereverThatStands() throws {
        let history =
            #"[{"timestamp":90000000,"provider":"p","cost":2},{"timestamp":72000000,"provider":"p","cost":1}]"#
        var machine = try machine(try ledger(history: history), at: 90_000_000)
        let rate = try apply(LedgerBurnRate(provider: try Name("p")), &machine, 90_000_000)
        #expect(rate.baseMilliseconds == 18_000_000)
        #expect(rate.costPerHour == 3.0 / 5)
    }

    @Test func entriesOfAHistoryNeedNotComeInTheOrderOfTime() throws {
        let history = #"[{"timestamp":90000000,"provider":"p","cost":2},{"timestamp":5,"provider":"p","cost":1}]"#
        var machine = try machine(try ledger(history: history), at: 90_000_000)
        let command = LedgerSummary(provider: try Name("p"), windowMilliseconds: 86_400_000)
        #expect(try apply(command, &machine, 90_000_000).spend == Money("2"))
        let whole = LedgerSummary(provider: try Name("p"), windowMilliseconds: 90_000_000)
        #expect(try apply(whole, &machine, 90_000_000).spend == Money("3"))
    }

    @Test func anImportTakesThePlaceOfAllThreePartsAndForgettingAfterwardsLeavesNoNameBehind() throws {
        var machine = StateMachine(at: Moment(milliseconds: 5))
        try apply(BreakerFailure(name: try Name("old")), &machine, 5)
        try apply(ExhaustionMark(provider: try Name("old")), &machine, 5)
        let imported = try self.machine(try Fixtures.json("snapshots/export.json"), at: 1_767_680_530_266)
        machine.replaceContents(with: imported)
        #expect(machine.names.find(try Name("old")) == nil)
        #expect(machine.lastMoment == Moment(milliseconds: 5))
        var names: [Name] = []
        for entry in try apply(Overview(cursor: Page.end), &machine, 1_767_680_530_266).entries {
            names.append(entry.name)
        }
        #expect(names.count == machine.names.count)
        for name in names { try apply(Forget(name: name), &machine, 1_767_680_530_266) }
        #expect(machine.names.count == 0)
        #expect(machine.models.count == 0)
    }

    // MARK: Refusals

    @Test(
        "What is wrong with a snapshot is told with its place",
        arguments: [
            ("[]", "expected an object"),
            ("{}", "this is not a snapshot of llm-providers"),
            (#"{"breakers":{"version":1,"breakers":7}}"#, "breakers.breakers: expected an array"),
            (#"{"ledger":"{"}"#, "ledger: the text is not JSON: line 1, column 2"),
            (#"{"version":2,"entries":[],"defaultResetMs":1}"#, "version: version 2 is unknown; expected 1"),
            (#"{"version":"1","entries":[]}"#, "version: expected a whole number"),
            (#"{"version":1,"entries":[]}"#, "defaultResetMs: missing; expected a whole number"),
            (#"{"version":1,"entries":[{"provider":7}],"defaultResetMs":1}"#, "entries[0].provider: expected a string"),
            (#"{"version":1,"breakers":[{"version":1,"name":"a"}]}"#, "breakers[0].state: missing; expected an object"),
            (
                #"{"version":1,"breakers":[{"version":1,"name":"a","state":{"consecutiveFailures":-1}}]}"#,
                "breakers[0].state.consecutiveFailures: -1 is out of range; expected a number from 0 to 4294967295"
            ),
            (
                #"{"version":1,"breakers":[],"defaultConfig":{"resetTimeout":0}}"#,
                "defaultConfig: resetTimeout 0 ms must lie between 1 ms and 366 days"
            ),
            (#"{"version":1,"periodStart":1,"budgets":[]}"#, "this is not a snapshot"),
            (#"{"version":1,"providers":{},"budgets":[]}"#, "periodStart: missing; expected a whole number"),
            (#"{"version":1,"periodStart":1,"providers":{}}"#, "budgets: missing; expected an array"),
            (
                #"{"version":1,"periodStart":1,"budgets":[],"providers":{"a/b":{"spend":"1"}}}"#,
                #"providers["a/b"].spend: expected a number"#
            ),
            (
                #"{"version":1,"periodStart":1,"budgets":[{"provider":"a","monthlyBudget":-1}],"providers":{}}"#,
                "budgets[0]: the monthly budget must not be negative"
            ),
            (
                #"{"version":1,"periodStart":1,"budgets":[],"thresholds":{"warning":-1},"providers":{}}"#,
                "thresholds: a threshold must be at least 0"
            ),
            (
                #"{"version":1,"periodStart":1,"budgets":[],"providers":{"":{}}}"#,
                #"providers[""]: a name must not be empty"#
            ),
        ])
    func malformed(json: String, message: String) throws {
        let document = try JSONValue(parsing: json.utf8)
        do {
            _ = try machine(document, at: 1_000)
            Issue.record("it was read")
        } catch let error as JSONFieldError {
            #expect(error.description.hasPrefix(message), "\(error)")
        }
    }

    @Test func limitsHoldForAnImport() throws {
        var bounds = Bounds()
        bounds.models = 1
        #expect(throws: JSONFieldError.self) {
            try machine(try Fixtures.json("snapshots/export.json"), at: 1_767_680_530_266, bounds: bounds)
        }
        bounds = Bounds()
        bounds.names = 4
        #expect(throws: JSONFieldError.self) {
            try machine(try Fixtures.json("snapshots/export.json"), at: 1_767_680_530_266, bounds: bounds)
        }
    }
}
