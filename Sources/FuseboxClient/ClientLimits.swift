/// The bounds of a client that its configuration does not set, each with its unit and its reason.
///
/// Bounds of the protocol are in `WireLimits`. A daemon tells its own bounds in its reply to hello.
package enum ClientLimits {
    // MARK: Requests

    /// The bits of a correlation id that name a request's place. The other bits tell the uses of a place apart.
    static let placeBits = 16

    /// Requests that are under way at once.
    static let requests = 1 << placeBits

    /// Places of requests that keep their memory when nothing is under way. Memory that a burst needed beyond them is
    /// freed.
    static let restingRequests = 64

    /// Memory, in bytes, that each buffer of a resting place keeps.
    static let restingBuffer = 4_096

    /// Memory, in bytes, that the output keeps when it is empty.
    static let restingOutput = 64 * 1024

    /// The highest `queueLimit` of a client that fails open: half of the places, so that calls find room.
    static let queuedReports = requests / 2

    /// Settles of `withPermit` that a client that fails closed keeps. Only a very busy worker has more calls under way
    /// when the daemon goes away.
    static let queuedSettles = 4_096

    // MARK: Connections

    /// Lost connections after which a request is not sent again if nobody waits for it, or if it is a read that waits for
    /// a restarting daemon. The request may be what crashes the daemon.
    static let losses = 8

    /// The least number of connection attempts within `restartPatienceMilliseconds`.
    static let looksForRestart = 8

    /// How often a client that holds permits checks its connection, in milliseconds. A restarted daemon takes back the
    /// permits of a worker that has not returned within the grace.
    static let lookMilliseconds = 500

    /// How long `close` may wait for the replies to requests under way, in milliseconds.
    static let farewellMilliseconds = 1_000

    /// How long one wait for events lasts when the caller sets no bound, in milliseconds. The wait then begins again.
    static let eventPatienceMilliseconds = 3_600_000

    // MARK: The spool

    /// Bytes of reports that a user's spool holds. A writer checks this before it writes, without a lock. Writers that
    /// end at the same moment may together exceed it, each by at most what it leaves.
    package static let spoolBytes = 64 << 20

    /// Files that a user's spool holds.
    package static let spoolFiles = 8_192

    /// Bytes, and reports, that a writer puts into one file. A delivery that finds a longer file writes it anew.
    static let spoolFileBytes = 16 << 20
    static let spoolFileReports = 65_536

    /// Bytes of the longest file that is read. A file holds its reports and the results of deliveries: those of
    /// undecided reports, and those of all reports in one delivery, at most two for each. That is 56 MiB at most.
    static let spoolReadBytes = 96 << 20

    /// Bytes of the reason why a report is undecided.
    static let undecidedReason = 256

    /// Reports that are delivered before the first of their replies is waited for.
    static let deliveredAtOnce = 64

    /// How long the replies to one such batch may take, in milliseconds.
    static let deliveryMilliseconds = 10_000

    /// A delivery ends after this number of files in a row that could not be delivered. One failure may be due to its
    /// file. Several in a row are due to the daemon.
    static let failedFiles = 3

    /// A file without its final name is abandoned if it has not changed for this number of seconds.
    static let abandonedSeconds = 10
}
