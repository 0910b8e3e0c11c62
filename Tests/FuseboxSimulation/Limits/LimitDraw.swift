import FuseboxTestSupport
import FuseboxWire

/// Draws random limits, and the scopes that they are on.
struct LimitDraw: Sendable {
    /// What an operator does to limits.
    enum Change: Sendable {
        case set(LimitSet)
        case remove(LimitRemove)
        case raise(LimitRaise)
        case reset(LedgerReset)
    }

    var random: SplitMix64
    var providers: [String]
    var deployments: [String]
    var models: [String]
    /// Half of what one call may cost, in nano-dollars, and how many tokens of each kind it may take.
    var cost: Int64
    var tokens: Int64

    static let tags = ["user:a", "user:ab", "user:b", "team:x", "team:y", "batch"]
    private static let templates = ["user:*", "user:a*", "team:*", "uid:*"]

    static func name(_ text: String) -> Name { Names.name(text) }

    mutating func scope() -> Scope {
        var scope = Scope()
        if random.below(3) > 0 {
            scope.provider = Self.name(random.pick(providers))
            if random.once(in: 2) { scope.model = Self.name(random.pick(models)) }
        }
        switch random.below(4) {
        case 0: scope.tag = Self.name(random.pick(Self.templates))
        case 1: scope.tag = Self.name(random.pick(Self.tags + ["uid:7"]))
        case 2 where scope.provider != nil: scope.deployment = Self.name(random.pick(deployments))
        default: break
        }
        return scope
    }

    /// A window; one of the calendar is as long as it is told.
    private mutating func window() -> LimitWindow {
        switch random.below(10) {
        case 0: .sliding(milliseconds: 1_000)
        case 1: .sliding(milliseconds: 61_337)
        case 2: .sliding(milliseconds: 1_800_000)
        // From an hour on they count past use.
        case 9: .sliding(milliseconds: random.pick([3_600_000, 9_000_000, 172_800_000, 3_456_000_000]))
        case 3: .fixed(milliseconds: 10_000)
        case 4: .fixed(milliseconds: 60_000)
        case 5: .manual
        case 6: .prepaid
        case 7: .calendar(.week, anchorDay: random.pick([1, 3]))
        default: .calendar(random.pick([.hour, .day]), zone: random.pick([nil, Self.name("Europe/Berlin")]))
        }
    }

    mutating func limit() -> Limit {
        let dimension = random.pick(LimitDimension.allCases)
        let window = dimension == .inFlight ? LimitWindow() : window()
        return limit(dimension, window, random.pick([.deny, .deny, .deny, .notify, .shadow]))
    }

    private mutating func limit(_ dimension: LimitDimension, _ window: LimitWindow, _ mode: LimitMode) -> Limit {
        Limit(dimension, amount(dimension), window, mode: mode, onLapse: random.pick([.charge, .release]))
    }

    private mutating func amount(_ dimension: LimitDimension) -> Int64 {
        switch dimension {
        case .cost: Int64(random.below(60)) * cost
        case .inFlight: Int64(random.below(20))
        case .requests: Int64(random.below(80))
        default: Int64(random.below(80)) * tokens
        }
    }

    /// A change, often of a limit that was set before.
    mutating func change(of known: [(scope: Scope, limit: Limit)]) -> Change {
        guard !known.isEmpty, random.below(8) > 0 else { return .set(LimitSet(scope: scope(), limits: [limit()])) }
        let (there, old) = random.pick(known)
        switch random.below(known.count > 16 ? 8 : 12) {
        case 0...2: return .remove(LimitRemove(scope: there, limits: [old]))
        case 3: return random.once(in: 4) ? .remove(LimitRemove(allOf: there)) : .reset(LedgerReset(scope: there))
        case 4, 5:
            var raised = old
            raised.amount += amount(old.dimension)
            return .raise(LimitRaise(scope: there, limit: raised, milliseconds: Int64(random.within(1...90_000))))
        case 6: return .reset(LedgerReset(scope: there))
        case 7: return .set(LimitSet(scope: there, limits: [again(old)]))
        case 8:
            // What stands for the same: of a template in a tag's place, or of a tag in a template's.
            var other = there
            other.deployment = nil
            other.tag = counterpart(there.tag)
            return .set(LimitSet(scope: other, limits: [again(old)]))
        case 9:
            let zone = random.pick([nil, Self.name("Europe/Berlin"), Self.name("America/Los_Angeles")])
            let daily = limit(.cost, .calendar(.day, zone: zone), .deny)
            return .set(LimitSet(scope: Scope(tag: Self.name("user:*")), limits: [daily]))
        default: return .set(LimitSet(scope: scope(), limits: [limit()]))
        }
    }

    /// A tag that a template stands for, or a template that stands for a tag.
    private mutating func counterpart(_ tag: Name?) -> Name? {
        guard let tag else { return random.once(in: 2) ? nil : Self.name(random.pick(Self.tags + Self.templates)) }
        func covers(_ template: String, _ tag: String) -> Bool { tag.hasPrefix(template.dropLast()) }
        let tags = Self.tags + ["uid:7", "uid:8"]
        let others =
            TagText.isTemplate(tag)
            ? tags.filter { covers(tag.text, $0) } : Self.templates.filter { covers($0, tag.text) }
        return others.isEmpty ? tag : Self.name(random.pick(others))
    }

    /// A limit with the identity of another.
    private mutating func again(_ old: Limit) -> Limit {
        var window = old.window
        if window.kind == .calendar, random.once(in: 2) {
            if window.unit == .week { window.anchorDay = random.pick([1, 3]) }
            if window.unit != .week { window.zone = random.pick([nil, Self.name("Europe/Berlin")]) }
        }
        let mode: LimitMode = old.mode == .shadow ? .shadow : random.pick([.deny, .deny, .notify])
        return limit(old.dimension, window, mode)
    }

    /// What a call may use at most; some of it is left out.
    mutating func estimate() -> Estimate {
        let price = random.below(6) == 0 ? nil : Money(nanodollars: Int64(random.below(3)) * cost)
        func count() -> UInt32? { random.below(4) == 0 ? nil : UInt32(Int64(random.below(3)) * tokens) }
        guard random.once(in: 3) else {
            return Estimate(cost: price, inputTokens: count(), outputTokens: count())
        }
        return Estimate(cost: price, tokens: count())
    }
}
