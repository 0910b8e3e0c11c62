import FuseboxWire

/// The calendars of limits, and their current windows.
enum CalendarSection: SnapshotSection {
    static let kind: UInt32 = 16
    static let name = "calendars"
    static let summary = "the calendars that limits go by, in the order of their fields"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var images: [CalendarImage] = []
        for calendar in machine.limitTable.calendars {
            var image = CalendarImage()
            image.window = LimitWindowImage(calendar.window)
            image.number = calendar.number
            image.start = calendar.start
            image.end = calendar.end
            images.append(image)
        }
        images.sort { $0.window.order < $1.window.order }
        for image in images { part.add(image) }
    }

    static func add(_ image: CalendarImage, to state: inout StateImage) throws(Refusal) {
        try validateMoment(image.start, "the start of a calendar's window")
        try validateMoment(image.end, "the end of a calendar's window")
        try state.builder.insertCalendar(
            LimitTable.Calendar(
                window: image.window.window, number: image.number, start: image.start, end: image.end))
    }
}

/// The limits as they were set.
enum LimitSection: SnapshotSection {
    static let kind: UInt32 = 17
    static let name = "limits"
    static let summary = "the limits, in the order in which they were set first"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.limitTable.ruleOrder.forEach { place in
            let rule = machine.limitTable.rules[place]
            var image = LimitImage()
            let scope = machine.scope(of: rule)
            image.number = rule.number
            image.provider = scope.provider
            image.deployment = scope.deployment
            image.model = scope.model
            image.tag = scope.tag
            image.dimension = LimitDimensionImage(rule.limit.dimension)
            image.amount = rule.limit.amount
            image.window = LimitWindowImage(rule.limit.window)
            image.mode = LimitModeImage(rule.limit.mode)
            image.onLapse = LapseRuleImage(rule.limit.onLapse)
            image.thresholds = rule.limit.thresholds.map(ThresholdsImage.init)
            image.skipsCacheReads = rule.limit.skipsCacheReads
            image.raisedAmount = rule.raise?.amount
            image.raisedUntil = rule.raise?.until
            part.add(image)
            return true
        }
    }

    static func add(_ image: LimitImage, to state: inout StateImage) throws(Refusal) {
        var limit = Limit(
            image.dimension.value, image.amount, image.window.window, mode: image.mode.value,
            onLapse: image.onLapse.value, thresholds: image.thresholds?.thresholds,
            skipsCacheReads: image.skipsCacheReads)
        limit.window.zone = image.window.zone
        let scope = Scope(
            provider: image.provider, deployment: image.deployment, model: image.model, tag: image.tag)
        if let until = image.raisedUntil { try validateMoment(until, "the end of a raise") }
        let raise = image.raisedAmount.flatMap { amount in
            image.raisedUntil.map { LimitTable.Raise(amount: amount, until: $0) }
        }
        try state.builder.insertLimit(number: image.number, scope, limit, raise)
    }
}

/// What was used of each limit.
enum LimitUseSection: SnapshotSection {
    static let kind: UInt32 = 18
    static let name = "limitUses"
    static let summary = "what was used of each limit by each scope, in the order in which they began to"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.limitTable.useOrder.forEach { place in
            part.add(machine.useImage(place))
            return true
        }
    }

    static func add(_ image: LimitUseImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertLimitUse(image)
    }
}

// MARK: Records

struct CalendarImage: VersionedRecord {
    var window = LimitWindowImage()
    var number: UInt32 = 0
    var start = Timestamp(milliseconds: 0)
    var end = Timestamp(milliseconds: 0)

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("window", &window, "the calendar: its unit, anchor and zone")
        try visitor.field("number", &number, "counts its windows")
        try visitor.field("start", &start, "when the current one began, on the wall clock")
        try visitor.field("end", &end, "the first moment after it")
    }
}

struct LimitImage: VersionedRecord {
    var number: UInt64 = 0
    var provider: Name?
    var deployment: Name?
    var model: Name?
    var tag: Name?
    var dimension: LimitDimensionImage = .cost
    var amount: Int64 = 0
    var window = LimitWindowImage()
    var mode: LimitModeImage = .deny
    var onLapse: LapseRuleImage = .charge
    var thresholds: ThresholdsImage?
    var raisedAmount: Int64?
    var raisedUntil: Timestamp?
    var skipsCacheReads = false

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "counts the limits that were set")
        try visitor.field("provider", &provider, "the provider of its scope; absent: any")
        try visitor.field("deployment", &deployment, "the deployment of its scope; absent: any")
        try visitor.field("model", &model, "the model of its scope; absent: any")
        try visitor.field("tag", &tag, "the tag of its scope, or `prefix*` of a template; absent: any call")
        try visitor.field("dimension", &dimension, "what it bounds")
        try visitor.field("amount", &amount, "nano-dollars for `cost`, else a count")
        try visitor.field("window", &window, "the stretch of time")
        try visitor.field("mode", &mode, "what it does with a call that would exceed it")
        try visitor.field("onLapse", &onLapse, "what becomes of the estimate of a call that was never settled")
        try visitor.field(
            "thresholds", &thresholds, "the shares of the amount at which events are sent; absent: those of any limit")
        try visitor.field("raisedAmount", &raisedAmount, "a higher amount that holds for a while")
        try visitor.field("raisedUntil", &raisedUntil, "until when, on the steady clock")
        try visitor.field("skipsCacheReads", &skipsCacheReads, "whether tokens read from a cache do not count")
    }
}

struct LimitUseImage: VersionedRecord {
    struct Grain: WireRecord {
        static var wireType: String { "LimitUseGrain" }
        var number: Int64 = 0
        var amount: Int64 = 0

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("number", &number, "the grain's number: its first moment over its length")
            try visitor.field("amount", &amount, "what was used in it")
        }
    }

    var generation: UInt64 = 0
    var limit: UInt64 = 0
    var tag: Name?
    var usedHigh: Int64 = 0
    var usedLow: UInt64 = 0
    var grains: [Grain] = []
    var newestGrain: Int64 = 0
    var start: Timestamp?
    var window: UInt32 = 0
    var calendarWindow: UInt32 = 0
    var assumedHigh: Int64 = 0
    var assumedLow: UInt64 = 0
    var assumedGrains: [Grain] = []
    var newestAssumedGrain: Int64 = 0
    var dollars: Double?
    var fired: FiredThresholdImage = .none
    var firedAt: Timestamp?
    var firedDepletion: FiredDepletionImage = .none
    var isDenying = false
    var wouldHaveDenied: UInt64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("generation", &generation, "counts the uses that began, of all limits")
        try visitor.field("limit", &limit, "the number of the limit")
        try visitor.field("tag", &tag, "the tag that used it; absent: its scope has none")
        try visitor.field("usedHigh", &usedHigh, "used in the current window, but for sliding ones: the upper 64 bits")
        try visitor.field("usedLow", &usedLow, "the lower 64 bits")
        try visitor.field("grains", &grains, "what was used in each grain of a sliding window, oldest first")
        try visitor.field("newestGrain", &newestGrain, "the newest grain of a sliding window that was reached")
        try visitor.field("start", &start, "when the window began, on the steady clock; absent: nothing was used yet")
        try visitor.field("window", &window, "counts the windows of this use")
        try visitor.field(
            "calendarWindow", &calendarWindow, "the number of the calendar window that was used last")
        try visitor.field(
            "assumedHigh", &assumedHigh,
            "the part of `usedHigh` and `usedLow` that is assumed of calls never settled: the upper 64 bits")
        try visitor.field("assumedLow", &assumedLow, "the lower 64 bits")
        try visitor.field(
            "assumedGrains", &assumedGrains, "the part of `grains` that is assumed of calls never settled, oldest first"
        )
        try visitor.field(
            "newestAssumedGrain", &newestAssumedGrain, "the newest grain that this part has reached; 0: it is empty")
        try visitor.field(
            "dollars", &dollars, "used in the current window as a sum of doubles; absent under the profile fusebox")
        try visitor.field("fired", &fired, "the highest threshold that was told in this window")
        try visitor.field("firedAt", &firedAt, "when it was told")
        try visitor.field("firedDepletion", &firedDepletion, "the nearest depletion tier that was told in this window")
        try visitor.field("isDenying", &isDenying, "whether the last call that asked was denied")
        try visitor.field("wouldHaveDenied", &wouldHaveDenied, "calls that a limit that only watches would have denied")
    }
}

/// The charge of a call against a limit, in a snapshot.
struct ChargeImage: WireRecord {
    var generation: UInt64 = 0
    var window: UInt32 = 0
    var state: ChargeStateImage = .held
    var countedAt = Timestamp(milliseconds: 0)

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("generation", &generation, "the number of the limit's use")
        try visitor.field("window", &window, "the window of the use that it counts in")
        try visitor.field("state", &state, "what has become of the estimate")
        try visitor.field("countedAt", &countedAt, "since when it counts")
    }
}

/// The window of a limit, in a snapshot.
struct LimitWindowImage: WireRecord {
    var kind: WindowKindImage = .none
    var lengthMilliseconds: Int64 = 0
    var unit: WindowUnitImage = .day
    var anchorDay: UInt8 = 1
    var anchorMonth: UInt8 = 1
    var zone: Name?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("kind", &kind, "how it moves")
        try visitor.field(
            "lengthMilliseconds", &lengthMilliseconds, "the length of a `sliding` or `fixed` window; 0 for others")
        try visitor.field("unit", &unit, "the unit of a `calendar` window")
        try visitor.field(
            "anchorDay", &anchorDay, "the weekday, or the day of the month, that it begins on; otherwise 1")
        try visitor.field("anchorMonth", &anchorMonth, "the month that a year begins in; otherwise 1")
        try visitor.field("zone", &zone, "the time zone of a `calendar` window; absent: UTC")
    }
}

// MARK: Enumerations

/// An enumeration in a file, apart from that of the protocol.
protocol PairedEnumeration: ClosedEnumeration {
    associatedtype Value: Equatable
    /// Each value with that of the protocol.
    static var pairs: [(Self, Value)] { get }
}

extension PairedEnumeration {
    init(_ value: Value) {
        guard let pair = Self.pairs.first(where: { $0.1 == value }) else {
            preconditionFailure("each value has one in the file")
        }
        self = pair.0
    }

    var value: Value {
        guard let pair = Self.pairs.first(where: { $0.0 == self }) else {
            preconditionFailure("each value of the file has its own")
        }
        return pair.1
    }
}

/// What a limit bounds, in a snapshot.
enum LimitDimensionImage: UInt8, PairedEnumeration {
    case cost = 0
    case requests = 1
    case tokens = 2
    case inputTokens = 3
    case outputTokens = 4
    case inFlight = 5

    static let pairs: [(Self, LimitDimension)] = [
        (.cost, .cost), (.requests, .requests), (.tokens, .tokens), (.inputTokens, .inputTokens),
        (.outputTokens, .outputTokens), (.inFlight, .inFlight),
    ]
}

/// What a limit does with a call that would exceed it, in a snapshot.
enum LimitModeImage: UInt8, PairedEnumeration {
    case deny = 0
    case notify = 1
    case shadow = 2

    static let pairs: [(Self, LimitMode)] = [(.deny, .deny), (.notify, .notify), (.shadow, .shadow)]
}

/// What becomes of the estimate of a call that was never settled, in a snapshot.
enum LapseRuleImage: UInt8, PairedEnumeration {
    case charge = 0
    case release = 1

    static let pairs: [(Self, LapseRule)] = [(.charge, .charge), (.release, .release)]
}

/// How the window of a limit moves, in a snapshot.
enum WindowKindImage: UInt8, PairedEnumeration {
    case none = 0
    case sliding = 1
    case fixed = 2
    case calendar = 3
    case manual = 4
    case prepaid = 5

    static let pairs: [(Self, WindowKind)] = [
        (.none, .none), (.sliding, .sliding), (.fixed, .fixed), (.calendar, .calendar), (.manual, .manual),
        (.prepaid, .prepaid),
    ]
}

/// A unit of the calendar, in a snapshot.
enum WindowUnitImage: UInt8, PairedEnumeration {
    case hour = 0
    case day = 1
    case week = 2
    case month = 3
    case quarter = 4
    case year = 5

    static let pairs: [(Self, WindowUnit)] = [
        (.hour, .hour), (.day, .day), (.week, .week), (.month, .month), (.quarter, .quarter), (.year, .year),
    ]
}

/// The state of a charge, in a snapshot.
enum ChargeStateImage: UInt8, PairedEnumeration {
    case held = 0
    case counted = 1
    case assumed = 2
    case released = 3

    static let pairs: [(Self, LimitCharge.State)] = [
        (.held, .held), (.counted, .counted), (.assumed, .assumed), (.released, .released),
    ]
}

// MARK: Between state and file

extension LimitWindowImage {
    init(_ window: LimitWindow) {
        kind = WindowKindImage(window.kind)
        lengthMilliseconds = window.lengthMilliseconds
        unit = WindowUnitImage(window.unit)
        anchorDay = window.anchorDay
        anchorMonth = window.anchorMonth
        zone = window.zone
    }

    var window: LimitWindow {
        var window = LimitWindow()
        window.kind = kind.value
        window.lengthMilliseconds = lengthMilliseconds
        window.unit = unit.value
        window.anchorDay = anchorDay
        window.anchorMonth = anchorMonth
        window.zone = zone
        return window
    }

    /// What calendars are sorted by.
    fileprivate var order: (UInt8, UInt8, UInt8, String) { (unit.rawValue, anchorMonth, anchorDay, zone?.text ?? "") }
}

extension StateMachine {
    fileprivate func useImage(_ place: Int) -> LimitUseImage {
        let entry = limitTable.entries[place]
        var image = LimitUseImage()
        image.generation = entry.generation
        image.limit = limitTable.rules[entry.rule].number
        image.tag = entry.key.tag.map { tags[$0] }
        (image.usedHigh, image.usedLow) = entry.used.halves
        if let slide = entry.slide {
            image.grains = grains(of: slide)
            image.newestGrain = limitTable.slides[slide].newest
        }
        image.start = entry.start
        image.window = entry.window
        image.calendarWindow = entry.calendarWindow
        (image.assumedHigh, image.assumedLow) = entry.assumed.halves
        if let assumed = entry.assumedSlide {
            image.assumedGrains = grains(of: assumed)
            image.newestAssumedGrain = limitTable.slides[assumed].newest
        }
        image.dollars = profile.reckonsInDollars ? entry.dollars : nil
        image.fired = FiredThresholdImage(entry.fired)
        image.firedDepletion = FiredDepletionImage(entry.firedDepletion)
        image.firedAt = entry.firedAt
        image.isDenying = entry.isDenying
        image.wouldHaveDenied = entry.wouldHaveDenied
        return image
    }

    private func grains(of slide: Int) -> [LimitUseImage.Grain] {
        var grains: [LimitUseImage.Grain] = []
        limitTable.slides[slide].forEachGrain { number, amount in
            grains.append(LimitUseImage.Grain(number: number, amount: amount))
        }
        return grains
    }
}

extension Int128 {
    fileprivate var halves: (high: Int64, low: UInt64) {
        (Int64(truncatingIfNeeded: self >> 64), UInt64(truncatingIfNeeded: self))
    }

    init(high: Int64, low: UInt64) { self = Int128(high) << 64 | Int128(low) }
}

extension LimitTable {
    /// The charges of a call whose limits still exist.
    func images(ofCharges first: Int?) -> [ChargeImage] {
        var images: [ChargeImage] = []
        var next = first
        while let place = next {
            let charge = charges[place]
            next = charge.next
            guard isLive(charge) else { continue }
            var image = ChargeImage()
            image.generation = charge.generation
            image.window = charge.window
            image.state = ChargeStateImage(charge.state)
            image.countedAt = charge.countedAt
            images.append(image)
        }
        return images
    }
}
