import FuseboxWire

/// The shares at which a limit's threshold events fire, in a snapshot.
struct ThresholdsImage: WireRecord {
    var warning = 0.0
    var critical = 0.0
    var emergency = 0.0

    init() {}

    init(_ thresholds: Thresholds) {
        (warning, critical, emergency) = (thresholds.warning, thresholds.critical, thresholds.emergency)
    }

    var thresholds: Thresholds { Thresholds(warning: warning, critical: critical, emergency: emergency) }

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("warning", &warning, "the share of the amount at which `warning` fires")
        try visitor.field("critical", &critical, "the share at which `critical` fires")
        try visitor.field("emergency", &emergency, "the share at which `emergency` fires")
    }
}

/// How far a limit was told to be used up, in a snapshot.
enum FiredThresholdImage: UInt8, PairedEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3

    static let pairs: [(Self, ThresholdTier)] = [
        (.none, .none), (.warning, .warning), (.critical, .critical), (.emergency, .emergency),
    ]
}

/// How soon a limit was told to be used up, in a snapshot.
enum FiredDepletionImage: UInt8, PairedEnumeration {
    case none = 0
    case warning = 1
    case critical = 2
    case emergency = 3

    static let pairs: [(Self, DepletionTier)] = [
        (.none, .none), (.warning, .warning), (.critical, .critical), (.emergency, .emergency),
    ]
}
