/// What became of a call that waits.
public enum TicketStanding: OpenEnumeration {
    /// It still waits.
    case waiting
    /// It has its permit.
    case granted
    /// Its time to wait is over.
    case expired
    /// Its worker has withdrawn it.
    case withdrawn
    /// Its turn came, and the daemon could not grant the permit. The same request without a wait tells why.
    case refused
    /// Nothing is known of it: the daemon has started anew, its worker was away for too long, or its permit has ended.
    case forgotten
    /// One that only newer peers know.
    case unknown(UInt8)

    /// The values that this version knows, in the order of their numbers.
    public static let allCases: [TicketStanding] = [.waiting, .granted, .expired, .withdrawn, .refused, .forgotten]

    /// The number on the wire.
    @inlinable public var rawValue: UInt8 {
        switch self {
        case .waiting: 0
        case .granted: 1
        case .expired: 2
        case .withdrawn: 3
        case .refused: 4
        case .forgotten: 5
        case .unknown(let number): number
        }
    }
}

/// How a wait stands or has ended.
public struct TicketEntry: OpenRecord {
    /// The sequence number of the request that was answered with the ticket.
    public var ticket: UInt64 = 0
    /// What became of it.
    public var standing: TicketStanding = .forgotten
    /// The permit if it is `granted`; why there is none if it is `expired`.
    public var admission = AdmitReply()
    /// Every field has its default.
    @inlinable public init() {}
    /// A ticket and what became of it.
    public init(ticket: UInt64, standing: TicketStanding) {
        self.ticket = ticket
        self.standing = standing
    }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("ticket", &ticket, "the sequence number of the request that was answered with the ticket")
        try visitor.field("standing", &standing, "what became of it")
        try visitor.field(
            "admission", &admission, "the permit if it is `granted`; why there is none if it is `expired`")
    }
}

/// A call that waits.
public struct WaitingEntry: OpenRecord {
    /// Its ticket, which is a number of its worker.
    public var ticket: UInt64 = 0
    /// The worker; the lower half is shown as 0.
    public var worker = WorkerID(high: 0, low: 0)
    /// The peer user that the worker runs as.
    public var user: UInt32 = 0
    /// The ways that the call may go, best first.
    public var candidates: [Candidate] = []
    /// What the call is made for.
    public var tags: [Name] = []
    /// What the call may use at most.
    public var estimate = Estimate()
    /// The priority that it asked for.
    public var priority: UInt8 = 0
    /// Since when it waits, on the steady clock.
    public var since = Timestamp(milliseconds: 0)
    /// When it gives up, on the steady clock.
    public var until = Timestamp(milliseconds: 0)
    /// What stood against its first candidate when it was last examined.
    public var reason: DenialReason = .waiting
    /// Whether its worker has no connection now.
    public var isAway = false
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("ticket", &ticket, "its ticket, which is a number of its worker")
        try visitor.field("worker", &worker, "the worker; the lower half is shown as 0")
        try visitor.field("user", &user, "the peer user that the worker runs as")
        try visitor.field("candidates", &candidates, "the ways that the call may go, best first")
        try visitor.field("tags", &tags, "what the call is made for")
        try visitor.field("estimate", &estimate, "what the call may use at most")
        try visitor.field("priority", &priority, "the priority that it asked for")
        try visitor.field("since", &since, "since when it waits, on the steady clock")
        try visitor.field("until", &until, "when it gives up, on the steady clock")
        try visitor.field("reason", &reason, "what stood against its first candidate when it was last examined")
        try visitor.field("isAway", &isAway, "whether its worker has no connection now")
    }
}
