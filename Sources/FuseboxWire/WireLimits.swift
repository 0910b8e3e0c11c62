/// Every bound of the protocol: what a frame, a name, a text, a list and a value may hold at the most.
///
/// They are the same for every daemon and every client of a version. What a daemon allows beside them is in `Limits` of
/// FuseboxCore.
public enum WireLimits {
    // MARK: Frames

    /// The longest frame after its length field, in bytes. A page of any list fits in a third of it, however long
    /// its names are, and a chunk of an import or a snapshot fits with its header.
    public static let frameLength = 256 * 1024

    /// The longest frame that is accepted before hello, in bytes: a hello is about a hundred, and a stranger gets no more
    /// memory than it needs.
    public static let helloFrameLength = 512

    /// The most bytes in one chunk of an import or a snapshot, so that a frame holds it with its header.
    public static let chunkLength = 192 * 1024

    // MARK: Texts

    /// The bytes of a name. With its length a `Name` fills two cache lines.
    @usableFromInline typealias NameBytes = InlineArray<127, UInt8>

    /// The longest name, in bytes of UTF-8.
    public static let nameLength = NameBytes.count

    /// The longest text (a client's name, a message), in bytes of UTF-8.
    public static let textLength = 1024

    // MARK: Lists

    /// The most entries in one page of a list: bounds the work that one request can ask of one loop turn.
    public static let pageLength = 256

    /// The most points of a degradation curve. More steps than this cannot be told apart in traffic.
    public static let curveLength = 32

    /// A list with at most one element for each candidate of an admission. The number of candidates stands here and nowhere
    /// else; it bounds the work of one request.
    public typealias CandidateList<Element: WireValue> = InlineList<16, Element>

    /// The tags of one call. Eight name a team, a user, a feature and more; each costs a lookup.
    public typealias TagList = InlineList<8, Name>

    /// The most limits that one request sets or removes. The window of the calendar of each may be an entry of the journal.
    public static let limitsPerRequest = 12

    /// The most candidates of one admission.
    public static let candidates = Candidates.capacity

    // MARK: Values

    /// The most that one call may cost, told or estimated: $1,000,000. What is more is a mistake in the unit, and
    /// 9,223 calls of this cost are the range of `Money`. Tokens of one call are bounded by their type, 2³² − 1.
    public static let callCost = Money(nanodollars: 1_000_000 * Money.nanodollarsPerDollar)

    /// The highest count that a breaker keeps or takes over, 2⁵³: what every language reads exactly. It stops there.
    public static let breakerTotal: UInt64 = 1 << 53

    /// The longest time to live of a permit, in milliseconds. A call that takes longer renews it.
    public static let permitMilliseconds: Int64 = 24 * 3_600_000

    /// The most workers that a breaker can be told to wait for before it opens fully. It remembers each of them.
    public static let minWorkers: UInt32 = 16
}
