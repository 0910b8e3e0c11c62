/// Every bound of the project, each with its reason. A daemon, a test or an embedding program may lower them.
public struct Limits: Sendable, Equatable {
    // MARK: The wire

    /// The longest frame after its length field, in bytes. A page of any list fits in a third of it, however long
    /// its names are, and a chunk of an import or a snapshot fits with its header.
    public static let frameLength = 256 * 1024

    /// The longest frame that is accepted before hello: a hello is about a hundred bytes, and a stranger gets
    /// no more memory than it needs.
    public static let helloFrameLength = 512

    /// The longest name in UTF-8 bytes. A `Name` with its length then fills two cache lines.
    public static let nameLength = 127

    /// The longest text (a client's name, a message) in UTF-8 bytes.
    public static let textLength = 1024

    /// The most points of a degradation curve. More steps than this cannot be told apart in traffic.
    public static let curveLength = 32

    /// The most entries in one page of a list: bounds the work that one request can ask of one loop turn.
    public static let pageLength = 256

    /// The most bytes in one chunk of an import or a snapshot, so that a frame holds it with its header.
    public static let chunkLength = 192 * 1024

    // MARK: One call

    /// The most that one call may cost, told or estimated: $1,000,000. What is more is a mistake in the unit, and
    /// 9,223 calls of this cost are the range of `Money`. Tokens of one call are bounded by their type, 2³² − 1.
    public static let callCost = Money(nanodollars: 1_000_000 * Money.nanodollarsPerDollar)

    /// The highest count that a breaker keeps or takes over, 2⁵³: what every language reads exactly. It stops there.
    public static let breakerTotal: UInt64 = 1 << 53

    // MARK: What is remembered

    /// Names of breakers and providers. 65,536 records of every kind are about 40 MiB.
    public var names = 65_536

    /// What is kept for operators of names, models, accounts, workers and connections: one in so many of each limit.
    /// Whatever users do, an operator finds room to look, to set a budget and to `forget`.
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

    /// Budgets; setting one costs time in proportion to their number.
    public var budgets = 16_384

    /// Closed periods that are kept for reports: a year and the current month of the year before.
    public var closedPeriods = 13

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

    /// The most candidates of one admission: bounds the work of one request.
    public static let candidates = 16

    /// The longest time to live of a permit. A call that takes longer renews it.
    public static let permitMilliseconds: Int64 = 24 * 3_600_000

    /// The most workers that a breaker can be told to wait for before it opens fully.
    public static let minWorkers: UInt32 = 16

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

    /// How long a worker may be away before what it holds is taken back.
    public var workerGraceMilliseconds: Int64 = 2_000

    /// What time makes due at once and is done in one turn; the rest follows in the next ones.
    public static let duePerTurn = 512

    // MARK: Connections

    /// Connections at once. Each costs about 10 KiB. The server lowers this to what its descriptor limit allows.
    public var connections = 4_096

    /// Connections of one peer uid, operators aside; nil: half of those that are open to users, so that no one user keeps
    /// the others out.
    public var connectionsPerUser: Int?

    /// Connections that have not said hello, in all and of one peer uid, operators aside. At the bound the oldest of the
    /// user who has the most of them goes: one that means well says hello at once.
    public var unopenedConnections = 2_048
    public var unopenedConnectionsPerUser = 1_024

    /// Connections that are accepted in one loop turn before the others' requests are handled.
    public var acceptsPerTurn = 64

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

    /// Requests of one connection that are handled in one loop turn before others get theirs.
    public var requestsPerTurn = 1_024

    /// Time from accept to a complete hello.
    public var helloMilliseconds: Int64 = 5_000

    /// Time without a byte from a connection that neither subscribed nor has said goodbye. Workers may be quiet
    /// for hours; what this ends is a connection that its peer has forgotten.
    public var idleMilliseconds: Int64 = 24 * 3_600_000

    /// The largest import, in bytes: the state of every limit above, full histories aside.
    public var importLength = 128 * 1024 * 1024

    /// The limits of a daemon that is told no others.
    public init() {}
}
