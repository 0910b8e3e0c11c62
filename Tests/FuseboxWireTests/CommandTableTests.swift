import FuseboxWire
import Testing

/// The table of commands.
struct CommandTableTests {
    private struct Collector: CommandVisitor {
        var declarations: [CommandDeclaration] = []
        var numbers: [UInt16] = []
        /// The names that types go by in the reference, with the fields behind them.
        var types: [String: Set<String>] = [:]
        var failures: [String] = []

        mutating func visit<C: Command>(_ command: C.Type) {
            declarations.append(C.declaration)
            for variant in 0...2 {
                check(C.sample(variant), C.declaration.name)
                check(C.Reply.sample(variant), C.declaration.name)
            }
            var schema = Schema()
            _ = schema.fields(of: C.self) + schema.fields(of: C.Reply.self)
            for definition in schema.definitions { types[definition.name, default: []].insert("\(definition)") }
        }

        private mutating func check<Record: WireRecord>(_ record: Record, _ name: String) {
            let bytes = encoded(record)
            if (try? decoded(Record.self, bytes)) != record { failures.append("\(name): bytes") }
            if Record(rendered: record.rendered) != record { failures.append("\(name): text") }
            // A page of the largest entries must fit in a frame. There is one status only, and a page of the history is
            // bounded by its bytes.
            // A policy is as long as a frame.
            let isBounded =
                [ServerStatus.declaration.name, LedgerHistory.declaration.name].contains(name)
                || name.hasPrefix("policy.")
            let most = WireLimits.frameLength / (isBounded ? 1 : WireLimits.pageLength / 2)
            if bytes.count > most { failures.append("\(name): too large") }
        }
    }

    @Test func eachNumberLeadsToTheCommandThatDeclaresItAndNamesAreUniqueAndSayTheirSubject() {
        var names: Set<String> = []
        for number in CommandNumber.allCases {
            let declaration = number.declaration
            #expect(declaration.command == number)
            #expect(names.insert(declaration.name).inserted)
            #expect(declaration.subject.numbers.contains(number.rawValue))
            #expect((declaration.access == .engine) == (declaration.subject == .engine))
            #expect(!declaration.summary.isEmpty)
        }
        for number in [0, 15, 256, UInt16.max] { #expect(CommandTable.declaration(number) == nil) }
    }

    @Test func everyRequestAndReplySurvivesBytesAndTextAndANameOfATypeMeansOneType() {
        var collector = Collector()
        CommandTable.forEach(&collector)
        #expect(collector.failures.isEmpty)
        #expect(collector.declarations.map(\.number) == collector.declarations.map(\.number).sorted())
        for (name, definitions) in collector.types { #expect(definitions.count == 1, "two types are called \(name)") }
    }

    @Test func subjectsShareNoNumber() {
        let all = CommandSubject.allCases.flatMap { Array($0.numbers) }
        #expect(Set(all).count == all.count)
    }

    @Test func aRefusalSaysInWhichFieldItAroseThroughEveryLevel() {
        // name, then the change's first optional with an impossible presence byte.
        let refusal = #expect(throws: Refusal.self) { try decoded(BreakerConfigure.self, [1, 0x61, 9]) }
        #expect(refusal?.message == "change: failureThreshold: a bool must be 0 or 1, not 9")
    }

    @Test func requestsThatChangeStateAndNoOthersAreSequenced() {
        #expect(BreakerAcquire.declaration.isSequenced)
        #expect(LedgerRecord.declaration.isSequenced)
        #expect(!BreakerGet.declaration.isSequenced)
        #expect(!Hello.declaration.isSequenced)
        #expect(!SnapshotNow.declaration.isSequenced)
    }

    @Test func whatAClientMayKeepForLaterChangesStateAndOutcomesAloneNeedNoJournal() {
        let reports = CommandNumber.allCases.filter { $0.declaration.report != nil }
        #expect(reports == [.breakerSuccess, .breakerFailure, .exhaustionMark, .ledgerRecord, .settle, .report])
        #expect(reports.allSatisfy { $0.declaration.isSequenced && $0.declaration.access == .worker })
        #expect(reports.filter { $0.declaration.report == .outcome } == [.breakerSuccess, .breakerFailure])
        // What is on record is not taken without a journal.
        #expect(reports.allSatisfy { ($0.declaration.report == .record) == ($0.declaration.effect == .durable) })
    }
}
