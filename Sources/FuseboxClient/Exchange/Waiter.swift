import FuseboxWire

/// The memory of one request: its bytes, where its caller sleeps, and in the end its outcome.
///
/// Waiters are used again and keep their memory, so that a call in steady state allocates nothing. Who may touch
/// what: `request` and `substitute` are the caller's until it submits; everything else is read and written under the lock of
/// the exchange, save that once `outcome` is set, it and `reply` stand still and are the caller's until it releases. So accesses
/// are exclusive, and those that every call makes are not checked once more at run time.
final class Waiter: @unchecked Sendable {
    /// Where its thread sleeps while another reads.
    let parker = Parker()
    /// The request that it is the memory of.
    var id: RequestID

    /// The encoded fields of the command.
    @safe @exclusivity(unchecked) var request = ByteWriter(capacity: 64)
    /// What is sent in its place if the daemon does not know what it is about.
    var substitute: Substitute?
    /// Whether that was sent.
    private(set) var isSubstituted = false
    /// Whether the exchange has been given it.
    var isSubmitted = false

    /// The payload of the reply.
    @safe @exclusivity(unchecked) var reply = ByteWriter(capacity: 64)
    @safe @exclusivity(unchecked) var outcome: Outcome?
    /// The task that sleeps for it.
    var task: TaskSleep?

    /// What has become of its request, as the caller is told.
    enum Outcome {
        /// The daemon answered; the status and the payload in `reply` say what.
        case answered(status: UInt8)
        case failed(ClientError)
        /// A report that is kept for when the daemon is back.
        case kept
    }

    struct Substitute {
        /// See `Request.Substitute`.
        var epoch: UInt64?
        /// The encoded fields of the report.
        var report: [UInt8]
    }

    init(_ id: RequestID) { self.id = id }

    /// Keeps the daemon's answer, which is in this protocol version.
    func answer(_ status: UInt8, _ payload: UnsafeRawBufferPointer, _ version: UInt16) {
        reply.removeAll()
        reply.version = version
        unsafe reply.write(contentsOf: payload)
        outcome = .answered(status: status)
    }

    /// Becomes the request that is sent in its place.
    func becomeSubstitute() {
        guard let substitute else { return }
        self.substitute = nil
        isSubstituted = true
        request.removeAll()
        unsafe substitute.report.withUnsafeBytes { unsafe request.write(contentsOf: $0) }
    }

    /// Begins anew, for another request.
    func rest() {
        request.removeAll()
        request.shrink(to: ClientLimits.restingBuffer)
        reply.removeAll()
        reply.shrink(to: ClientLimits.restingBuffer)
        substitute = nil
        isSubstituted = false
        isSubmitted = false
        outcome = nil
        task = nil
    }
}
