import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxCore

/// Sums and lists of permits, compared with a plain list that is counted anew for each question.
struct PermitRegistryTests {
    private static let bounds: Bounds = {
        var bounds = Bounds()
        bounds.lapsedPermits = 12
        return bounds
    }()

    /// The permits of a registry in plain lists.
    private struct Model {
        struct Permit: Equatable {
            var number: UInt64
            var grant: PermitRegistry.Grant
            var standing: PermitStanding = .inForce
            var isInFlight = true

            static func == (left: Permit, right: Permit) -> Bool {
                left.number == right.number && left.standing == right.standing
                    && left.isInFlight == right.isInFlight && left.grant.expiresAt == right.grant.expiresAt
            }
        }

        /// In the order of their numbers.
        var inForce: [Permit] = []
        /// In the order in which they ended.
        var lapsed: [Permit] = []
        var totals = PermitTotals()
        var forgotten: [UInt64] = []

        mutating func lapse(_ index: Int, _ standing: PermitStanding, at now: Timestamp) {
            var permit = inForce.remove(at: index)
            permit.standing = standing
            permit.grant.expiresAt = now
            permit.isInFlight = false
            lapsed.append(permit)
            switch standing {
            case .reclaimed: totals.reclaimed += 1
            case .revoked: totals.revoked += 1
            default: totals.expired += 1
            }
            guard lapsed.count > PermitRegistryTests.bounds.lapsedPermits else { return }
            let counts = Dictionary(grouping: lapsed, by: \.grant.user).mapValues(\.count)
            let most = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
            guard let oldest = lapsed.firstIndex(where: { $0.grant.user == most }) else { return }
            forgotten.append(lapsed.remove(at: oldest).number)
        }
    }

    /// What a registry says.
    private struct Picture: Equatable {
        var totals = PermitTotals()
        var permits: [Model.Permit] = []
        /// What is held of each provider, and of its model 0.
        var held: [Int64] = []
        var inFlight: [Int] = []
        var holds: [Bool] = []
        var permitsOfUsers: [Int] = []
        /// The oldest call in flight of each worker.
        var firstCalls: [UInt64?] = []
        var holders: Set<WorkerID> = []
    }

    private static let providers = (0..<3).map { NameID(index: $0) }
    private static let models = (0..<2).map { ModelID(index: $0) }
    private static let workers = (1...5 as ClosedRange<UInt64>).map { WorkerID(high: $0, low: 0) }
    private static let users = 0..<3 as Range<UInt32>

    private static func grant(_ random: inout SplitMix64, at now: Int64) -> PermitRegistry.Grant {
        let provider = random.pick(providers)
        let model = random.once(in: 3) ? nil : random.pick(models)
        // Sums pass the range of money.
        let cost = Money(nanodollars: random.once(in: 4) ? .max : Int64(random.below(1_000)))
        return PermitRegistry.Grant(
            provider: provider, scopes: CallScopes(provider: provider, model: model), worker: random.pick(workers),
            user: UInt32(random.below(users.count)),
            estimate: Estimate(cost: cost, tokens: UInt32(random.below(1_000))), grantedAt: at(now),
            expiresAt: at(now + 10))
    }

    private static func picture(of registry: PermitRegistry) -> Picture {
        var picture = Picture()
        picture.totals = registry.totals
        registry.forEach { permit in
            picture.permits.append(
                Model.Permit(
                    number: permit.number, grant: permit.grant, standing: permit.standing,
                    isInFlight: permit.isInFlight && permit.standing == .inForce))
        }
        picture.held = providers.map { registry.held(of: $0) }
        picture.inFlight = providers.map { registry.inFlight(of: $0) }
        picture.holds = providers.map { registry.holds($0) }
        picture.permitsOfUsers = users.map { registry.count(of: $0) }
        picture.firstCalls = workers.map { registry.firstInFlight(of: $0).map { registry.permits[$0].number } }
        registry.forEachHolder { picture.holders.insert($0) }
        return picture
    }

    private static func picture(of model: Model) -> Picture {
        var picture = Picture()
        picture.totals = model.totals
        picture.totals.outstanding = UInt64(model.inForce.count)
        let held = model.inForce.reduce(Int128(0)) { $0 + Int128($1.grant.cost) }
        picture.totals.held = Money(nanodollars: Int64(clamping: held))
        // The lapsed ones user by user; each user's in their order.
        picture.permits = model.inForce + users.flatMap { user in model.lapsed.filter { $0.grant.user == user } }
        for provider in providers {
            let own = model.inForce.filter { $0.grant.provider == provider }
            picture.held.append(Int64(clamping: own.reduce(Int128(0)) { $0 + Int128($1.grant.cost) }))
            picture.inFlight.append(own.filter(\.isInFlight).count)
            picture.holds.append(!own.isEmpty)
        }
        picture.permitsOfUsers = users.map { user in model.inForce.filter { $0.grant.user == user }.count }
        let inFlight = model.inForce.filter(\.isInFlight)
        picture.firstCalls = workers.map { worker in inFlight.first { $0.grant.worker == worker }?.number }
        picture.holders = Set(inFlight.map(\.grant.worker))
        return picture
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func everySumIsThatOfThePermits(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var registry = PermitRegistry()
        var model = Model()
        for step in 0..<900 {
            try Self.step(&registry, &model, &random, at: Int64(step))
            let (found, expected) = (Self.picture(of: registry), Self.picture(of: model))
            try #require(found == expected, "step \(step)")
            Self.checkPlaces(registry, model, &random)
        }
        #expect(!model.forgotten.isEmpty && registry.forgotten.highest == model.forgotten.max())
    }

    /// One change of both. For 150 steps the registry fills up, and for as many it is emptied.
    private static func step(
        _ registry: inout PermitRegistry, _ model: inout Model, _ random: inout SplitMix64, at now: Int64
    ) throws {
        let index = model.inForce.isEmpty ? nil : random.below(model.inForce.count)
        switch (random.below(now / 150 % 2 == 0 ? 16 : 8), index) {
        case (0, let index?):
            let place = try #require(registry.find(model.inForce[index].number))
            registry.endFlight(place)
            model.inForce[index].isInFlight = false
        case (1, let index?):
            let place = try #require(registry.find(model.inForce[index].number))
            registry.extend(place, to: at(now + 1_000))
            model.inForce[index].grant.expiresAt = at(now + 1_000)
        case (2...3, let index?):
            let place = try #require(registry.find(model.inForce[index].number))
            let standing = random.pick([PermitStanding.expired, .reclaimed, .revoked])
            let before = model.forgotten.count
            let forgotten = registry.lapse(place, standing, at: at(now), keeping: bounds)
            model.lapse(index, standing, at: at(now))
            #expect(forgotten?.number == (model.forgotten.count > before ? model.forgotten.last : nil))
        case (4...5, let index?):
            let number = model.inForce.remove(at: index).number
            registry.settle(try #require(registry.find(number)))
            model.totals.settled += 1
        case (6, _) where !model.lapsed.isEmpty:
            let number = model.lapsed.remove(at: random.below(model.lapsed.count)).number
            registry.settle(try #require(registry.find(number)))
            model.totals.settledLate += 1
        default:
            let grant = Self.grant(&random, at: now)
            let place = registry.grant(grant)
            model.inForce.append(Model.Permit(number: registry.permits[place].number, grant: grant))
            model.totals.granted += 1
        }
    }

    /// A permit is found by its number as long as it is kept, and the walk over those in force begins anywhere.
    private static func checkPlaces(
        _ registry: PermitRegistry, _ model: Model, _ random: inout SplitMix64
    ) {
        let kept = (model.inForce + model.lapsed).map(\.number)
        let found = kept.compactMap { registry.find($0).map { registry.permits[$0].number } }
        #expect(found == kept)
        #expect(model.forgotten.allSatisfy { registry.find($0) == nil })
        let start = UInt64(random.below(Int(registry.lastNumber) + 2))
        var walked: [UInt64] = []
        var place = registry.firstInForce(after: start)
        while let next = place {
            walked.append(registry.permits[next].number)
            place = registry.nextInForce(after: next)
        }
        #expect(walked == model.inForce.map(\.number).filter { $0 > start })
    }

    // MARK: Numbers

    @Test func numbersOfAnotherRunAreGrantedAndThoseBetweenAreNot() {
        var random = SplitMix64(seed: 1)
        var registry = PermitRegistry()
        for _ in 0..<3 { _ = registry.grant(Self.grant(&random, at: 0)) }
        registry.beginRun(at: at(1_700_000_000_000), salt: 5)
        let first: UInt64 = 1_700_000_000 << 22 + 5
        #expect(registry.lastNumber == first - 1)
        let place = registry.grant(Self.grant(&random, at: 0))
        #expect(registry.permits[place].number == first)
        let granted = [1, 3, 4, first - 1, first, first + 1].map { registry.wasGranted($0) }
        #expect(granted == [true, true, false, false, true, false])
    }

    @Test func aRunThatBeginsInThePastGoesOnBehindTheNewest() {
        var registry = PermitRegistry()
        registry.beginRun(at: at(1_700_000_000_000), salt: 0)
        let newest = registry.lastNumber
        registry.beginRun(at: at(0), salt: 3)
        #expect(registry.lastNumber == newest + 3)
    }

    @Test func theOldestRunsAreForgotten() {
        var random = SplitMix64(seed: 1)
        var registry = PermitRegistry()
        _ = registry.grant(Self.grant(&random, at: 0))
        for start in 1..<Bounds.numberRuns { registry.beginRun(at: at(Int64(start) * 1_000), salt: 0) }
        #expect(registry.wasGranted(1) && registry.runs.count == Bounds.numberRuns)
        registry.beginRun(at: at(Int64(Bounds.numberRuns) * 1_000), salt: 0)
        #expect(!registry.wasGranted(1) && registry.runs.count == Bounds.numberRuns)
    }
}
