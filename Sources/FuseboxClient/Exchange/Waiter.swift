import FuseboxWire

/// The memory of one request: its bytes, where its caller sleeps, and its outcome.
///
/// Waiters are reused and keep their memory, so a call in steady state allocates nothing. Access is exclusive by these
/// rules, so some accesses are not checked at run time:
///
/// - `request` and `substitute` belong to the caller until it submits the request.
/// - `outcome` and `reply` do not change once `outcome` is set. They belong to the caller until it releases the waiter.
/// - Everything else is accessed under the lock of the exchange.
final class Waiter: @unchecked Sendable {
    /// The caller's thread sleeps here while another thread reads.
    let parker = Parker()
    /// The id of the request.
    var id: RequestID

    /// The encoded fields of the command.
    @safe @exclusivity(unchecked) var request = ByteWriter(capacity: 64)
    /// The substitute of a settle.
    var substitute: Substitute?
    /// Whether the substitute was sent.
    private(set) var isSubstituted = false
    /// Whether the request was submitted.
    var isSubmitted = false

    /// The payload of the reply.
    @safe @exclusivity(unchecked) var reply = ByteWriter(capacity: 64)
    @safe @exclusivity(unchecked) var outcome: Outcome?
    /// When the caller of an admission gives up its wait; nil: it does not wait.
    var waitsUntil: Deadline?
    /// The ticket whose wait the request continues; 0: it does not wait any more; nil: it is as it was encoded.
    var resumes: UInt64?
    /// The task that sleeps for the outcome.
    var task: TaskSleep?

    /// The outcome of the request for its caller.
    enum Outcome {
        /// The daemon answered with this status. The payload is in `reply`.
        case answered(status: UInt8, version: UInt16)
        case failed(ClientError)
        /// The report is kept until the daemon is back.
        case kept
    }

    struct Substitute {
        /// See `Request.Substitute`.
        var epoch: UInt64?
        /// The encoded fields of the report.
        var report: [UInt8]
    }

    init(_ id: RequestID) { self.id = id }

    /// Stores the daemon's answer, which is encoded in this protocol version.
    func answer(_ status: UInt8, _ payload: UnsafeRawBufferPointer, _ version: UInt16) {
        reply.removeAll()
        unsafe reply.write(contentsOf: payload)
        outcome = .answered(status: status, version: version)
    }

    /// Stores the end of a wait as the answer to its admission.
    func answer(pushed payload: UnsafeRawBufferPointer, _ version: UInt16) {
        var reader = unsafe ByteReader(payload, skipsUnknown: true, version: version)
        var entry = TicketEntry()
        reply.removeAll()
        guard (try? entry.decode(from: &reader)) != nil else {
            outcome = .failed(.protocolViolation("the end of a wait cannot be read"))
            return
        }
        reply.version = version
        entry.admission.encode(into: &reply)
        outcome = .answered(status: Status.ok.rawValue, version: version)
    }

    /// Brings a request that continues the wait of a ticket up to date, before it is written.
    func continueWait() {
        guard let ticket = resumes else { return }
        var bytes = request.bytes
        let left = ticket == 0 ? 0 : waitsUntil.map { max(1, Int64($0.remainingMilliseconds)) } ?? 0
        AdmitTail.write(resumes: ticket, waitMilliseconds: left, into: &bytes)
        request.removeAll()
        unsafe bytes.withUnsafeBytes { unsafe request.write(contentsOf: $0) }
    }

    /// Replaces the request's bytes by those of its substitute.
    func becomeSubstitute() {
        guard let substitute else { return }
        self.substitute = nil
        isSubstituted = true
        request.removeAll()
        unsafe substitute.report.withUnsafeBytes { unsafe request.write(contentsOf: $0) }
    }

    /// Clears the waiter for another request.
    func rest() {
        request.removeAll()
        request.shrink(to: ClientLimits.restingBuffer)
        reply.removeAll()
        reply.shrink(to: ClientLimits.restingBuffer)
        substitute = nil
        isSubstituted = false
        isSubmitted = false
        outcome = nil
        waitsUntil = nil
        resumes = nil
        task = nil
    }
}
