import FuseboxConformance
import FuseboxCore
import FuseboxInterop
import FuseboxWire
import Testing

/// Imports beyond whole exports, and the members that they keep.
struct ImportedPartsTests {
    private static let at: Int64 = 1_768_000_000_000

    private func machine(_ json: String, _ profile: Profile = .llmProviders, at: Int64 = at) throws -> StateMachine {
        try LLMProvidersSnapshot.stateMachine(
            from: try JSONValue(parsing: json.utf8), profile: profile, at: Moment(milliseconds: at))
    }

    private func ledger(
        account: String = #"{"spend":1,"inputTokens":1,"outputTokens":1,"requestCount":1,"lastRecordedAt":1}"#,
        thresholds: String = "{}", budgets: String = "[]", history: String = "[]"
    ) -> String {
        """
        {"version":1,"periodStart":1767225600000,"thresholds":\(thresholds),"budgets":\(budgets),\
        "providers":{"p":\(account)},"spendHistory":\(history)}
        """
    }

    private func apply<C: StateCommand>(_ command: C, _ machine: inout StateMachine, _ at: Int64) throws -> C.Reply {
        var events: [Event] = []
        return try machine.apply(command, at: Moment(milliseconds: at), effects: &events)
    }

    // MARK: Numbers

    @Test(arguments: [Profile.fusebox, .llmProviders])
    func refundsAreCostsBelow0InTheHistoryAndInSums(profile: Profile) throws {
        let history =
            #"[{"timestamp":\#(Self.at - 2),"provider":"p","cost":0.75},"#
            + #"{"timestamp":\#(Self.at - 1),"provider":"p","cost":-0.5}]"#
        let account = #"{"spend":-0.25,"inputTokens":-1,"outputTokens":1,"requestCount":2,"lastRecordedAt":1}"#
        var machine = try machine(ledger(account: account, history: history), profile)
        let name = try Name("p")
        let day = LedgerSummary(provider: name, windowMilliseconds: 86_400_000)
        #expect(try apply(day, &machine, Self.at).spend == .dollars("0.25"))
        #expect(try apply(LedgerTotal(), &machine, Self.at).spend == .dollars("-0.25"))
        let moment = Moment(milliseconds: Self.at)
        let export = LLMProvidersSnapshot.ledger(of: machine, at: moment)
        #expect(export["spendHistory"]?[1]?["cost"]?.double == -0.5)
        #expect(export["providers"]?["p"]?["inputTokens"]?.int64 == -1)
        let copy = try LLMProvidersSnapshot.stateMachine(from: export, profile: profile, at: moment)
        #expect(LLMProvidersSnapshot.ledger(of: copy, at: moment) == export)
    }

    @Test func fractionsOfAMillisecondChangeNoDecision() throws {
        let json =
            #"{"version":1,"defaultResetMs":1000.5,"entries":[{"provider":"p","exhaustedAt":10.25,"resetAt":100.5}]}"#
        var machine = try machine(json, at: 50)
        #expect(machine.exhaustion.defaultCooldownMilliseconds == 1001)
        #expect(try apply(ExhaustionGet(provider: try Name("p")), &machine, 100).entry != nil)
        #expect(try apply(ExhaustionGet(provider: try Name("p")), &machine, 101).entry == nil)

        let breaker = """
            {"version":1,"name":"b","config":{"resetTimeout":1000.5,"failureThreshold":2.5},"state":{\
            "consecutiveFailures":2,"totalFailures":2,"totalSuccesses":0,"totalRequests":2,"lastFailureAt":10.75,\
            "lastDecayAt":10.75,"windowStart":0.5}}
            """
        let record = try LLMProvidersSnapshot.breakerRecord(from: try JSONValue(parsing: breaker.utf8))
        #expect(record.configuration.failureThreshold == 3, "2.5 are reached by the third")
        #expect(record.lastDecay == Timestamp(milliseconds: 11))

        let history = #"[{"timestamp":1000.75,"provider":"p","cost":1}]"#
        var ledger = try self.machine(ledger(history: history), at: 2000)
        let since = { (begin: Int64) in LedgerSummary(provider: try Name("p"), windowMilliseconds: 2000 - begin) }
        #expect(try apply(since(1000), &ledger, 2000).requests == 1)
        #expect(try apply(since(1001), &ledger, 2000).requests == 0)
    }

    @Test func naNWhichJSONWritesAsNullCountsAs0AsTheLibraryReckonsWithIt() throws {
        let account =
            #"{"spend":null,"inputTokens":null,"outputTokens":null,"requestCount":3,"lastRecordedAt":null,"#
            + #""budget":1,"rateLimits":{"tpm":{"used":null,"limit":5,"windowStart":\#(Self.at)}},"#
            + #""models":{"m":{"spend":null,"inputTokens":1,"outputTokens":1,"requestCount":1,"lastRecordedAt":1}}}"#
        let history = #"[{"timestamp":\#(Self.at),"provider":"p","cost":null}]"#
        var machine = try machine(ledger(account: account, thresholds: #"{"warning":null}"#, history: history))
        #expect(try apply(LedgerTotal(), &machine, Self.at).spend == .zero)
        #expect(machine.ledger.listed.thresholds.warning == 0)
        let check = try machine.checkRate(try Name("p"), .tpm, at: Moment(milliseconds: Self.at))
        #expect((check.used, check.limit) == (0, 5))
        // A mark without an end has ended.
        let marks = #"{"version":1,"defaultResetMs":null,"entries":[{"provider":"p","exhaustedAt":5,"resetAt":null}]}"#
        #expect(try self.machine(marks).exhaustion.count == 0)
    }

    // MARK: Parts

    @Test(arguments: [Profile.fusebox, .llmProviders])
    func eachPartAloneReplacesThatPartAndNoOther(profile: Profile) throws {
        let export = try Fixtures.json("snapshots/export.json")
        let moment = Moment(milliseconds: 1_767_680_530_266)
        let other = try LLMProvidersSnapshot.stateMachine(from: export, profile: profile, at: moment)
        let theirs = LLMProvidersSnapshot.export(other, at: moment)
        for part in ["breakers", "exhaustion", "ledger"] {
            let document = try #require(export[part])
            let parts = LLMProvidersSnapshot.parts(of: document)
            var mine = StateMachine(profile: profile, at: Moment(milliseconds: moment.now.milliseconds - 10))
            let name = try Name("mine")
            _ = try apply(BreakerFailure(name: name), &mine, moment.now.milliseconds)
            _ = try apply(ExhaustionMark(provider: name), &mine, moment.now.milliseconds)
            let cost = LedgerRecord(provider: name, model: name, cost: .dollars("1"), inputTokens: 1, outputTokens: 2)
            for _ in 0..<3 { _ = try apply(cost, &mine, moment.now.milliseconds) }
            try mine.setBudget(Budget(provider: name, model: name, monthly: .dollars("3"), rpm: 5), at: moment)
            let before = LLMProvidersSnapshot.export(mine, at: moment)

            let imported = try LLMProvidersSnapshot.stateMachine(from: document, profile: profile, at: moment)
            mine.replace(parts, with: imported)
            let after = LLMProvidersSnapshot.export(mine, at: moment)
            for each in ["breakers", "exhaustion", "ledger"] {
                #expect(after[each] == (each == part ? theirs : before)[each], "\(each) after an import of \(part)")
            }
            // No name is left: forgetting all names removes everything.
            for entry in try apply(Overview(cursor: Page.end), &mine, moment.now.milliseconds).entries {
                _ = try apply(Forget(name: entry.name), &mine, moment.now.milliseconds)
            }
            #expect(mine.names.count == 0 && mine.models.count == 0)
        }
    }

    /// A text that serialize() gave is taken for the document in it, as a whole and as a part.
    @Test func serializedTexts() throws {
        let export = try Fixtures.json("snapshots/export.json")
        let at: Int64 = 1_767_680_530_266
        let moment = Moment(milliseconds: at)
        let expected = LLMProvidersSnapshot.export(
            try LLMProvidersSnapshot.stateMachine(from: export, profile: .llmProviders, at: moment), at: moment)
        let texts = JSONValue.object((export.members ?? []).map { ($0.key, .string($0.value.text())) })
        for document in [texts, .string(export.text())] {
            #expect(LLMProvidersSnapshot.parts(of: document) == .all)
            let machine = try LLMProvidersSnapshot.stateMachine(from: document, profile: .llmProviders, at: moment)
            #expect(LLMProvidersSnapshot.export(machine, at: moment) == expected)
        }
        let breaker = JSONValue.string(try Fixtures.json("snapshots/breaker.json").text())
        #expect(try LLMProvidersSnapshot.breakerRecord(from: breaker).name.text == "azure/eu-west")
    }

    // MARK: Unknown members

    private static let foreign = (
        budgets: #"[{"provider":"p","monthlyBudget":2,"owner":{"team":"a"},"rateLimits":{}},"#
            + #"{"provider":"p","model":"m","monthlyBudget":null},{"provider":"p","monthlyBudget":9}]"#,
        thresholds: #"{"warning":0.5,"note":"half"}"#
    )

    /// Members that nobody knows are handed through, empty limits and null budgets too; the first of two budgets
    /// counts.
    @Test func membersThatNobodyKnowsAreHandedThroughEmptyLimitsAndNullBudgetsToo() throws {
        let mark = #"{"provider":"q","exhaustedAt":1,"resetAt":\#(Self.at + 5),"why":["429"]}"#
        let json = """
            {"exhaustion":{"version":1,"defaultResetMs":1,"entries":[\(mark)]},\
            "ledger":\(ledger(thresholds: Self.foreign.thresholds, budgets: Self.foreign.budgets))}
            """
        var machine = try machine(json)
        let moment = Moment(milliseconds: Self.at)
        let export = LLMProvidersSnapshot.export(machine, at: moment)
        let budgets = try #require(export["ledger"]?["budgets"]?.list)
        let expected = try JSONValue(parsing: Self.foreign.budgets.utf8)
        #expect(budgets == Array(try #require(expected.list).prefix(2)))
        #expect(export["ledger"]?["thresholds"]?["note"] == "half")
        #expect(try export["exhaustion"]?["entries"]?[0] == JSONValue(parsing: mark.utf8))
        // Through the import of a part, which copies records of the state.
        var copy = StateMachine(profile: .llmProviders, at: moment)
        copy.replace([.exhaustion, .ledger], with: machine)
        #expect(LLMProvidersSnapshot.export(copy, at: moment)["ledger"] == export["ledger"])
        #expect(LLMProvidersSnapshot.export(copy, at: moment)["exhaustion"] == export["exhaustion"])
        // They are removed with the record that they belong to.
        _ = try apply(ExhaustionMark(provider: try Name("q")), &machine, Self.at)
        try machine.setBudget(Budget(provider: try Name("p")), at: moment)
        let after = LLMProvidersSnapshot.export(machine, at: moment)
        #expect(after["exhaustion"]?["entries"]?[0]?["why"] == nil)
        #expect(after["ledger"]?["budgets"]?.list?.contains { $0["owner"] != nil } == false)
    }

    @Test func whatIsTooLongToBeKeptIsRefusedWithItsPlace() throws {
        let note = String(repeating: "x", count: 1024)
        let error = #expect(throws: JSONFieldError.self) {
            try machine(ledger(budgets: #"[{"provider":"p","note":"\#(note)"}]"#))
        }
        #expect(error?.path == "budgets[0]")
    }

    // MARK: Traces

    private func replies(_ lines: [String]) throws -> [JSONValue] {
        var runner = TraceRunner(profile: .llmProviders)
        return try lines.compactMap { try runner.reply(to: $0.utf8) }
    }

    @Test func inATraceABudgetOfNullIsNoBudgetAndEmptyLimitsAreKept() throws {
        let replies = try replies([
            #"{"at":1,"op":"ledger.setBudget","budget":{"provider":"p","monthlyBudget":5,"rateLimits":{"rpm":3}}}"#,
            #"{"at":2,"op":"ledger.setBudget","budget":{"provider":"p","monthlyBudget":null,"rateLimits":{},"by":"me"}}"#,
            #"{"at":3,"op":"ledger.remaining","provider":"p"}"#, #"{"at":4,"op":"export"}"#,
        ])
        #expect(replies[2] == ["remaining": .null])
        let ledger = try #require(replies[3]["ledger"])
        #expect(ledger["budgets"] == [["provider": "p", "monthlyBudget": .null, "rateLimits": [:], "by": "me"]])
        #expect(ledger["providers"]?["p"]?["rateLimits"]?["rpm"]?["limit"] == 3)
    }

    @Test func timeDoesNotGoBackAfterAnImportNorForAnExport() throws {
        let at: Int64 = 1_767_680_530_266
        let state = try #require(try Fixtures.json("snapshots/export.json").members).map {
            #""\#($0.key)":\#($0.value.text())"#
        }.joined(separator: ",")
        let replies = try replies([
            #"{"at":5,"op":"breaker.success","name":"a"}"#, #"{"at":\#(at),"op":"import",\#(state)}"#,
            #"{"at":9,"op":"export"}"#, #"{"at":10,"op":"exhaustion.mark","provider":"z","resetAfterMs":7}"#,
            #"{"at":11,"op":"exhaustion.get","provider":"z"}"#,
        ])
        #expect(replies[2]["ledger"]?["exportedAt"]?.int64 == at)
        #expect(replies[4]["entry"]?["exhaustedAt"]?.int64 == at)
        #expect(replies[4]["entry"]?["resetAt"]?.int64 == at + 7)
    }
}
