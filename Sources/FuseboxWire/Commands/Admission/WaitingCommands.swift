/// What became of calls that wait, or have waited, for this worker.
///
/// A push is a frame of kind `push` with the number of this command: one `TicketEntry`, sent when the wait has ended. It
/// needs no subscription. A worker that has lost its connection asks with this command on its return.
public struct Tickets: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .tickets, "admission.tickets", .session,
            "What became of calls of this worker that wait or have waited. The end of a wait is pushed as one entry of this reply."
        )
    }
    /// The tickets, at most `WireLimits.ticketsPerRequest`.
    public var tickets: [UInt64] = []
    /// Every field has its default.
    @inlinable public init() {}
    /// A question about these tickets.
    public init(tickets: [UInt64]) { self.tickets = tickets }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("tickets", &tickets, "the tickets, at most \(WireLimits.ticketsPerRequest)")
    }

    /// What became of each.
    public struct Reply: WireRecord {
        /// One entry for each ticket of the request, in its order.
        public var entries: [TicketEntry] = []
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("entries", &entries, "one entry for each ticket of the request, in its order")
        }
    }
}

/// Ends a wait of this worker.
///
/// The end is pushed like any other. If the permit was granted before, the reply has it, and so had the push; the worker
/// settles it with `cancelled` unless it makes the call.
public struct Withdraw: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .withdraw, "admission.withdraw", .session,
            "Ends a wait of this worker; its end is pushed too. If its permit was granted before, the reply has it.")
    }
    /// What became of the ticket.
    public typealias Reply = TicketEntry
    /// The ticket.
    public var ticket: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// Ends the wait of this ticket.
    public init(ticket: UInt64) { self.ticket = ticket }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("ticket", &ticket, "the ticket")
    }
}

/// A page of the calls that wait, and how many there are.
public struct WaitingList: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .waitingList, "admission.waiting", .session,
            "A page of the calls that wait, in the order of their arrival, and how many there are. A worker sees those of its user."
        )
    }
    /// 0 to begin, then what the last page said.
    public var cursor: UInt64 = 0
    /// Every field has its default.
    @inlinable public init() {}
    /// The page at this cursor.
    public init(cursor: UInt64) { self.cursor = cursor }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("cursor", &cursor, "0 to begin, then what the last page said")
    }

    /// A page of calls that wait.
    public struct Reply: WireRecord {
        /// At most `WireLimits.waitingPageLength` calls, in the order of their arrival.
        public var entries: [WaitingEntry] = []
        /// The cursor of the next page; 0 if this was the last.
        public var next: UInt64 = 0
        /// How many calls wait.
        public var waiting: UInt32 = 0
        /// How many may.
        public var limit: UInt32 = 0
        /// The steady clock at this page.
        public var now = Timestamp(milliseconds: 0)
        /// How many calls of one user may.
        public var limitPerUser: UInt32 = 0
        /// Every field has its default.
        @inlinable public init() {}
        /// The fields in the order of the wire.
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field(
                "entries", &entries,
                "at most \(WireLimits.waitingPageLength) calls, in the order of their arrival")
            try visitor.field("next", &next, "the cursor of the next page; 0 if this was the last")
            try visitor.field("waiting", &waiting, "how many calls wait")
            try visitor.field("limit", &limit, "how many may")
            try visitor.field("now", &now, "the steady clock at this page")
            try visitor.field("limitPerUser", &limitPerUser, "how many calls of one user may")
        }
    }
}

/// Grants its permit to a call that has waited.
///
/// The entry of the journal has the worker and the user. It is decided by the queue, which is not part of the state, so
/// a replay grants what was granted.
public struct GrantTurnOf<Text: NameText>: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .grantTurn, "engine.grantTurn", .written, .engine, "Grants its permit to a call that has waited.")
    }
    /// The permit.
    public typealias Reply = AdmitReply
    /// The ticket of the call.
    public var ticket: UInt64 = 0
    /// The request that was answered with the ticket.
    public var call = AdmitOf<Text>()
    /// Every field has its default.
    @inlinable public init() {}
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("ticket", &ticket, "the ticket of the call")
        try visitor.field("call", &call, "the request that was answered with the ticket")
    }
}

/// `GrantTurnOf` with names that own their bytes.
public typealias GrantTurn = GrantTurnOf<Name>

/// Draws at the share of a breaker for a waiting call that nothing else stands against any more.
public struct DrawShare: Command {
    /// Number, name, effect, access and summary.
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            .drawShare, "engine.drawShare", .written, .engine,
            "Draws at the share of a breaker for a waiting call that nothing else stands against any more.")
    }
    /// The reply has no fields.
    public typealias Reply = Done
    /// The way that the call may go.
    public var candidate = Candidate()
    /// Every field has its default.
    @inlinable public init() {}
    /// A draw for a call by this way.
    public init(candidate: Candidate) { self.candidate = candidate }
    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("candidate", &candidate, "the way that the call may go")
    }
}
