/// How far a limit is used up.
public enum ThresholdTier: OpenEnumeration {
    /// Below every threshold.
    case none
    /// 80 %, unless set otherwise.
    case warning
    /// 90 %, unless set otherwise.
    case critical
    /// 95 %, unless set otherwise.
    case emergency
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [ThresholdTier] = [.none, .warning, .critical, .emergency]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .none: 0
        case .warning: 1
        case .critical: 2
        case .emergency: 3
        case .unknown(let number): number
        }
    }
}

/// The shares of a limit's amount at which its threshold events fire. A share above what a limit can reach never fires.
public struct Thresholds: WireRecord, Equatable {
    /// The share at which `warning` fires, at least 0; 0.8 unless set.
    public var warning = 0.80
    /// The share at which `critical` fires, at least 0; 0.9 unless set.
    public var critical = 0.90
    /// The share at which `emergency` fires, at least 0; 0.95 unless set.
    public var emergency = 0.95
    /// Every field has its default.
    @inlinable public init() {}
    /// These shares; a share that is not given never fires.
    public init(
        warning: Double, critical: Double = .greatestFiniteMagnitude, emergency: Double = .greatestFiniteMagnitude
    ) {
        self.warning = warning
        self.critical = critical
        self.emergency = emergency
    }
    /// Thresholds that never fire.
    public static let never = Thresholds(warning: .greatestFiniteMagnitude)

    /// The highest tier that a share reaches.
    public func tier(at share: Double) -> ThresholdTier {
        if share >= emergency { return .emergency }
        if share >= critical { return .critical }
        if share >= warning { return .warning }
        return .none
    }

    /// Checks the shares.
    ///
    /// - Throws: `outOfRange` for a share that is negative or not a number
    public func validate() throws(Refusal) {
        for share in [warning, critical, emergency] {
            guard ValueRanges.threshold.contains(share) else {
                throw Refusal(.outOfRange, "a threshold must be at least 0")
            }
        }
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "warning", &warning,
            "the share of the amount at which `warning` fires, at least 0; one that is never reached, such as the greatest finite number, for none"
        )
        try visitor.field("critical", &critical, "the share at which `critical` fires, at least 0")
        try visitor.field("emergency", &emergency, "the share at which `emergency` fires, at least 0")
    }
}
