/// What a limit bounds.
public enum LimitDimension: OpenEnumeration {
    /// What calls cost, in nano-dollars.
    case cost
    /// How many calls there are.
    case requests
    /// Tokens of every kind.
    case tokens
    /// Tokens sent.
    case inputTokens
    /// Tokens received.
    case outputTokens
    /// Calls that are under way at the same time. It has no window.
    case inFlight
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [LimitDimension] = [
        .cost, .requests, .tokens, .inputTokens, .outputTokens, .inFlight,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .cost: 0
        case .requests: 1
        case .tokens: 2
        case .inputTokens: 3
        case .outputTokens: 4
        case .inFlight: 5
        case .unknown(let number): number
        }
    }
}

/// What a limit does with a call that would exceed it.
public enum LimitMode: OpenEnumeration {
    /// The call is denied.
    case deny
    /// The call is let through; thresholds are told.
    case notify
    /// The call is let through and counted as one that would have been denied.
    case shadow
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [LimitMode] = [
        .deny, .notify, .shadow,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .deny: 0
        case .notify: 1
        case .shadow: 2
        case .unknown(let number): number
        }
    }
}

/// What becomes of the estimate of a call that was never settled.
public enum LapseRule: OpenEnumeration {
    /// It counts as used until a late settle tells better: the provider may have charged for the call.
    case charge
    /// It is given back.
    case release
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [LapseRule] = [
        .charge, .release,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .charge: 0
        case .release: 1
        case .unknown(let number): number
        }
    }
}

/// How the window of a limit moves.
public enum WindowKind: OpenEnumeration {
    /// There is none: the limit bounds what is under way now.
    case none
    /// Any stretch of its length.
    case sliding
    /// A stretch of its length that begins with the first use after the last one's end.
    case fixed
    /// A unit of the calendar in a time zone.
    case calendar
    /// From one reset by an operator to the next.
    case manual
    /// For ever, until the amount is raised.
    case prepaid
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [WindowKind] = [
        .none, .sliding, .fixed, .calendar, .manual, .prepaid,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .none: 0
        case .sliding: 1
        case .fixed: 2
        case .calendar: 3
        case .manual: 4
        case .prepaid: 5
        case .unknown(let number): number
        }
    }
}

/// A unit of the calendar.
public enum WindowUnit: OpenEnumeration {
    case hour
    case day
    case week
    case month
    case quarter
    case year
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [WindowUnit] = [
        .hour, .day, .week, .month, .quarter, .year,
    ]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .hour: 0
        case .day: 1
        case .week: 2
        case .month: 3
        case .quarter: 4
        case .year: 5
        case .unknown(let number): number
        }
    }
}

/// The stretch of time that a limit bounds the use of.
public struct LimitWindow: WireRecord, Equatable {
    /// How it moves.
    public var kind: WindowKind = .none
    /// The length of a sliding or fixed window in milliseconds, 1 s to 366 days; 0 for others.
    public var lengthMilliseconds: Int64 = 0
    /// The unit of a calendar window; `day` for others.
    public var unit: WindowUnit = .day
    /// Where a calendar window begins: of a week the weekday, 1 (Monday) to 7; of a month or quarter the day, 1 to 31;
    /// of a year the day of `anchorMonth`. 1 otherwise.
    public var anchorDay: UInt8 = 1
    /// The month that a calendar year begins in, 1 to 12. 1 otherwise.
    public var anchorMonth: UInt8 = 1
    /// The IANA time zone of a calendar window; nil: UTC.
    public var zone: Name?

    /// Every field has its default.
    @inlinable public init() {}

    /// Any stretch of this length.
    public static func sliding(milliseconds: Int64) -> LimitWindow { LimitWindow(.sliding, milliseconds) }
    /// A stretch of this length from the first use on.
    public static func fixed(milliseconds: Int64) -> LimitWindow { LimitWindow(.fixed, milliseconds) }
    /// A unit of the calendar.
    public static func calendar(
        _ unit: WindowUnit, anchorDay: UInt8 = 1, anchorMonth: UInt8 = 1, zone: Name? = nil
    ) -> LimitWindow {
        var window = LimitWindow(.calendar)
        window.unit = unit
        window.anchorDay = anchorDay
        window.anchorMonth = anchorMonth
        window.zone = zone
        return window
    }
    /// From one reset to the next.
    public static var manual: LimitWindow { LimitWindow(.manual) }
    /// For ever, until the amount is raised.
    public static var prepaid: LimitWindow { LimitWindow(.prepaid) }

    private init(_ kind: WindowKind, _ milliseconds: Int64 = 0) {
        self.kind = kind
        lengthMilliseconds = milliseconds
    }

    /// Whether two windows are the same one for the identity of a limit: a calendar's anchor and zone may differ.
    public func isSame(as other: LimitWindow) -> Bool {
        kind == other.kind && lengthMilliseconds == other.lengthMilliseconds
            && (kind != .calendar || unit == other.unit)
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("kind", &kind, "how it moves; `none` for `inFlight` alone")
        try visitor.field(
            "lengthMilliseconds", &lengthMilliseconds,
            "the length of a `sliding` or `fixed` window, 1 s to 366 days; 0 for others")
        try visitor.field("unit", &unit, "the unit of a `calendar` window; `day` for others")
        try visitor.field(
            "anchorDay", &anchorDay,
            "where a `calendar` window begins: the weekday that a week begins on, 1 (Monday) to 7; the day that a month, quarter or year begins on, 1 to 31; otherwise 1"
        )
        try visitor.field(
            "anchorMonth", &anchorMonth, "the month that a calendar year begins in, 1 to 12; otherwise 1")
        try visitor.field("zone", &zone, "the IANA time zone of a `calendar` window; absent: UTC")
    }
}

/// A bound on what the calls of a scope use in a window.
public struct Limit: WireRecord, Equatable {
    /// What it bounds.
    public var dimension: LimitDimension = .cost
    /// The most that is used in one window: nano-dollars for `cost`, else a count. 0 denies every call that takes any.
    public var amount: Int64 = 0
    /// The stretch of time.
    public var window = LimitWindow()
    /// What it does with a call that would exceed it.
    public var mode: LimitMode = .deny
    /// What becomes of the estimate of a call that was never settled. Only cost and tokens are given back at all.
    public var onLapse: LapseRule = .charge
    /// The shares at which events are sent; nil: 80, 90 and 95 % for cost, and for the rest from a day on.
    public var thresholds: Thresholds?
    /// Whether tokens that were read from a cache do not count. Only a limit of tokens or input tokens has them.
    public var skipsCacheReads = false

    /// Every field has its default.
    @inlinable public init() {}
    /// A bound; `onLapse` is `charge` for a cost that is denied, else `release`.
    public init(
        _ dimension: LimitDimension, _ amount: Int64, _ window: LimitWindow, mode: LimitMode = .deny,
        onLapse: LapseRule? = nil, thresholds: Thresholds? = nil, skipsCacheReads: Bool = false
    ) {
        self.dimension = dimension
        self.amount = amount
        self.window = window
        self.mode = mode
        self.onLapse = onLapse ?? (dimension == .cost && mode == .deny ? .charge : .release)
        self.thresholds = thresholds
        self.skipsCacheReads = skipsCacheReads
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("dimension", &dimension, "what it bounds")
        try visitor.field(
            "amount", &amount, "the most in one window: nano-dollars for `cost`, else a count; 0 to 2⁶³ − 1")
        try visitor.field("window", &window, "the stretch of time that it bounds the use of")
        try visitor.field("mode", &mode, "what it does with a call that would exceed it")
        try visitor.field("onLapse", &onLapse, "what becomes of the estimate of a call that was never settled")
        try visitor.field(
            "thresholds", &thresholds,
            "the shares of the amount at which events are sent; absent: 0.8, 0.9 and 0.95 for `cost`, and for other dimensions in windows of a day and more; without effect for `inFlight`"
        )
        try visitor.field(
            "skipsCacheReads", &skipsCacheReads,
            "whether tokens that were read from a cache do not count; only for `tokens` and `inputTokens`")
    }

    /// Whether two limits of one scope are the same one: setting the second changes the first. One that only watches in
    /// the shadow stands beside one that is in force.
    public func isSame(as other: Limit) -> Bool {
        dimension == other.dimension && window.isSame(as: other.window) && (mode == .shadow) == (other.mode == .shadow)
    }

    /// Checks that its parts go together. What a window of its kind does not have is as `LimitWindow.init` leaves it, because
    /// two limits are the same by what their windows have.
    ///
    /// - Throws: `outOfRange` with what does not
    public func validate() throws(Refusal) {
        guard amount >= 0 else { throw Refusal(.outOfRange, "a limit's amount of \(amount) must not be negative") }
        guard dimension.isKnown, mode.isKnown, onLapse.isKnown, window.kind.isKnown, window.unit.isKnown else {
            throw Refusal(.outOfRange, "a limit of a newer version cannot be set: \(dimension) \(window.kind) \(mode)")
        }
        try thresholds?.validate()
        guard !skipsCacheReads || dimension == .tokens || dimension == .inputTokens else {
            throw Refusal(
                .outOfRange, "only a limit of tokens or input tokens can leave out cache reads, not one of \(dimension)"
            )
        }
        switch window.kind {
        case .none where dimension != .inFlight:
            throw Refusal(.outOfRange, "a limit of \(dimension) needs a window")
        case .none: break
        case _ where dimension == .inFlight:
            throw Refusal(.outOfRange, "a limit of calls in flight has no window")
        case .sliding, .fixed:
            guard ValueRanges.windowLength.contains(window.lengthMilliseconds) else {
                throw Refusal(
                    .outOfRange, "a window of \(window.lengthMilliseconds) ms must last from 1 second to 366 days")
            }
        case .calendar: try validateAnchor()
        case .manual, .prepaid, .unknown: break
        }
        try validateAbsentParts()
    }

    private func validateAbsentParts() throws(Refusal) {
        guard window.kind == .sliding || window.kind == .fixed || window.lengthMilliseconds == 0 else {
            throw Refusal(.outOfRange, "only a sliding and a fixed window have a length, so it must be 0")
        }
        let hasCalendar = window.unit != .day || window.anchorDay != 1 || window.anchorMonth != 1 || window.zone != nil
        guard window.kind == .calendar || !hasCalendar else {
            throw Refusal(
                .outOfRange,
                "only a calendar window has a unit, a beginning and a zone, so the unit must be day, the beginning 1 and the zone absent"
            )
        }
    }

    private func validateAnchor() throws(Refusal) {
        let days: ClosedRange<UInt8> =
            switch window.unit {
            case .hour, .day: 1...1
            case .week: 1...7
            case .month, .quarter, .year, .unknown: 1...31
            }
        guard days.contains(window.anchorDay) else {
            throw Refusal(
                .outOfRange,
                "a calendar \(window.unit) cannot begin on day \(window.anchorDay); it takes \(days.lowerBound) to \(days.upperBound)"
            )
        }
        let months: ClosedRange<UInt8> = window.unit == .year ? 1...12 : 1...1
        guard months.contains(window.anchorMonth) else {
            throw Refusal(.outOfRange, "a calendar \(window.unit) cannot begin in month \(window.anchorMonth)")
        }
    }
}
