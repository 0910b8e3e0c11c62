/// Every bound of the protocol: the greatest sizes of frames, names, texts and lists, and the greatest values.
///
/// They are the same for all daemons and clients of a protocol version. The further bounds of a daemon are in `Bounds`
/// of FuseboxCore.
public enum WireLimits {
    // MARK: Frames

    /// The longest frame, in bytes after its length field. A page of any list fits in a third of it, even with the
    /// longest names. A chunk of an import or a snapshot fits with its header.
    public static let frameLength = 256 * 1024

    /// The longest frame that is accepted before hello, in bytes after its length field. A hello has about a hundred
    /// bytes, and an unknown peer gets no more memory than that needs.
    public static let helloFrameLength = 512

    /// The longest chunk of an import or a snapshot, in bytes. A frame has room for it and for its header.
    public static let chunkLength = 192 * 1024

    // MARK: Texts

    /// The bytes of a name. Together with its length, a `Name` fills two cache lines.
    @usableFromInline typealias NameBytes = InlineArray<127, UInt8>

    /// The longest name, in bytes of UTF-8.
    public static let nameLength = NameBytes.count

    /// The longest text (a client's name, a message), in bytes of UTF-8.
    public static let textLength = 1024

    /// The longest name of a time zone, in bytes. The longest one in the tz database has 32.
    public static let zoneNameLength = 64

    // MARK: Lists

    /// The most entries of one page of a list. This bounds the work of one request.
    public static let pageLength = 256

    /// The most points of a degradation curve. More steps would make no visible difference in traffic.
    public static let curveLength = 32

    /// A list with at most one element for each candidate of an admission. The greatest number of candidates is
    /// declared here only. It bounds the work of one request.
    public typealias CandidateList<Element: WireValue> = InlineList<16, Element>

    /// The tags of one call. Eight name a team, a user, a feature and more; each costs a lookup.
    public typealias TagListOf<Text: NameText> = InlineList<8, Text>
    /// `TagListOf` with names that own their bytes.
    public typealias TagList = TagListOf<Name>

    /// The most limits that one request sets or removes. The window of the calendar of each may be an entry of the
    /// journal.
    public static let limitsPerRequest = 12

    /// The most candidates of one admission.
    public static let candidates = Candidates.capacity

    /// The number of priorities of waiting calls, from 0, the most urgent.
    public static let priorities = 8

    /// The priority of a waiting call that names none: some are left on both sides.
    public static let defaultPriority: UInt8 = 3

    /// The most tickets of one question. A reply has room for a denial of each.
    public static let ticketsPerRequest = 64

    /// The most waiting calls of one page: with the longest names of all candidates it fills half of a frame.
    public static let waitingPageLength = 16

    /// The most limits of one page, which is shorter than other pages: with the longest names it fills a third of a
    /// frame.
    public static let limitPageLength = 96

    /// The most limits that one decision of admission tells of. With the longest names they fill a quarter of a frame.
    public static let limitsTold = 64

    // MARK: Values

    /// The highest cost of one call, reported or estimated: $1,000,000. A higher cost is a mistake in the unit. The
    /// range of `Money` holds the sum of 9,223 such calls. The tokens of one call are bounded by their type, at 2³² −
    /// 1.
    public static let callCost = Money(nanodollars: 1_000_000 * Money.nanodollarsPerDollar)

    /// The most that one correction of an account adds or takes back: $1,000,000,000.
    public static let adjustment = Money(nanodollars: 1_000_000_000 * Money.nanodollarsPerDollar)

    /// The highest total of a breaker: 2⁵³, which every language reads exactly. Totals stop there.
    public static let breakerTotal: UInt64 = 1 << 53

    /// How long a rate limit of the provider of which nothing remains keeps calls away at most, in milliseconds. A reset
    /// is when all of it is back, and most limits are those of a minute.
    public static let longestResetMilliseconds: Int64 = 60_000

    /// The longest time to live of a permit, in milliseconds. A call that takes longer renews it.
    public static let permitMilliseconds: Int64 = 24 * 3_600_000

    /// The highest `minWorkers` of a breaker: the workers whose failures it can wait for before it opens fully. It
    /// remembers each of them.
    public static let minWorkers: UInt32 = 16
}
