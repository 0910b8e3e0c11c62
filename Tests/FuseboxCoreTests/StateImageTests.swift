import FuseboxWire
import Testing

@testable import FuseboxCore

/// Images that no state writes. A start or an import refuses them, so that nothing traps later.
struct StateImageTests {
    private typealias Section = any SnapshotSection<StateMachine, StateImage>.Type

    private func image(_ sections: [(Section, [any WireRecord])]) throws(Refusal) -> StateMachine {
        var image = StateImage(profile: .fusebox, bounds: Bounds(), at: Moment(milliseconds: 0))
        for (section, records) in sections {
            var writer = ByteWriter()
            for record in records { record.encode(into: &writer) }
            let result = writer.bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                return Result { () throws(Refusal) in try image.add(section.head, &reader) }
            }
            guard try result.get() else { preconditionFailure("the state has no section \(section.name)") }
        }
        return try image.finish()
    }

    private func name(_ number: UInt32, _ text: String) -> NameImage {
        var image = NameImage()
        image.number = number
        image.name = FuseboxCoreTests.name(text)
        return image
    }

    private func mark(_ text: String, until resetsAt: Int64 = 5) -> MarkImage {
        var image = MarkImage()
        image.provider = FuseboxCoreTests.name(text)
        image.resetsAt = at(resetsAt)
        return image
    }

    @Test func aNameAndItsMarkAreRead() throws {
        var machine = try image([
            (NameSection.self, [name(1, "a")]), (FreeNameSection.self, [FreeNumberImage(0)]),
            (MarkSection.self, [mark("a")]),
        ])
        #expect(machine.names.count == 1)
        _ = machine.names.intern(FuseboxCoreTests.name("b"))
        #expect(machine.names.count == 2)
    }

    @Test func freeNumbersComeAfterTheNamesAndEachOnce() {
        let early = refusal { () throws(Refusal) in
            _ = try image([
                (FreeNameSection.self, [FreeNumberImage(0)]), (NameSection.self, [name(1, "a")]),
                (MarkSection.self, [mark("a")]),
            ])
        }
        #expect(early?.status == .damagedData)
        let twice = refusal { () throws(Refusal) in
            _ = try image([
                (NameSection.self, [name(1, "a")]), (FreeNameSection.self, [FreeNumberImage(0), FreeNumberImage(0)]),
                (MarkSection.self, [mark("a")]),
            ])
        }
        #expect(twice?.status == .damagedData)
    }

    @Test(arguments: [Int64.min, -1 << 40, 1 << 60, .max])
    func momentsBeyondWhatAClockCanHaveShownAreRefused(moment: Int64) {
        let refused = refusal { () throws(Refusal) in
            _ = try image([(NameSection.self, [name(0, "a")]), (MarkSection.self, [mark("a", until: moment)])])
        }
        #expect(refused?.status == .outOfRange)
    }

    @Test func numbersOfPermitsAtTheEndOfTheirRangeAreUsedUpAndNothingTraps() throws {
        var totals = PermitTotalsImage()
        var run = PermitTotalsImage.Run()
        (run.first, run.last) = (.max - 1, .max - 1)
        totals.runs = [run]
        totals.granted = .max
        var rig = Rig()
        rig.machine = try image([(PermitTotalsSection.self, [totals])])
        var candidates = Candidates()
        candidates.append(Candidate(provider: FuseboxCoreTests.name("p")))
        let admit = Admit(candidates: candidates, ttlMilliseconds: 1_000)
        try rig.apply(BeginPermitNumbers(salt: 9))
        #expect(try rig.apply(admit).permit == .max)
        rig.expect(.limitReached, of: admit)
        try rig.apply(BeginPermitNumbers(salt: 9))
        _ = try rig.machine.restored()
    }
}
