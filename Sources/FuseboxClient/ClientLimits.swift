/// Every bound of a client that its configuration does not set, each with its unit and its reason.
///
/// Bounds of the protocol are in `WireLimits`. What a daemon allows it says in its reply to hello.
package enum ClientLimits {
    // MARK: Requests

    /// The bits of a correlation id that name a request's place; the rest tells uses of a place apart.
    static let placeBits = 16

    /// Requests that are under way at once.
    static let requests = 1 << placeBits

    /// Places of requests, with their memory, that are kept when nothing is under way; what a burst needed beyond them is
    /// given back.
    static let restingRequests = 64

    /// Memory, in bytes, that each buffer of a resting place keeps.
    static let restingBuffer = 4_096

    /// Memory, in bytes, that the output keeps when it is empty.
    static let restingOutput = 64 * 1024

    /// Reports that a client that fails open may be told to keep: half of the places, so that calls find room.
    static let queuedReports = requests / 2

    /// Settles of `withPermit` that a client keeps that fails closed: no more calls than these can have been under way when
    /// the daemon went, but for very busy workers.
    static let queuedSettles = 4_096

    // MARK: Connections

    /// Losses of its connection after which a request that nobody waits for is not sent again: it may be what brings the
    /// daemon down.
    static let losses = 8

    /// A daemon that restarts is looked for at least so many times in the time that it is waited for.
    static let looksForRestart = 8

    /// How often a client that holds permits makes sure that its connection stands, in milliseconds: a daemon that has
    /// started again takes back what a worker holds that is not there after its grace.
    static let lookMilliseconds = 500

    /// How long closing may wait for the replies to what is under way, in milliseconds.
    static let farewellMilliseconds = 1_000

    /// How long one wait for events lasts when the caller sets no bound, in milliseconds; then it goes on waiting.
    static let eventPatienceMilliseconds = 3_600_000

    // MARK: The spool

    /// Bytes of reports that a user's spool holds. Writers look before they write, and do not wait for each other: so many
    /// that end at once may go beyond it by what each of them leaves.
    package static let spoolBytes = 64 << 20

    /// Files that a user's spool holds.
    package static let spoolFiles = 8_192

    /// Bytes and reports that a writer puts into one file. A deliverer that finds a longer one writes it anew.
    static let spoolFileBytes = 16 << 20
    static let spoolFileReports = 65_536

    /// Bytes of a file that is read. Beside what its writer has put there a file has what became of each report: of those
    /// that are held, and of all in one delivery, twice at the most. That is 56 MiB.
    static let spoolReadBytes = 96 << 20

    /// Bytes of the reason why a report is held.
    static let heldReason = 256

    /// Reports that are delivered before the first of their replies is waited for.
    static let deliveredAtOnce = 64

    /// How long the replies to these may take, in milliseconds.
    static let deliveryMilliseconds = 10_000

    /// Files in a row that could not be delivered after which a delivery ends. One may have a reason of its own; several
    /// have the daemon's.
    static let failedFiles = 3

    /// A file without a name whose writer has been quiet for so many seconds has none any more.
    static let abandonedSeconds = 10
}
