import FuseboxCore
import FuseboxInterop
import FuseboxWire
import Testing

/// Imports with numbers from the ends of every range. Each is refused, or accepted and usable.
struct ExtremeImportTests {
    private static let literals = [
        "0", "-0", "-1", "1", "0.5", "4294967295", "4294967296", "9007199254740991", "9007199254740993",
        "8640000000000000", "8640000000000001", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "9223372036.854775807", "9223372036.854775808", "1e308", "1e400", "1e-400", "5e-324",
        "1e99999999999999999999", "-1e308",
    ]

    /// The keys of all members with numbers.
    private func keys(_ document: JSONValue) -> Set<String> {
        if let list = document.list { return list.reduce(into: []) { $0.formUnion(keys($1)) } }
        return (document.members ?? []).reduce(into: []) { keys, member in
            if case .number = member.value { keys.insert(member.key) }
            keys.formUnion(self.keys(member.value))
        }
    }

    /// The document with this number in all members with this key, including those of nested lists.
    private func replacing(_ document: JSONValue, _ key: String, _ literal: String) -> JSONValue {
        if let list = document.list { return .array(list.map { replacing($0, key, literal) }) }
        guard let members = document.members else { return document }
        return .object(
            members.map { member in
                if member.key == key, case .number = member.value { return (key, .number(literal)) }
                return (member.key, replacing(member.value, key, literal))
            })
    }

    /// Each profile takes every second combination, and both together all.
    @Test(arguments: [Profile.fusebox, .llmProviders])
    func noNumberTrapsAndWhatIsTakenLoadsFromItsSnapshot(profile: Profile) throws {
        let document = try Fixtures.json("snapshots/export.json")
        let moment = Moment(milliseconds: 1_767_680_530_266)
        var taken = 0
        var refused = 0
        for (row, key) in keys(document).sorted().enumerated() {
            for (column, literal) in Self.literals.enumerated() {
                guard (row + column).isMultiple(of: 2) == (profile == .fusebox) else { continue }
                do {
                    let machine = try LLMProvidersSnapshot.stateMachine(
                        from: replacing(document, key, literal), profile: profile, at: moment)
                    try live(machine, "\(key): \(literal)")
                    taken += 1
                } catch is JSONFieldError { refused += 1 }
            }
        }
        #expect(taken > 50 && refused > 50)
    }

    /// Typical operations on a state: calls, time, a snapshot, an export.
    private func live(_ imported: StateMachine, _ what: String) throws {
        var machine = imported
        var events: [Event] = []
        var moment = imported.lastMoment
        for passed in [0, 86_400_001, 40 * 86_400_000] as [Int64] {
            moment = Moment(now: moment.now + passed, wall: moment.wall + passed)
            if machine.isDue(at: moment) { _ = try machine.apply(Advance(), at: moment, effects: &events) }
            for provider in ["openai", "anthropic"] {
                let record = LedgerRecord(
                    provider: try Name(provider), model: try Name("m"), cost: WireLimits.callCost, inputTokens: .max,
                    outputTokens: .max)
                do { _ = try machine.apply(record, at: moment, effects: &events) } catch {
                    #expect(error.status == .overflow, "\(what)")
                }
                _ = try? machine.apply(BreakerFailure(name: try Name(provider)), at: moment, effects: &events)
            }
            _ = try machine.apply(Overview(cursor: 0), at: moment, effects: &events)
            let isSame = try loaded(machine).image == machine.image
            #expect(isSame, "\(what)")
        }
        _ = LLMProvidersSnapshot.export(machine, at: moment)
    }

    /// The state read from its own image.
    private func loaded(_ machine: StateMachine) throws -> StateMachine {
        var image = StateImage(profile: machine.profile, bounds: machine.bounds, at: machine.lastMoment)
        for part in machine.image {
            try part.bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                _ = try image.add(part.section, &reader)
            }
        }
        return try image.finish()
    }
}

/// A part of a state's image.
private struct Part: Equatable {
    var section: SectionHead
    var bytes: [UInt8]
}

extension StateMachine {
    fileprivate var image: [Part] {
        var parts: [Part] = []
        forEachImageSection { (section: SectionHead, part: borrowing ByteWriter) in
            parts.append(Part(section: section, bytes: part.bytes))
        }
        return parts
    }
}
