import FuseboxWire

/// Every bound of a daemon, or of a state that a program embeds, each with its unit and its reason.
///
/// What is a variable may be set: a daemon's flags, a test or an embedding program lower it. What is a constant belongs
/// to how the code works. Bounds of the protocol are in `WireLimits`, those of a client in `ClientLimits`. What has to
/// hold between bounds stands at the end, and is checked when a daemon starts.
public struct Bounds: Sendable, Equatable {
    // MARK: One turn

    /// What time makes due at once and is done in one turn; the rest follows in the next ones.
    public static let duePerTurn = 512

    /// Accounts of a day that is over and that one input closes; the rest follows in the next turns. Their records are
    /// one entry of the history.
    public static let closedDaysPerStep = 256

    /// Bytes of the history that are handed to the disk at once.
    public static let historyBytesPerWrite = 4 * 1024 * 1024

    /// Bytes of the history that wait for the disk, in memory and in each snapshot. They are the records of some 100,000
    /// accounts. What finds no room is told as a gap.
    public static let historyBytesWaiting = 8 * 1024 * 1024

    /// Lost workers from which permits are taken back in one turn; the rest follows in the next ones. Each is an entry
    /// of the journal.
    public static let reclaimsPerTurn = 16

    /// Connections that are accepted in one loop turn before the others' requests are handled.
    public var acceptsPerTurn = 64

    /// Requests of one connection that are handled in one loop turn before others get theirs.
    public var requestsPerTurn = 1_024

    /// Uses of limits that are looked at for one page of those of a template. A look takes some 10 ns.
    public static let usesPerPage = 4_096

    /// How long a turn handles requests, in nanoseconds: what a quiet user waits for a busy one.
    public static let turnNanoseconds: Int64 = 2_000_000

    /// How long one user may go on while others wait, in nanoseconds.
    public static let sliceNanoseconds: Int64 = 250_000

    /// The time that a turn may take for events, in nanoseconds. Sending one to a subscriber takes some 5 µs.
    public static let eventNanoseconds: Int64 = 500_000

    /// Requests that are handled between two looks at the clock.
    public static let requestsPerLook = 8

    /// Output, in bytes, after which there is a look at the clock all the same: what makes long replies takes long.
    public static let outputPerLook = 16 * 1024

    // MARK: What is remembered

    /// Names of breakers and providers. 65,536 records of every kind are about 40 MiB.
    public var names = 65_536

    /// What is kept for operators of names, models, accounts, workers and connections: one in so many of each limit.
    /// Whatever users do, an operator finds room to look, to set a limit and to `forget`.
    public static let operatorReserve = 16

    /// The part of a limit that is open to everybody.
    @inlinable
    public static func open(_ limit: Int) -> Int { limit - limit / operatorReserve }

    /// Names that one peer uid may introduce, operators aside: a quarter, so that no three users together can use up
    /// the names of all.
    public var namesPerUser = 16_384

    /// Distinct model names.
    public var models = 65_536

    /// Model names that one peer uid may introduce, operators aside: a quarter.
    public var modelsPerUser = 16_384

    /// Providers with an account in the ledger. Each may hold up to 110 KiB of spend history.
    public var providerAccounts = 2_048

    /// Providers that one peer uid may give an account, operators aside: a quarter.
    public var providerAccountsPerUser = 512

    /// Accounts of a model with a provider. 262,144 of them are 21 MiB.
    public var modelAccounts = 262_144

    /// Accounts of a model with a provider that one peer uid may open, operators aside: a quarter.
    public var modelAccountsPerUser = 65_536

    /// Marks of single models. A further one marks the provider or the deployment. 16,384 of them are 3 MiB.
    public var modelMarks = 16_384

    /// Such marks that one peer uid may set, root aside: a quarter.
    public var modelMarksPerUser = 4_096

    /// Pauses that operators have set.
    public var pauses = 16_384

    /// Tags with an account, or that permits or limits refer to. A further one counts under `(other)`, or where a
    /// template covers it under that template's own `(other)`.
    public var tags = 65_536

    /// Tags that one peer uid may introduce, operators aside: a quarter.
    public var tagsPerUser = 16_384

    /// Names of models that stand for others.
    public var aliases = 4_096

    /// Prices of models. A public list has about 3,000; 16,384 of them are 6 MiB.
    public var prices = 16_384

    /// Routes of which the costs of the last calls are remembered. 4,096 of them are 3.4 MiB.
    public var costRoutes = 4_096

    /// Such routes that one peer uid may introduce: a quarter.
    public var costRoutesPerUser = 1_024

    /// Breakers of single models. 16,384 of them are 5 MiB, and 13 MiB with rates. Calls by a further model have the
    /// breaker of its provider or deployment.
    public var modelBreakers = 16_384

    /// Such breakers that one peer uid may have made, root aside: a quarter.
    public var modelBreakersPerUser = 4_096

    /// Routes of which it is remembered how long their calls took lately. 1,024 of them are 2.7 MiB.
    public var latencyRoutes = 1_024

    /// Such routes that one peer uid may introduce: a quarter.
    public var latencyRoutesPerUser = 256

    /// How long the wall clock has to keep a time, in milliseconds, before a boundary of the calendar counts that only a step
    /// has crossed.
    public static let clockDoubtMilliseconds: Int64 = 600_000

    /// Limits that are set, templates included.
    public var limits = 16_384

    /// Limits on one scope. An admission looks at each limit of each scope that it falls under.
    public var limitsPerScope = 32

    /// Limits on templates. A tag that is new is compared with each.
    public var templates = 256

    /// A breaker that is closed, unconfigured and idle for this long may be forgotten to make room.
    public var idleBreakerMilliseconds: Int64 = 600_000

    /// Workers that are remembered, so that what they send again counts once. Of the user who has the most of them,
    /// the one that has been quiet for the longest makes room; it is told so.
    public var workers = 16_384

    /// Replies of one worker that are kept until it has acknowledged them.
    public var keptReplies = 4_096

    /// The bytes of the replies that are kept for one worker. 4,096 replies of the usual lengths are 250 KiB.
    public var keptBytesPerWorker = 1024 * 1024

    /// The bytes of the replies that are kept for the workers of one peer uid. Those of its workers that are not
    /// connected make room, the one that has been quiet for the longest first.
    public var keptBytesPerUser = 16 * 1024 * 1024

    /// The bytes of the replies that are kept in all. They take up to four times as much memory.
    public var keptBytes = 64 * 1024 * 1024

    // MARK: Permits

    /// Permits in force. Each costs about 200 bytes.
    public var permits = 65_536

    /// Permits in force of one peer uid, operators aside: a quarter, so that no three users together can use up those
    /// of all.
    public var permitsPerUser = 16_384

    /// Permits that have ended without being settled and are remembered, so that what their calls cost counts when
    /// they are settled late. The oldest of the user who has the most make room.
    public var lapsedPermits = 16_384

    /// Users of whom it is known how far their lapsed permits had to make room. Of the others a settle of a number that
    /// is not known may be refused with `outcomeUnknown`.
    public var forgettingUsers = 1_024

    /// Calls that wait for their turn. Each costs about 600 bytes and its request.
    public var waiting = 16_384

    /// Waiting calls of one peer uid, operators aside: a quarter, as of permits.
    public var waitingPerUser = 4_096

    /// Waiting calls that are examined at once: about as much work as the requests of a turn. The rest follows in the next
    /// turns.
    public var examinationsPerTurn = 1_024

    /// How long a worker may be away before what it holds is taken back.
    public var workerGraceMilliseconds: Int64 = 2_000

    /// Runs of permit numbers that are remembered, one a start: a number of an older one counts as never granted.
    public static let numberRuns = 64

    // MARK: Spend

    /// Stretches of hours, days and months that tell what accounts have used lately, of all accounts together.
    /// 1,048,576 of them are 72 MiB: those of a busy year of 15,000 accounts.
    public static let recentStretches = 1 << 20

    /// Records of a provider's spend that are always kept one by one.
    public static let exactRecords = 2_000

    /// Stretches of summed-up spend that are kept of a provider: 300 of five minutes, 168 of an hour, the rest of a
    /// day.
    public static let spendStretches = 512

    /// Records of all providers together that the profile `llm-providers` keeps: as many as the reference does.
    public static let sharedRecords = 2_000

    /// Records of all providers together that the profile `llm-providers` takes over from a restored history.
    public static let restoredSharedRecords = 65_536

    // MARK: Events and replies under way

    /// Events that wait for the disk or to be handed out. Beyond that they are counted as missed.
    public static let waitingEvents = 8_192

    /// Memory, in bytes, that the queue of replies that wait for the disk keeps when it is empty: a disk that hung has
    /// left more behind.
    public static let restingReplyBytes = 1 << 20

    /// Memory, in bytes, that the kept replies of one worker keep while there are none.
    public static let restingKeptBytes = 4_096

    // MARK: Journal and snapshots

    /// The longest payload of an input of the daemon's own, in bytes.
    public static let ownPayload = 192

    /// Inputs of the daemon's own that may go with one request, for which the journal has room beside it.
    public static let ownInputsPerRequest = 16

    /// Workers that one request may have forgotten to make room: each is an input of the daemon's own.
    public static let forgottenPerRequest = 12

    /// The size of the journal's segments, in bytes, unless one is configured.
    public static let segmentLength = 16 * 1024 * 1024
    /// The sizes of segments that can be configured, in bytes.
    public static let segmentLengths = 64 * 1024...1024 * 1024 * 1024

    /// The journal's length, in bytes, at which a snapshot is taken early, so that a restart is quick.
    public static let journalBetweenSnapshots = 96 * 1024 * 1024

    /// The processor time, in nanoseconds, at which a snapshot is taken early: few bytes may have been much work.
    public static let replayNanoseconds: Int64 = 3_000_000_000

    /// The bytes of a section of a snapshot after which the next part of it begins.
    public static let sectionPartBytes = 256 * 1024

    /// The least time between two attempts at a snapshot that the journal needs to continue, in milliseconds.
    public static let snapshotRetryMilliseconds: Int64 = 1_000

    /// How far apart the numbers of two names in a snapshot may lie: a damaged one must not ask for all memory.
    public static let restoredGap = 1 << 24

    /// The largest import, in bytes: the state of every limit above, full histories aside.
    public var importLength = 128 * 1024 * 1024

    // MARK: Connections

    /// Connections at once. Each costs about 10 KiB. The server lowers this to what its descriptor limit allows.
    public var connections = 4_096

    /// Processes that are watched for each connection: a worker whose process has ended is not waited for. A process
    /// without a watch is.
    public static let processesPerConnection = 2

    /// Connections of one peer uid, operators aside; nil: half of those that are open to users, so that no one user
    /// keeps the others out.
    public var connectionsPerUser: Int?

    /// Connections that have not said hello, operators aside. At the bound the oldest of the user who has the most of
    /// them is closed: a client that means well says hello at once.
    public var unopenedConnections = 2_048
    /// The same for one peer uid. At the bound the oldest of them is closed.
    public var unopenedConnectionsPerUser = 1_024

    /// Bytes of memory for what peers do not read and for requests that are not complete, in all. At the bound the user
    /// who holds the most loses the connection that holds the most.
    public var bufferBytes = 256 * 1024 * 1024

    /// The same for one peer uid: half, which is 64 KiB for each of its connections. From half of this on a connection
    /// with a reply that was not taken is asked for no more.
    public var bufferBytesPerUser = 128 * 1024 * 1024

    /// Descriptors kept free for snapshots, the listener and the error frame to an excess client.
    public var reservedDescriptors = 32

    /// Unsent output of one connection at which its requests are no longer read.
    public var outputSoftLimit = 256 * 1024

    /// Unsent output of one connection at which it is dropped: a page and a soft limit fit below it.
    public var outputHardLimit = 1024 * 1024

    /// Unsent output of a subscriber above which events are counted as missed instead of queued.
    public var eventBacklog = 128 * 1024

    /// Deferred replies of one connection, such as chunks of a snapshot, at which no more of its requests are handled.
    public static let deferredReplies = 2

    /// Output memory, in bytes, that a connection keeps from turn to turn.
    public static let workingOutput = 64 * 1024
    /// Output memory, in bytes, that a connection keeps once it is quiet.
    public static let restingOutput = 4 * 1024

    /// How long a peer may take nothing before it is dropped, in milliseconds.
    public static let stallMilliseconds: Int64 = 30_000

    /// Time from accept to a complete hello.
    public var helloMilliseconds: Int64 = 5_000

    /// Time without a byte from a connection that neither subscribed nor has said goodbye. Workers may be quiet
    /// for hours; what this ends is a connection that its peer has forgotten.
    public var idleMilliseconds: Int64 = 24 * 3_600_000

    /// How long a shutdown goes on reading what clients keep sending, in milliseconds.
    public static let drainMilliseconds: Int64 = 250

    /// How long a shutdown waits for peers to take their last replies, in milliseconds.
    public static let farewellMilliseconds: Int64 = 2_000

    /// The time between rounds of recurring work while nothing happens and nothing is left to do, in milliseconds.
    public static let restMilliseconds: Int64 = 60_000

    /// How many intervals of the watchdog a sync of the journal may take. After that the service manager is no longer told
    /// that the daemon is alive. A disk under load takes seconds. A sync that takes a minute will not end.
    public static let syncWatchdogIntervals: Int64 = 2

    /// The time that the service manager is asked to wait while the daemon starts or stops, in milliseconds. It is asked
    /// again while it goes on.
    public static let patienceMilliseconds: Int64 = 30_000

    /// How many entries of the journal are replayed before it is seen whether a report of the replay is due. They take a
    /// part of a second, on a slow machine too.
    public static let entriesPerReport: UInt64 = 10_000

    /// The least time between two reports of a replay to the log and the service manager, in milliseconds. More of them
    /// could fill the queue of the service manager, which must have room for `READY=1` afterwards.
    public static let reportMilliseconds: Int64 = 1_000

    // MARK: Time zones

    /// How often the files of the zones in use are read again, in milliseconds: the tz database may be updated.
    public static let zoneRereadMilliseconds: Int64 = 3_600_000

    /// How often it is tried to read the file of a zone that cannot be read, in milliseconds.
    public static let zoneRetryMilliseconds: Int64 = 60_000

    /// The longest file of a zone that is read, in bytes. Those of the tz database have less than 8 KiB.
    public static let zoneFileBytes = 64 * 1024

    /// The most names of zones that are listed. The tz database has some 600.
    public static let zoneNames = 5_000

    // MARK: The log

    /// Lines that a second may have. Critical ones are never too many: each of them ends the daemon or needs a person.
    public static let linesPerSecond = 100

    /// Lines of them that may be about single peers: whoever has many of those logged hides nothing else.
    public static let peerLinesPerSecond = 50

    /// The longest line, in bytes. The kernel writes as much to a pipe in one piece.
    public static let lineLength = 4_096

    /// Lines that standard error has not taken yet, in bytes.
    public static let waitingLineBytes = 64 * 1024

    /// The limits of a daemon that is told no others.
    public init() {}
}

// MARK: - Relations

extension Bounds {
    /// What has to hold between two bounds.
    public struct Relation: Sendable {
        /// How the first bound has to compare with the second.
        enum Order: String {
            case atMost = "at most"
            case exactly = "exactly"
        }

        let name: String
        let value: Int
        let order: Order
        let otherName: String
        let otherValue: Int
        let reason: String

        init(_ name: String, _ value: Int, _ order: Order, _ otherName: String, _ otherValue: Int, _ reason: String) {
            self.name = name
            self.value = value
            self.order = order
            self.otherName = otherName
            self.otherValue = otherValue
            self.reason = reason
        }

        /// What is wrong, with both bounds; nil if it holds.
        public var conflict: String? {
            guard order == .atMost ? value > otherValue : value != otherValue else { return nil }
            return "\(name) is \(value), and must be \(order.rawValue) \(otherName), which is \(otherValue): \(reason)"
        }
    }

    /// The relations that do not hold, in words; none if these limits can be used.
    public var conflicts: [String] { (Self.constantRelations + relations).compactMap(\.conflict) }

    /// Whether the relations between constants hold: if not, the source is wrong, and the process ends.
    static let constantsHold: Bool = {
        for relation in constantRelations {
            if let conflict = relation.conflict { preconditionFailure(conflict) }
        }
        return true
    }()

    /// Relations between bounds that may be set.
    var relations: [Relation] {
        [
            Relation(
                "namesPerUser", namesPerUser, .atMost, "names", names, "one user's names are some of all"),
            Relation(
                "modelsPerUser", modelsPerUser, .atMost, "models", models, "one user's models are some of all"),
            Relation(
                "providerAccountsPerUser", providerAccountsPerUser, .atMost, "providerAccounts", providerAccounts,
                "one user's accounts are some of all"),
            Relation(
                "modelAccountsPerUser", modelAccountsPerUser, .atMost, "modelAccounts", modelAccounts,
                "one user's accounts are some of all"),
            Relation(
                "modelMarksPerUser", modelMarksPerUser, .atMost, "modelMarks", modelMarks,
                "one user's marks are some of all"),
            Relation(
                "modelBreakersPerUser", modelBreakersPerUser, .atMost, "modelBreakers", modelBreakers,
                "one user's breakers are some of all"),
            Relation(
                "permitsPerUser", permitsPerUser, .atMost, "permits", permits, "one user's permits are some of all"),
            Relation(
                "waitingPerUser", waitingPerUser, .atMost, "waiting", waiting,
                "one user's waiting calls are some of all"),
            Relation(
                "latencyRoutesPerUser", latencyRoutesPerUser, .atMost, "latencyRoutes", latencyRoutes,
                "one user's routes are some of all"),
            Relation(
                "keptBytesPerWorker", keptBytesPerWorker, .atMost, "keptBytesPerUser", keptBytesPerUser,
                "one worker's replies are some of its user's"),
            Relation(
                "keptBytesPerUser", keptBytesPerUser, .atMost, "keptBytes", keptBytes,
                "one user's replies are some of all"),
            Relation(
                "bufferBytesPerUser", bufferBytesPerUser, .atMost, "bufferBytes", bufferBytes,
                "one user's memory is some of all"),
            Relation(
                "unopenedConnectionsPerUser", unopenedConnectionsPerUser, .atMost, "unopenedConnections",
                unopenedConnections, "one user's connections are some of all"),
            Relation(
                "outputSoftLimit and what may be added to it",
                outputSoftLimit + Self.deferredReplies * WireLimits.chunkLength + WireLimits.frameLength, .atMost,
                "outputHardLimit", outputHardLimit,
                "a client that reads is not dropped: the soft limit, deferred replies and a page fit below the hard limit"
            ),
            Relation(
                "eventBacklog", eventBacklog, .atMost, "outputHardLimit", outputHardLimit,
                "a subscriber misses events before it is dropped"),
        ]
    }

    /// The most grains of a window: of the lengths that share the shortest grains, one has the most.
    private static var mostGrains: Int {
        let shortest = ValueRanges.windowLength.lowerBound
        return (shortest..<shortest + 60).map(SlidingUse.grains(in:)).max() ?? 0
    }

    /// Relations between constants.
    static var constantRelations: [Relation] {
        [
            Relation(
                "helloFrameLength", WireLimits.helloFrameLength, .atMost, "frameLength", WireLimits.frameLength,
                "a stranger gets no more memory than a peer"),
            Relation(
                "chunkLength and a header", WireLimits.chunkLength + 1_024, .atMost, "frameLength",
                WireLimits.frameLength, "a frame holds a chunk with its header"),
            Relation(
                "nameLength", WireLimits.nameLength, .atMost, "UInt8.max", Int(UInt8.max),
                "a name's length is one byte"),
            Relation(
                "candidates", WireLimits.candidates, .atMost, "UInt8.max", Int(UInt8.max),
                "a decision names its candidate by one byte"),
            Relation(
                "CallScopes.Tags", CallScopes.Tags.count, .exactly, "the tags of a call and that of its user",
                CallScopes.tagLimit, "each tag of a call has its place"),
            Relation(
                "SlidingUse.Grains", SlidingUse.Grains.count, .exactly, "the most grains of a short window",
                mostGrains, "a window has a place for each of its grains"),
            Relation(
                "DeadlineHeap.Places", DeadlineHeap.Places.count, .exactly, "the kinds of deadlines",
                DeadlineHeap.Kind.allCases.count, "each kind has its table"),
            Relation(
                "twice duePerTurn", 2 * duePerTurn, .atMost, "waitingEvents", waitingEvents,
                "subscribers can be told of what a turn makes due"),
            Relation(
                "forgottenPerRequest and its request", forgottenPerRequest + 1, .atMost, "ownInputsPerRequest",
                ownInputsPerRequest, "the journal has room for what goes with a request"),
            Relation(
                "sliceNanoseconds", Int(sliceNanoseconds), .atMost, "turnNanoseconds", Int(turnNanoseconds),
                "a turn has at least one slice"),
            Relation(
                "restingOutput", restingOutput, .atMost, "workingOutput", workingOutput,
                "a quiet connection keeps no more memory than a busy one"),
            Relation(
                "sharedRecords", sharedRecords, .atMost, "restoredSharedRecords", restoredSharedRecords,
                "a history that was written can be read"),
            Relation(
                "segmentLengths.lowerBound", segmentLengths.lowerBound, .atMost, "segmentLength", segmentLength,
                "the default may be configured"),
            Relation(
                "segmentLength", segmentLength, .atMost, "segmentLengths.upperBound", segmentLengths.upperBound,
                "the default may be configured"),
            Relation(
                "twice segmentLength", 2 * segmentLength, .atMost, "journalBetweenSnapshots", journalBetweenSnapshots,
                "a snapshot is not due with every segment"),
            Relation(
                "peerLinesPerSecond", peerLinesPerSecond, .atMost, "linesPerSecond", linesPerSecond,
                "lines about peers are some of all"),
            Relation(
                "lineLength", lineLength, .atMost, "waitingLineBytes", waitingLineBytes,
                "every line fits when none waits"),
        ]
    }
}
