import FuseboxWire

/// Every breaker, with its whole state.
enum BreakerSection: SnapshotSection {
    static let kind: UInt32 = 6
    static let name = "breakers"
    static let summary = "every breaker, with its whole state"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for key in machine.breakers.keys {
            guard let place = machine.breakers.find(key) else { continue }
            let record = machine.breakers[place].record(
                machine.candidate(of: key), isConfigured: machine.breakers.isConfigured(place))
            var image = BreakerImage(record)
            image.user = machine.breakers.user(of: place)
            part.add(image)
        }
    }

    static func add(_ image: BreakerImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertBreaker(image.record, by: image.user)
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

    /// What has opened a breaker, in a snapshot.
    enum Rule: UInt8, ClosedEnumeration {
        case failures = 0
        case failureRate = 1
        case slowCallRate = 2
        case forced = 3

        static var wireType: String { "BreakerRuleImage" }
    }

    struct Bucket: WireRecord {
        static var wireType: String { "RateBucketImage" }
        var startedAt = Timestamp(milliseconds: 0)
        var calls: UInt32 = 0
        var failures: UInt32 = 0
        var timed: UInt32 = 0
        var slow: UInt32 = 0

        mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "startedAt", &startedAt,
                "when it began: a multiple of a twentieth of the monitoring period, rounded up to milliseconds")
            try visitor.field("calls", &calls, "the calls that succeeded or failed; at least 1")
            try visitor.field("failures", &failures, "those that failed")
            try visitor.field("timed", &timed, "the calls of which it is known how long they took")
            try visitor.field("slow", &slow, "those that were slow")
        }
    }

    var name = Name.blank
    var deployment: Name?
    var model: Name?
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
    var episode: UInt32 = 0
    var openedBy: Rule?
    var failedRecoveries: UInt32 = 0
    var calls: [Bucket] = []
    var user: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("name", &name, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: it is not the breaker of one")
        try visitor.field("model", &model, "the model; absent: it is not the breaker of one")
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
        try visitor.field("episode", &episode, "how often it has opened, and closed after that")
        try visitor.field(
            "openedBy", &openedBy, "what has opened it; absent if it has not opened since it last was closed")
        try visitor.field(
            "failedRecoveries", &failedRecoveries, "how often it has opened again since it last was closed")
        try visitor.field(
            "calls", &calls,
            "the calls that count for the rates, oldest first, at most \(RateWindow.length) buckets; none where no rate is configured"
        )
        try visitor.field("user", &user, "the peer user whose call or command has made it")
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
    var failureRate: Double = 0
    var slowCallRate: Double = 0
    var slowCallMilliseconds: Int64 = 0
    var maxResetTimeoutMilliseconds: Int64 = 0
    var byModel = false

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("failureThreshold", &failureThreshold, "consecutive failures at which it opens; at least 1")
        try visitor.field(
            "resetTimeoutMilliseconds", &resetTimeoutMilliseconds, "quiet time that removes one failure; at least 1")
        try visitor.field(
            "monitoringPeriodMilliseconds", &monitoringPeriodMilliseconds,
            "how long a call counts for the rates, and a worker's failure for `minWorkers`")
        try visitor.field(
            "minRequests", &minRequests, "how many calls of the monitoring period a rate needs to open it")
        try visitor.field(
            "degradationCurve", &degradationCurve,
            "the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most \(WireLimits.curveLength) points"
        )
        try visitor.field(
            "maxProbes", &maxProbes,
            "from its opening until it is closed: how many calls with a permit of that time may be in flight; 0: as many as its share admits"
        )
        try visitor.field(
            "minWorkers", &minWorkers,
            "how many workers must have reported failures within the monitoring period for it to open fully; 1 to \(WireLimits.minWorkers)"
        )
        try visitor.field(
            "failureRate", &failureRate, "the share of failed calls at which a failure opens it; 0: any may fail")
        try visitor.field(
            "slowCallRate", &slowCallRate, "the share of slow calls at which a slow call opens it; 0: any may be slow")
        try visitor.field("slowCallMilliseconds", &slowCallMilliseconds, "from how long on a call is slow; 0: none is")
        try visitor.field(
            "maxResetTimeoutMilliseconds", &maxResetTimeoutMilliseconds,
            "up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays"
        )
        try visitor.field("byModel", &byModel, "whether each model of the provider has a breaker of its own")
    }
}

// MARK: Between state and file

extension BreakerImage {
    init(_ record: BreakerRecord) {
        name = record.name
        deployment = record.deployment
        model = record.model
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
        episode = record.episode
        openedBy = record.openedBy.map { Rule($0) }
        failedRecoveries = record.failedRecoveries
        calls = record.calls.map {
            Bucket(
                startedAt: $0.startedAt, calls: $0.calls, failures: $0.failures, timed: $0.timed, slow: $0.slow)
        }
    }

    var record: BreakerRecord {
        var record = BreakerRecord()
        record.name = name
        record.deployment = deployment
        record.model = model
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
        record.episode = episode
        record.openedBy = openedBy.map(\.rule)
        record.failedRecoveries = failedRecoveries
        record.calls = calls.map { bucket in
            var call = RateBucket()
            call.startedAt = bucket.startedAt
            call.calls = bucket.calls
            call.failures = bucket.failures
            call.timed = bucket.timed
            call.slow = bucket.slow
            return call
        }
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
        failureRate = configuration.failureRate
        slowCallRate = configuration.slowCallRate
        slowCallMilliseconds = configuration.slowCallMilliseconds
        maxResetTimeoutMilliseconds = configuration.maxResetTimeoutMilliseconds
        byModel = configuration.byModel
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
        configuration.failureRate = failureRate
        configuration.slowCallRate = slowCallRate
        configuration.slowCallMilliseconds = slowCallMilliseconds
        configuration.maxResetTimeoutMilliseconds = maxResetTimeoutMilliseconds
        configuration.byModel = byModel
        return configuration
    }
}

extension BreakerImage.Rule {
    fileprivate init(_ rule: BreakerRule) {
        self =
            switch rule {
            case .failures: .failures
            case .failureRate: .failureRate
            case .slowCallRate: .slowCallRate
            case .forced: .forced
            case .unknown: preconditionFailure("the state holds known values only")
            }
    }

    fileprivate var rule: BreakerRule {
        switch self {
        case .failures: .failures
        case .failureRate: .failureRate
        case .slowCallRate: .slowCallRate
        case .forced: .forced
        }
    }
}
