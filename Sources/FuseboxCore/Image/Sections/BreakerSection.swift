import FuseboxWire

/// Every breaker, with its whole state.
enum BreakerSection: SnapshotSection {
    static let kind: UInt32 = 6
    static let name = "breakers"
    static let summary = "every breaker, with its whole state"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var index = 0
        while let id = machine.breakers.next(from: index), let breaker = machine.breakers[id] {
            let isConfigured = machine.breakers.isConfigured(id)
            part.add(BreakerImage(breaker.record(name: machine.names[id], isConfigured: isConfigured)))
            index = id.index + 1
        }
    }

    static func add(_ image: BreakerImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertBreaker(image.record)
    }
}

struct BreakerImage: VersionedRecord {
    struct Blame: WireRecord {
        static var wireType: String { "BlameImage" }
        var worker = WorkerID()
        var at = Timestamp(milliseconds: 0)

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("worker", &worker, "the upper half of the worker's id; the lower half is 0")
            try visitor.field("at", &at, "when it last reported a failure")
        }
    }

    var name = Name.blank
    var configuration = BreakerConfigurationImage()
    var isConfigured = false
    var consecutiveFailures: UInt32 = 0
    var totalFailures: UInt64 = 0
    var totalSuccesses: UInt64 = 0
    var totalRequests: UInt64 = 0
    var lastFailure: Timestamp?
    var lastSuccess: Timestamp?
    var lastRequest: Timestamp?
    var lastDecay: Timestamp?
    var windowStart = Timestamp(milliseconds: 0)
    var shareCredit: UInt32 = 0
    var blames: [Blame] = []

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the breaker")
        try visitor.field("configuration", &configuration, "its configuration")
        try visitor.field("isConfigured", &isConfigured, "whether the configuration is its own and not the default")
        try visitor.field(
            "consecutiveFailures", &consecutiveFailures,
            "failures less successes and decay: the point of the degradation curve that gives the share")
        try visitor.field("totalFailures", &totalFailures, "failures since the last reset")
        try visitor.field("totalSuccesses", &totalSuccesses, "successes since the last reset")
        try visitor.field("totalRequests", &totalRequests, "outcomes since the last reset")
        try visitor.field("lastFailure", &lastFailure, "when a failure was last reported")
        try visitor.field("lastSuccess", &lastSuccess, "when a success was last reported")
        try visitor.field("lastRequest", &lastRequest, "when a call last asked for it, or it was forced open")
        try visitor.field(
            "lastDecay", &lastDecay,
            "the moment from which the next reset timeout counts; absent before the first traffic")
        try visitor.field("windowStart", &windowStart, "when the monitoring window began")
        try visitor.field("shareCredit", &shareCredit, "the fraction of an admission that is saved up, in billionths")
        try visitor.field(
            "blames", &blames, "the workers whose failures count for `minWorkers`; none if that is 1")
    }
}

struct BreakerConfigurationImage: WireRecord {
    var failureThreshold: UInt32 = 0
    var resetTimeoutMilliseconds: Int64 = 0
    var monitoringPeriodMilliseconds: Int64 = 0
    var minRequests: UInt32 = 0
    var degradationCurve: [Double] = []
    var maxProbes: UInt32 = 0
    var minWorkers: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens; at least 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "quiet time that removes one failure; at least 1")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "how long a worker's failure counts for `minWorkers`")
        try visitor.field("minRequests", &minRequests, "kept, without effect")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most \(WireLimits.curveLength) points"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "how many calls with a permit may be in flight while it is not closed; 0: as many as its share admits")
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must have reported failures within the monitoring period for it to open fully; 1 to \(WireLimits.minWorkers)"
        )
    }
}

// MARK: Between state and file

extension BreakerImage {
    init(_ record: BreakerRecord) {
        name = record.name
        configuration = BreakerConfigurationImage(record.configuration)
        isConfigured = record.isConfigured
        consecutiveFailures = record.consecutiveFailures
        totalFailures = record.totalFailures
        totalSuccesses = record.totalSuccesses
        totalRequests = record.totalRequests
        lastFailure = record.lastFailure
        lastSuccess = record.lastSuccess
        lastRequest = record.lastRequest
        lastDecay = record.lastDecay
        windowStart = record.windowStart
        shareCredit = record.shareCredit
        blames = record.blames.map { Blame(worker: $0.worker, at: $0.at) }
    }

    var record: BreakerRecord {
        var record = BreakerRecord()
        record.name = name
        record.configuration = configuration.configuration
        record.isConfigured = isConfigured
        record.consecutiveFailures = consecutiveFailures
        record.totalFailures = totalFailures
        record.totalSuccesses = totalSuccesses
        record.totalRequests = totalRequests
        record.lastFailure = lastFailure
        record.lastSuccess = lastSuccess
        record.lastRequest = lastRequest
        record.lastDecay = lastDecay
        record.windowStart = windowStart
        record.shareCredit = shareCredit
        record.blames = blames.map { FuseboxWire.Blame(worker: $0.worker, at: $0.at) }
        return record
    }
}

extension BreakerConfigurationImage {
    init(_ configuration: BreakerConfiguration) {
        failureThreshold = configuration.failureThreshold
        resetTimeoutMilliseconds = configuration.resetTimeoutMilliseconds
        monitoringPeriodMilliseconds = configuration.monitoringPeriodMilliseconds
        minRequests = configuration.minRequests
        degradationCurve = configuration.degradationCurve
        maxProbes = configuration.maxProbes
        minWorkers = configuration.minWorkers
    }

    var configuration: BreakerConfiguration {
        var configuration = BreakerConfiguration()
        configuration.failureThreshold = failureThreshold
        configuration.resetTimeoutMilliseconds = resetTimeoutMilliseconds
        configuration.monitoringPeriodMilliseconds = monitoringPeriodMilliseconds
        configuration.minRequests = minRequests
        configuration.degradationCurve = degradationCurve
        configuration.maxProbes = maxProbes
        configuration.minWorkers = minWorkers
        return configuration
    }
}
