import FuseboxWire

/// The settings that apply to the whole state.
enum SettingsSection: SnapshotSection {
    static let kind: UInt32 = 1
    static let name = "settings"
    static let summary = "one record: defaults, what is asked of names, and counters"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var image = SettingsImage()
        image.breakerDefault = BreakerConfigurationImage(machine.breakers.defaultConfiguration)
        image.defaultCooldownMilliseconds = machine.exhaustion.defaultCooldownMilliseconds
        image.longestMarkMilliseconds = machine.exhaustion.longestMilliseconds
        image.since = machine.ledger.since
        image.isStrict = machine.rules.isStrict
        image.requiredTags = machine.rules.requiredTags
        image.newestLimit = machine.limitTable.newestNumber
        image.newestLimitUse = machine.limitTable.newestGeneration
        part.add(image)
    }

    static func add(_ image: SettingsImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.setDefaultConfiguration(image.breakerDefault.configuration)
        try state.builder.setDefaultCooldown(milliseconds: image.defaultCooldownMilliseconds)
        try state.builder.setLongestMark(milliseconds: image.longestMarkMilliseconds)
        try state.builder.setSince(image.since)
        state.builder.machine.rules.isStrict = image.isStrict
        state.builder.machine.rules.requiredTags = image.requiredTags
        try state.builder.setLimitCounters(limits: image.newestLimit, uses: image.newestLimitUse)
    }
}

struct SettingsImage: VersionedRecord {
    var breakerDefault = BreakerConfigurationImage()
    var defaultCooldownMilliseconds: Int64 = 0
    var longestMarkMilliseconds: Int64 = 0
    var since = Timestamp(milliseconds: 0)
    var isStrict = false
    var requiredTags: [Name] = []
    var newestLimit: UInt64 = 0
    var newestLimitUse: UInt64 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("breakerDefault", &breakerDefault, "the configuration that breakers are created with")
        try visitor.field(
            "defaultCooldownMilliseconds", &defaultCooldownMilliseconds, "how long a mark without a reported end lasts")
        try visitor.field("longestMarkMilliseconds", &longestMarkMilliseconds, "how long a mark lasts at most")
        try visitor.field("since", &since, "since when the ledger counts, on the wall clock")
        try visitor.field("isStrict", &isStrict, "whether workers may name only providers that are known")
        try visitor.field("requiredTags", &requiredTags, "what the tags of each call must match")
        try visitor.field("newestLimit", &newestLimit, "the number of the limit that was set first most lately")
        try visitor.field("newestLimitUse", &newestLimitUse, "the number of the use of a limit that began most lately")
    }
}
