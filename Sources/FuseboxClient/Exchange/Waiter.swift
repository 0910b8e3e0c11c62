import FuseboxWire

/// One request under way: its bytes, who waits for it, and in the end its outcome.
///
/// Waiters are used again and keep their memory, so that a call in steady state allocates nothing. Who may touch
/// what: `request` is the caller's until it submits; everything else is read and written under the lock of the
/// exchange, save that once `outcome` is set, it and `reply` stand still and are the caller's until it releases.
final class Waiter: @unchecked Sendable {
    /// Where it stands in the table.
    let index: Int
    /// Where its thread sleeps while another reads.
    let parker = Parker()

    /// The encoded fields of the command.
    var request = ByteWriter(capacity: 64)
    /// The payload of the reply.
    var reply = ByteWriter(capacity: 64)

    var command: UInt16 = 0
    var effect = CommandDeclaration.Effect.read
    /// Whether it is kept and sent later if there is no daemon: a report under `FailurePolicy.failOpen`.
    var isReport = false
    /// What is sent in its place if the daemon does not know what it is about.
    var substitute: Substitute?
    /// The correlation id: another for every use, never 0.
    var correlation: UInt32 = 0
    /// Its sequence number, which it keeps however often it is sent; 0 if it has none yet.
    var sequence: UInt64 = 0
    /// Whether it was sent over a connection that was lost before the reply came: the daemon may have carried it out, and
    /// it is sent again until that is known.
    var mayHaveArrived = false
    /// Where in the connection's stream of output its frame ends.
    var frameEnd: UInt64 = 0
    /// How many connections it was lost with.
    var losses = 0
    var place = Place.nowhere
    var attendance = Attendance.none
    var outcome: Outcome?
    /// When a task's wait ends; a thread keeps its own deadline.
    var deadline = Deadline.never
    /// Whether a caller will take its outcome.
    var isOwned = false
    /// Whether its thread wants no more than that the frame leaves.
    var onlySends = false
    /// Whether it stands in the list of those to wake.
    var isListed = false

    /// A settle names a permit by its number. Where that number means nothing any more, the call's report is sent.
    struct Substitute {
        /// The life of the daemon's state in which the number means something; nil: not known.
        var epoch: UInt64?
        /// The encoded fields of the report.
        var report: [UInt8]
    }

    /// Where the request is.
    enum Place {
        case nowhere
        /// In the backlog: nothing of it has been written to this connection.
        case backlog
        /// Its frame was written, at least into the output buffer; a reply will come.
        case written
    }

    /// Who waits for the outcome.
    enum Attendance {
        /// Nobody: it was given up, is not waited for yet, or is a queued report.
        case none
        /// A thread that is awake.
        case thread
        /// A thread that sleeps on `parker`.
        case parked
        case task(TaskSleep)
    }

    enum Outcome {
        /// The daemon answered; the status and the payload in `reply` say what.
        case answered(status: UInt8)
        case failed(ClientError)
        /// A report that is kept for when the daemon is back.
        case queued
    }

    var isSequenced: Bool { effect == .written || effect == .durable }

    /// Whether it is a report that is kept, its caller being content with that.
    var isQueued: Bool { if case .queued = outcome { true } else { false } }

    init(index: Int) { self.index = index }

    /// Becomes the request that is sent in its place.
    func becomeSubstitute() {
        guard let substitute else { return }
        self.substitute = nil
        command = Report.declaration.number
        effect = Report.declaration.effect
        request.removeAll()
        unsafe substitute.report.withUnsafeBytes { unsafe request.write(contentsOf: $0) }
    }
}

/// The waiters, by the index that their correlation ids carry.
struct WaiterTable {
    /// Free waiters that are kept; what a burst needed beyond them is given back.
    private static let resting = 64
    /// The memory that a resting waiter's buffers keep.
    private static let restingBuffer = 4096
    private static let indexBits = 16
    static let capacity = 1 << indexBits

    private var waiters: [Waiter?] = []
    private var free: [Int] = []
    private var serial: UInt32 = 0

    var all: some Sequence<Waiter> { waiters.lazy.compactMap { $0 } }

    /// A waiter for a new request; nil if too many are under way.
    mutating func claim(for declaration: CommandDeclaration, isReport: Bool) -> Waiter? {
        guard let index = free.popLast() ?? grow() else { return nil }
        let waiter = waiters[index] ?? Waiter(index: index)
        waiters[index] = waiter
        waiter.isOwned = true
        waiter.command = declaration.number
        waiter.effect = declaration.effect
        waiter.isReport = isReport
        waiter.onlySends = false
        waiter.correlation = nextSerial() << UInt32(Self.indexBits) | UInt32(index)
        return waiter
    }

    private mutating func grow() -> Int? {
        guard waiters.count < Self.capacity else { return nil }
        waiters.append(nil)
        return waiters.count - 1
    }

    /// Serials never are 0, so a correlation id never is: that one is the daemon's, for what answers no request.
    private mutating func nextSerial() -> UInt32 {
        serial = serial == 0xFFFF ? 1 : serial + 1
        return serial
    }

    /// The waiter of a reply.
    func find(_ correlation: UInt32) -> Waiter? {
        let index = Int(correlation & UInt32(Self.capacity - 1))
        guard index < waiters.count, let waiter = waiters[index], waiter.correlation == correlation else { return nil }
        return waiter
    }

    mutating func giveBack(_ waiter: Waiter) {
        waiter.isOwned = false
        waiter.correlation = 0
        waiter.request.removeAll()
        waiter.reply.removeAll()
        if free.count < Self.resting {
            waiter.request.shrink(to: Self.restingBuffer)
            waiter.reply.shrink(to: Self.restingBuffer)
        } else {
            waiters[waiter.index] = nil
        }
        waiter.sequence = 0
        waiter.mayHaveArrived = false
        waiter.losses = 0
        waiter.isReport = false
        waiter.substitute = nil
        waiter.deadline = .never
        waiter.outcome = nil
        waiter.place = .nowhere
        waiter.attendance = .none
        free.append(waiter.index)
    }
}

/// Requests that are to be written, first come, first written.
struct Backlog {
    private var waiters: [Waiter] = []
    // Taken ones are removed from the array only now and then, so that taking one costs no move of the rest.
    /// How many at the front have been taken.
    private var taken = 0

    var isEmpty: Bool { taken == waiters.count }
    var first: Waiter? { isEmpty ? nil : waiters[taken] }
    var all: ArraySlice<Waiter> { waiters[taken...] }

    mutating func append(_ waiter: Waiter) {
        waiter.place = .backlog
        waiters.append(waiter)
    }

    /// Puts requests in front of all others, in their order.
    mutating func prepend(_ first: [Waiter]) {
        for waiter in first { waiter.place = .backlog }
        waiters.replaceSubrange(..<taken, with: first)
        taken = 0
    }

    mutating func removeFirst() {
        waiters[taken].place = .nowhere
        taken += 1
        if taken == waiters.count || taken >= 1024 {
            waiters.removeSubrange(..<taken)
            taken = 0
        }
    }

    mutating func remove(_ waiter: Waiter) {
        guard let index = waiters[taken...].firstIndex(where: { $0 === waiter }) else { return }
        waiters.remove(at: index)
        waiter.place = .nowhere
    }

    mutating func removeAll(where isRemoved: (Waiter) -> Bool) -> [Waiter] {
        let removed = waiters[taken...].filter(isRemoved)
        guard !removed.isEmpty else { return [] }
        waiters = waiters[taken...].filter { !isRemoved($0) }
        taken = 0
        for waiter in removed { waiter.place = .nowhere }
        return removed
    }
}
