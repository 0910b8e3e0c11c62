import FuseboxWire

/// The settings that apply to the whole state.
enum SettingsSection: SnapshotSection {
    static let kind: UInt32 = 1
    static let name = "settings"
    static let summary = "one record: defaults, thresholds, the budget period"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var image = SettingsImage()
        image.breakerDefault = BreakerConfigurationImage(machine.breakers.defaultConfiguration)
        image.defaultCooldownMilliseconds = machine.exhaustion.defaultCooldownMilliseconds
        image.warningThreshold = machine.ledger.thresholds.warning
        image.criticalThreshold = machine.ledger.thresholds.critical
        image.emergencyThreshold = machine.ledger.thresholds.emergency
        image.periodLength = PeriodLengthImage(machine.ledger.period.length)
        image.periodStart = machine.ledger.period.start
        image.periodEnd = machine.ledger.period.end
        image.isStrict = machine.rules.isStrict
        image.requiredTags = machine.rules.requiredTags
        image.newestLimit = machine.limitTable.newestNumber
        image.newestLimitUse = machine.limitTable.newestGeneration
        part.add(image)
    }

    static func add(_ image: SettingsImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.setDefaultConfiguration(image.breakerDefault.configuration)
        try state.builder.setDefaultCooldown(milliseconds: image.defaultCooldownMilliseconds)
        var thresholds = Thresholds()
        thresholds.warning = image.warningThreshold
        thresholds.critical = image.criticalThreshold
        thresholds.emergency = image.emergencyThreshold
        try state.builder.setThresholds(thresholds)
        try state.builder.setPeriod(
            BudgetPeriod(image.periodLength.length, start: image.periodStart, end: image.periodEnd))
        state.builder.machine.rules.isStrict = image.isStrict
        state.builder.machine.rules.requiredTags = image.requiredTags
        try state.builder.setLimitCounters(limits: image.newestLimit, uses: image.newestLimitUse)
    }
}

struct SettingsImage: VersionedRecord {
    var breakerDefault = BreakerConfigurationImage()
    var defaultCooldownMilliseconds: Int64 = 0
    var warningThreshold = 0.0
    var criticalThreshold = 0.0
    var emergencyThreshold = 0.0
    var periodLength: PeriodLengthImage = .month
    var periodStart = Timestamp(milliseconds: 0)
    var periodEnd: Timestamp?
    var isStrict = false
    var requiredTags: [Name] = []
    var newestLimit: UInt64 = 0
    var newestLimitUse: UInt64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("breakerDefault", &breakerDefault, "the configuration that breakers are created with")
        try visitor.field(
            "defaultCooldownMilliseconds", &defaultCooldownMilliseconds, "how long a mark without a reported end lasts")
        try visitor.field("warningThreshold", &warningThreshold, "the spend over budget at which `warning` fires")
        try visitor.field("criticalThreshold", &criticalThreshold, "the spend over budget at which `critical` fires")
        try visitor.field("emergencyThreshold", &emergencyThreshold, "the spend over budget at which `emergency` fires")
        try visitor.field("periodLength", &periodLength, "how long a budget period is")
        try visitor.field("periodStart", &periodStart, "when the current one began, on the wall clock")
        try visitor.field("periodEnd", &periodEnd, "when it ends, on the wall clock; absent if by hand")
        try visitor.field("isStrict", &isStrict, "whether workers may name only providers that are known")
        try visitor.field("requiredTags", &requiredTags, "what the tags of each call must match")
        try visitor.field("newestLimit", &newestLimit, "the number of the limit that was set first most lately")
        try visitor.field("newestLimitUse", &newestLimitUse, "the number of the use of a limit that began most lately")
    }
}

/// The length of a budget period, in a snapshot.
enum PeriodLengthImage: UInt8, ClosedEnumeration {
    case month = 0
    case week = 1
    case day = 2
    case manual = 3

    init(_ length: PeriodLength) {
        self =
            switch length {
            case .month: .month
            case .week: .week
            case .day: .day
            case .manual: .manual
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    var length: PeriodLength {
        switch self {
        case .month: .month
        case .week: .week
        case .day: .day
        case .manual: .manual
        }
    }
}
