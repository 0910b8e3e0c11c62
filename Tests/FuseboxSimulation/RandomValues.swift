import FuseboxTestSupport
import FuseboxWire

/// Random values for the fields of commands: typical ones, and those at the ends of every range.
///
/// It visits the declared fields of a command, as the codec and the reference do. So a new field or command gets values
/// without a change here. A new kind of field stops the walk until this file handles it.
struct RandomValues: Sendable {
    var random: SplitMix64
    /// How extreme the values of a command are.
    enum Mood: Sendable {
        /// Typical values of workers.
        case ordinary
        /// Each field is at the end of its range with a probability of one in this many.
        case extreme(onceIn: Int)
        /// One field is at the end of its range, and all others are valid. A command with many invalid fields would be
        /// refused because of the first, and the others would rarely be tested.
        case oneExtreme
    }

    var mood = Mood.ordinary
    /// The number of fields of the present command so far, and the index of the extreme one.
    private var asked = 0
    private var extremePlace = -1
    /// The time around which typical times lie.
    var now = Timestamp(milliseconds: 0)
    /// The numbers of recently granted permits.
    private var permits: [UInt64] = []
    private var fresh = 0
    /// Scopes and limits that were set lately, and the place of those that the present command is about.
    private var limits: [(scope: Scope, limit: Limit)] = []
    private var limitPlace = 0
    /// Aliases that were set lately.
    private var aliases: [ModelAlias] = []
    /// The policy that was applied last.
    var policy = Policy()

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func note(permit: UInt64) {
        permits.append(permit)
        if permits.count > 64 { permits.removeFirst() }
    }

    mutating func note(_ set: LimitSet) {
        for limit in set.limits { limits.append((set.scope, limit)) }
        if limits.count > 16 { limits.removeFirst(limits.count - 16) }
    }

    mutating func note(_ apply: PolicyApply) {
        policy = apply.policy
        for item in policy.limits { note(LimitSet(scope: item.scope, limits: [item.limit])) }
        for alias in policy.aliases { note(AliasSet(alias)) }
    }

    mutating func note(_ set: AliasSet) {
        aliases.append(set.alias)
        if aliases.count > 16 { aliases.removeFirst() }
    }

    /// A command whose fields all have random values.
    mutating func command<Made: Command>() -> Made {
        limitPlace = limits.isEmpty ? 0 : random.below(limits.count)
        asked = 0
        extremePlace = -1
        let made: Made = record()
        guard isTame else { return sound(made) }
        // A second pass, because the number of fields is known only after the first.
        extremePlace = random.below(asked + 1)
        asked = 0
        return sound(record())
    }

    /// A command whose fields usually go together, where random ones rarely do.
    private mutating func sound<Made: Command>(_ made: Made) -> Made {
        if made is AliasRemove, !aliases.isEmpty, !random.once(in: 4) {
            let alias = random.pick(aliases)
            return AliasRemove(provider: alias.provider, name: alias.name) as? Made ?? made
        }
        if var bill = made as? LedgerReconcile, !random.once(in: 4) {
            let date = CivilDate(dayNumber: max(0, now.milliseconds) / 86_400_000)
            (bill.year, bill.month) = (UInt32(date.year), UInt8(date.month))
            return bill as? Made ?? made
        }
        if var apply = made as? PolicyApply, !random.once(in: 4) {
            apply.policy = nextPolicy()
            return apply as? Made ?? made
        }
        if var preview = made as? PolicyPreview, !random.once(in: 4) {
            preview.policy = nextPolicy()
            return preview as? Made ?? made
        }
        guard limitPlace < limits.count, !random.once(in: 4) else { return made }
        if var topUp = made as? LimitTopUp {
            guard let prepaid = limits.last(where: { $0.limit.window.kind == .prepaid }) else { return made }
            (topUp.scope, topUp.limit) = prepaid
            topUp.limit.amount = 1
            return topUp as? Made ?? made
        }
        guard var raise = made as? LimitRaise else { return made }
        (raise.milliseconds, raise.until) = (60_000, nil)
        (raise.scope, raise.limit) = limits[limitPlace]
        return raise as? Made ?? made
    }

    private mutating func record<Record: WireRecord>() -> Record {
        var record = Record()
        var filler = Filler(values: self)
        // The filler never throws.
        do throws(Refusal) { try record.fields(&filler) } catch { preconditionFailure(error.message) }
        self = filler.values
        return record
    }

    /// A record with some of its fields at the ends of their ranges, at every depth.
    mutating func disturbed<Record: WireRecord>(_ record: Record) -> Record {
        var record = record
        var disturber = Disturber(values: self)
        // The disturber never throws.
        do throws(Refusal) { try record.fields(&disturber) } catch { preconditionFailure(error.message) }
        self = disturber.values
        return record
    }

    fileprivate mutating func disturbed<Value: WireValue>(value: Value, _ field: String) -> Value {
        let disturbed: any WireValue
        if let container = value as? any Disturbable {
            disturbed = container.disturbed(by: &self, field)
        } else if let record = value as? any WireRecord {
            disturbed = nestedDisturbed(record)
        } else {
            return isExtreme() ? self.value(Value.self, field, isExtreme: true) : value
        }
        guard let result = disturbed as? Value else { preconditionFailure("this is no \(Value.wireType)") }
        return result
    }

    private mutating func nestedDisturbed<Record: WireRecord>(_ record: Record) -> any WireValue {
        let result: Record = disturbed(record)
        return result
    }

    /// A value from the end of its range.
    private mutating func value<Value: WireValue>(_: Value.Type, _ field: String, isExtreme: Bool) -> Value {
        let kept = mood
        mood = .extreme(onceIn: 1)
        defer { mood = kept }
        return value(Value.self, field)
    }

    fileprivate mutating func value<Value: WireValue>(_: Value.Type, _ field: String) -> Value {
        let made: any WireValue
        if let type = Value.self as? any RandomlyMade.Type {
            made = type.make(&self, field)
        } else if let type = Value.self as? any WireEnumeration.Type {
            made = enumeration(type)
        } else if let type = Value.self as? any ClosedEnumeration.Type {
            made = enumeration(type)
        } else if let type = Value.self as? any WireRecord.Type {
            made = nested(type)
        } else {
            preconditionFailure("there is no random \(Value.wireType)")
        }
        guard let value = made as? Value else { preconditionFailure("this is no \(Value.wireType)") }
        return value
    }

    private mutating func enumeration<Enumeration: WireEnumeration>(_: Enumeration.Type) -> any WireValue {
        random.pick(Array(Enumeration.allCases))
    }

    private mutating func enumeration<Enumeration: ClosedEnumeration>(_: Enumeration.Type) -> any WireValue {
        random.pick(Array(Enumeration.allCases))
    }

    private mutating func nested<Record: WireRecord>(_: Record.Type) -> any WireValue {
        let made: Record = record()
        return made
    }

    /// Whether the next field gets a value from the end of its range.
    fileprivate mutating func isExtreme() -> Bool {
        asked += 1
        return switch mood {
        case .ordinary: false
        case .extreme(let times): random.once(in: times)
        case .oneExtreme: asked == extremePlace
        }
    }

    private var isTame: Bool {
        if case .oneExtreme = mood { true } else { false }
    }

    // MARK: Kinds of values

    /// The ends of ranges: small numbers, those of the limits, and those of 64 bits.
    private static let edges: [[Int64]] = [
        [0, 1, -1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1, 1 << 32],
        [
            (1 << 53) - 1, 1 << 53, (1 << 53) + 1, 1_000_000_000_000_000, 1_000_000_000_000_001,
            WireLimits.permitMilliseconds, WireLimits.permitMilliseconds + 1, 366 * 86_400_000, 366 * 86_400_000 + 1,
        ],
        [.max, .max - 1, .max, .max - 1, .min, .min + 1],
    ]

    fileprivate mutating func integer<Integer: FixedWidthInteger>(_ field: String) -> Integer {
        guard isExtreme() else {
            if field.hasPrefix("permit"), !permits.isEmpty { return Integer(clamping: random.pick(permits)) }
            if isTame { return Integer(clamping: random.within(3...5)) }
            return Integer(clamping: random.pick([0, 1, 3, 5, random.below(100), random.below(100_000)]))
        }
        switch random.below(12) {
        case 0: return .max
        case 1: return .max - 1
        case 2: return .min
        case 3: return Integer(truncatingIfNeeded: random.next())
        default: return Integer(clamping: random.pick(random.pick(Self.edges)))
        }
    }

    mutating func money() -> Money {
        guard isExtreme() else {
            return Money(
                nanodollars: random.pick([0, 1, Int64(random.below(2_000_000_000)), WireLimits.callCost.nanodollars]))
        }
        return Money(nanodollars: integer("money"))
    }

    fileprivate mutating func timestamp() -> Timestamp {
        guard isExtreme() else { return now + Int64(random.within(-90_000_000...90_000_000)) }
        return random.once(in: 2)
            ? Timestamp(milliseconds: integer("moment"))
            : random.pick([Timestamp.earliest, Timestamp.latest]) + Int64(random.within(-1...1))
    }

    fileprivate mutating func double() -> Double {
        guard isExtreme() else { return Double(random.below(1_000)) / 1_000 }
        return random.pick([
            0, -0.0, 1, -1, 1 - .ulpOfOne, 1 + .ulpOfOne, .nan, .infinity, -.infinity, .leastNonzeroMagnitude,
            .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0.5e-9, 0x1p63, 0x1p53,
            Double(bitPattern: random.next()),
        ])
    }

    mutating func name() -> Name {
        let text: String
        switch random.below(24) {
        case 0: text = String(repeating: "x", count: WireLimits.nameLength)
        case 1: text = "名" + String(repeating: "y", count: WireLimits.nameLength - 3)
        case 2:
            fresh += 1
            text = "f\(fresh)"
        default: text = "\(random.pick(["a", "a", "a", "b", "b", "c", "d", "e", "g"]))"
        }
        guard let name = try? Name(text) else { preconditionFailure("\(text) is a name") }
        return name
    }

    /// A window of a limit that is usually one.
    fileprivate mutating func window() -> LimitWindow {
        guard !isExtreme() else { return record() }
        let length = random.pick([1_000, 1_017, 60_000, 3_600_000, 86_400_000] as [Int64])
        switch random.below(8) {
        case 0, 1: return .sliding(milliseconds: length)
        case 2: return .fixed(milliseconds: length)
        case 3: return .manual
        case 4: return .prepaid
        case 5: return LimitWindow()
        default:
            let unit = random.pick(WindowUnit.allCases)
            let anchor = unit == .hour || unit == .day ? 1 : UInt8(random.within(1...7))
            let zone = random.once(in: 3) ? try? Name(random.pick(["UTC", "Europe/Berlin"])) : nil
            return .calendar(unit, anchorDay: anchor, anchorMonth: unit == .year ? 4 : 1, zone: zone)
        }
    }

    /// A limit that is usually one.
    mutating func limit() -> Limit {
        guard !isExtreme() else { return record() }
        if limitPlace < limits.count, random.once(in: 2) {
            var limit = limits[limitPlace].limit
            if random.once(in: 2), limit.amount < .max / 2 { limit.amount += Int64(random.below(1_000)) }
            return limit
        }
        let window = window()
        let dimension =
            window.kind == .none ? .inFlight : random.pick(LimitDimension.allCases.filter { $0 != .inFlight })
        let amount =
            switch dimension {
            case .cost: money().nanodollars
            case .inFlight: Int64(random.below(4))
            default: Int64(random.below(20)) * (isExtreme() ? 1 << 40 : 1)
            }
        let mode = random.pick([.deny, .deny, .deny, .notify, .shadow] as [LimitMode])
        return Limit(dimension, amount, window, mode: mode, onLapse: random.once(in: 2) ? .charge : .release)
    }

    /// A scope that is usually one.
    mutating func scope() -> Scope {
        guard !isExtreme() else { return record() }
        if limitPlace < limits.count, random.once(in: 2) { return limits[limitPlace].scope }
        let provider = random.once(in: 2) ? name() : nil
        let model = provider != nil && random.once(in: 3) ? name() : nil
        let tag: Name? =
            switch random.below(6) {
            case 0, 1: name()
            case 2: try? Name(random.pick(["a", "b", "f", "uid:"]) + "*")
            case 3: try? Name(random.pick(["uid:0", "uid:1", "*"]))
            default: nil
            }
        let deployment = provider != nil && tag == nil && random.once(in: 4) ? name() : nil
        return Scope(provider: provider, deployment: deployment, model: model, tag: tag)
    }

    /// The length of a list with room for this many elements.
    fileprivate mutating func length(upTo capacity: Int) -> Int {
        if isExtreme() { return random.pick([0, 1, capacity]) }
        return isTame ? random.within(1...3) : random.below(min(capacity, 4) + 1)
    }
}

/// Fills every field.
private struct Filler: FieldVisitor {
    var values: RandomValues

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        value = values.value(Value.self, name.description)
    }
}

/// Replaces some fields.
private struct Disturber: FieldVisitor {
    var values: RandomValues

    mutating func field<Value: WireValue>(
        _ name: StaticString, _ value: inout Value, _ meaning: @autoclosure () -> String
    ) throws(Refusal) {
        value = values.disturbed(value: value, name.description)
    }
}

/// A value with inner values that are replaced one by one.
private protocol Disturbable: WireValue {
    func disturbed(by values: inout RandomValues, _ field: String) -> any WireValue
}

extension Optional: Disturbable where Wrapped: WireValue {
    fileprivate func disturbed(by values: inout RandomValues, _ field: String) -> any WireValue {
        guard let wrapped = self else { return self }
        return Optional(values.disturbed(value: wrapped, field))
    }
}

extension Array: Disturbable where Element: WireValue {
    fileprivate func disturbed(by values: inout RandomValues, _ field: String) -> any WireValue {
        var list = self
        // Sometimes an element is repeated, because duplicates are a case of their own.
        if let last, values.random.once(in: 8) { list.append(last) }
        for place in list.indices { list[place] = values.disturbed(value: list[place], field) }
        return list
    }
}

/// A kind of value that is neither a record nor an enumeration.
private protocol RandomlyMade: WireValue {
    static func make(_ values: inout RandomValues, _ field: String) -> any WireValue
}

extension UInt8: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.integer(field) as UInt8
    }
}

extension UInt16: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.integer(field) as UInt16
    }
}

extension UInt32: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.integer(field) as UInt32
    }
}

extension UInt64: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.integer(field) as UInt64
    }
}

extension Int64: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.integer(field) as Int64
    }
}

extension Double: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.double() }
}

extension Bool: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        values.random.once(in: 2)
    }
}

extension Money: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.money() }
}

extension Timestamp: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.timestamp() }
}

extension LimitWindow: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.window() }
}

extension Limit: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.limit() }
}

extension Scope: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.scope() }
}

extension Name: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue { values.name() }
}

extension String: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        String(repeating: "t", count: values.length(upTo: WireLimits.textLength))
    }
}

extension Bytes: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        Bytes([UInt8](repeating: 7, count: values.length(upTo: 64)))
    }
}

extension Optional: RandomlyMade where Wrapped: WireValue {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        let isPresent = values.random.once(in: 2)
        return isPresent ? Optional(values.value(Wrapped.self, field)) : Wrapped?.none
    }
}

extension Array: RandomlyMade where Element: WireValue {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        // One more than the longest list that a command accepts.
        let length = values.length(upTo: WireLimits.curveLength + 1)
        return (0..<length).map { _ in values.value(Element.self, field) }
    }
}

extension InlineList: RandomlyMade {
    fileprivate static func make(_ values: inout RandomValues, _ field: String) -> any WireValue {
        var list = Self()
        for _ in 0..<values.length(upTo: capacity) { list.append(values.value(Element.self, field)) }
        return list
    }
}
