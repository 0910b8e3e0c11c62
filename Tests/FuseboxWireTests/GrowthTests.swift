import FuseboxWire
import Testing

/// A reply of today, with a list of records, one of them alone and a value behind it.
private struct Today: WireRecord {
    struct Entry: OpenRecord {
        var name: UInt16 = 0
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "a number")
        }
    }

    var entries: [Entry] = []
    var few = InlineList<2, Entry>()
    var one: Entry?
    var state = BreakerState.closed
    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entries", &entries, "many")
        try visitor.field("few", &few, "a few")
        try visitor.field("one", &one, "one")
        try visitor.field("state", &state, "a state")
    }
}

/// The same reply of a daemon to come: each record and the reply itself have grown.
private struct Tomorrow: WireRecord {
    struct Entry: OpenRecord {
        var name: UInt16 = 0
        var weight: UInt32 = 77
        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("name", &name, "a number")
            try visitor.added("weight", &weight, "how much it weighs")
        }
    }

    var entries: [Entry] = []
    var few = InlineList<2, Entry>()
    var one: Entry?
    var state = BreakerState.closed
    var note = "nothing was told"
    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("entries", &entries, "many")
        try visitor.field("few", &few, "a few")
        try visitor.field("one", &one, "one")
        try visitor.field("state", &state, "a state")
        try visitor.added("note", &note, "a word")
    }
}

/// A reply that tells its number otherwise from version 2 on.
private struct Versioned: WireRecord {
    var number: UInt16 = 0
    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        guard visitor.version >= 2 else { return try visitor.field("number", &number, "small") }
        var wide = UInt64(number)
        try visitor.field("number", &wide, "wide")
        number = UInt16(clamping: wide)
    }
}

/// Reads a value as a client reads it in a reply.
private func told<Value: WireValue>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
    try bytes.withUnsafeBytes { bytes in
        var reader = ByteReader(bytes, skipsUnknown: true)
        var value = Value.blank
        try value.decode(from: &reader)
        try reader.finish()
        return value
    }
}

/// A wire that grows.
struct GrowthTests {
    private var today: Today {
        var reply = Today()
        reply.entries = [1, 2].map { Today.Entry(name: $0) }
        reply.few.append(Today.Entry(name: 3))
        reply.one = Today.Entry(name: 4)
        reply.state = .open
        return reply
    }

    private var tomorrow: Tomorrow {
        var reply = Tomorrow()
        reply.entries = [1, 2].map { Tomorrow.Entry(name: $0, weight: 9) }
        reply.few.append(Tomorrow.Entry(name: 3, weight: 9))
        reply.one = Tomorrow.Entry(name: 4, weight: 9)
        reply.state = .open
        reply.note = "a word"
        return reply
    }

    @Test func aRecordInsideAnotherHasItsLengthBeforeIt() {
        #expect(encoded([Today.Entry(name: 1), Today.Entry(name: 2)]) == [2, 0, 2, 0, 1, 0, 2, 0, 2, 0])
        #expect(encoded(Today.Entry?.some(Today.Entry(name: 5))) == [1, 2, 0, 5, 0])
        #expect(encoded(Today.Entry(name: 6)) == [6, 0])
    }

    @Test func aClientOfTodayReadsWhatADaemonOfTomorrowTellsWhereverThatHasGrown() throws {
        #expect(try told(Today.self, encoded(tomorrow)) == today)
    }

    @Test func aClientOfTomorrowReadsWhatADaemonOfTodayTellsAndWhatWasAddedKeepsItsValue() throws {
        let read = try told(Tomorrow.self, encoded(today))
        #expect(read.entries.map(\.weight) == [77, 77] && read.one?.weight == 77)
        #expect(read.note == "nothing was told")
        #expect(read.entries.map(\.name) == [1, 2] && read.state == .open)
        #expect(try told(Tomorrow.self, encoded(tomorrow)) == tomorrow)
    }

    @Test func whatIsReadToItsLastByteTakesNoRecordThatHasGrown() throws {
        #expect(try decoded(Today.self, encoded(today)) == today)
        let list = #expect(throws: Refusal.self) { try decoded([Today.Entry].self, encoded([Tomorrow.Entry()])) }
        #expect(list?.status == .trailingBytes)
        let one = #expect(throws: Refusal.self) {
            try decoded(Today.Entry?.self, encoded(Tomorrow.Entry?.some(Tomorrow.Entry())))
        }
        #expect(one?.status == .trailingBytes)
    }

    @Test(arguments: [false, true]) func aLengthThatReachesBeyondWhatHoldsTheRecordIsRefused(skipsUnknown: Bool) {
        // Of a list, and of a record inside a record.
        for bytes in [[1, 0, 3, 0, 1, 0], [1, 0, 0xFF, 0xFF, 1, 0], [1, 0, 1, 0, 1, 0]] as [[UInt8]] {
            let refusal = #expect(throws: Refusal.self) {
                _ =
                    skipsUnknown
                    ? try told([Today.Entry].self, bytes) : try decoded([Today.Entry].self, bytes)
            }
            #expect(refusal?.status == .malformed, "\(bytes)")
        }
    }

    @Test func aValueOfAnEnumerationThatOnlyNewerPeersKnowIsReadByItsNumberAndSentAsItCame() throws {
        #expect(try told(BreakerState.self, [9]) == .unknown(9))
        #expect(try told(BreakerState.self, [3]) == .open)
        #expect(encoded(BreakerState.unknown(9)) == [9])
        #expect(BreakerState(rendered: .text("unknown(9)")) == .unknown(9))
        #expect(BreakerState.unknown(3) == .open)
        let refusal = #expect(throws: Refusal.self) { try decoded(BreakerState.self, [9]) }
        #expect(refusal?.status == .outOfRange)
        let denial = try told(Denial.self, [200, 1] + encoded(Int64(5)) + [0, 0, 0, 0, 0, 0] + [1, 2, 3])
        #expect(denial == Denial(reason: .unknown(200), retryAfterMilliseconds: 5))
    }

    @Test func theValuesOfOpenEnumerationsStandAtThePlacesOfTheirNumbers() {
        func check<E: OpenEnumeration>(_: E.Type) {
            #expect(E.allCases.map(\.rawValue) == E.allCases.indices.map { UInt8($0) }, "\(E.self)")
            #expect(E.allCases.allSatisfy(\.isKnown) && !E.unknown(UInt8(E.allCases.count)).isKnown)
        }
        check(BreakerState.self)
        check(DenialReason.self)
        check(DepletionTier.self)
        check(JournalStanding.self)
        check(LapseRule.self)
        check(LimitDimension.self)
        check(LimitMode.self)
        check(PermitStanding.self)
        check(Profile.self)
        check(ThresholdTier.self)
        check(WindowKind.self)
        check(WindowUnit.self)
        check(WorkerStanding.self)
    }

    @Test func statusesThatAreNotKnownKeepTheirNumbersAndCloseNothing() {
        #expect(Status(number: 200) == .unknown(200) && Status.unknown(200).rawValue == 200)
        #expect(Status(number: 16) == .notFound)
        #expect(Status(rawValue: 200) == nil)
        #expect(!Status.unknown(200).closesConnection)
        let numbers = Status.allCases.map(\.rawValue)
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
    }

    @Test func whatIsWrittenAndReadMayDependOnTheVersionThatHelloChose() throws {
        for (version, bytes) in [(1, [5, 0]), (2, [5, 0, 0, 0, 0, 0, 0, 0])] as [(UInt16, [UInt8])] {
            var writer = ByteWriter()
            writer.version = version
            Versioned(number: 5).encode(into: &writer)
            #expect(writer.bytes == bytes)
            try bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes, version: version)
                var record = Versioned()
                try record.decode(from: &reader)
                try reader.finish()
                #expect(record.number == 5)
            }
        }
        #expect(ProtocolVersion.highest == 1 && encoded(Versioned(number: 5)) == [5, 0])
    }

    // MARK: The table

    private struct Walk: CommandVisitor, EventVisitor {
        var requests = Schema()
        var replies = Schema()
        var fieldsOfRequests: [Schema.Field] = []

        mutating func visit<C: Command>(_ command: C.Type) {
            fieldsOfRequests += requests.fields(of: command)
            _ = replies.fields(of: C.Reply.self)
            checkTail(C.Reply.self)
        }

        mutating func visit<Record: EventRecord>(_ record: Record.Type) {
            _ = replies.fields(of: record)
            checkTail(record)
        }

        /// A client reads every reply and event with a tail.
        private func checkTail<Record: WireRecord>(_ record: Record.Type) {
            for variant in 0...2 {
                let sample = Record.sample(variant)
                #expect((try? told(record, encoded(sample) + [1, 2, 3])) == sample, "\(record)")
            }
        }
    }

    @Test func everyReplyAndEventMayGrowAndSoMayWhatIsInsideThemButForWhatRequestsHaveToo() {
        var walk = Walk()
        CommandTable.forEach(&walk)
        EventTable.forEach(&walk)
        var closed: Set<String> = []
        for case .record(let name, let fields) in walk.requests.definitions {
            closed.insert(name)
            walk.fieldsOfRequests += fields
            #expect(!walk.requests.open.contains(name), "\(name) may grow, and requests have it")
        }
        #expect(walk.fieldsOfRequests.count > 100 && !walk.fieldsOfRequests.contains(where: \.isAdded))
        for definition in walk.replies.definitions {
            let isOpen = walk.replies.open.contains(definition.name)
            #expect(isOpen != closed.contains(definition.name), "\(definition.name)")
        }
        // A list of closed records could not grow: each is inside an open one, or belongs to a closed one.
        #expect(
            closed.intersection(walk.replies.definitions.map(\.name)).isSubset(of: [
                "Blame", "BreakerConfiguration", "BreakerConfigurationChange", "BreakerRecord", "Candidate", "Estimate",
                "Limit", "LimitWindow", "ModelAlias", "Policy", "PolicyBreaker", "PolicyLimit", "Price", "PriceEntry",
                "RateBucket", "Scope", "Thresholds", "WorkerID",
            ]))
    }
}
