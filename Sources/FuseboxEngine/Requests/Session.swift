import FuseboxWire

/// Who is at the other end of a connection, as the kernel tells it.
public struct Peer: Sendable, Equatable {
    public var processID: Int32
    public var user: UInt32
    /// Whether operator commands are allowed: root, the daemon's own user, a member of the admin group.
    public var isOperator: Bool

    public init(processID: Int32, user: UInt32, isOperator: Bool) {
        self.processID = processID
        self.user = user
        self.isOperator = isOperator
    }

    /// The user that bounds on one user are for; nil for an operator.
    var bounded: UInt32? { isOperator ? nil : user }
}

/// A connection as the protocol sees it. Its owner keeps one beside each socket and lends it to the engine.
public struct Session: Sendable {
    public enum State: Sendable, Equatable {
        /// Hello has not come yet.
        case opening
        case open
        /// Nothing that comes is answered any more.
        case ended
    }

    /// The connection's number, never used twice in a daemon's life.
    public let id: UInt64
    public let peer: Peer
    public internal(set) var state = State.opening
    /// The protocol version that hello chose. Before hello it is the oldest, in which a refusal is written as in every other.
    public internal(set) var version = ProtocolVersion.lowest
    /// What the client calls itself.
    public internal(set) var client = ""
    public internal(set) var worker = WorkerID(high: 0, low: 0)
    /// The events that it wants to hear.
    public internal(set) var topics: Topics = []
    /// Replies that wait for the journal, and their bytes.
    public private(set) var heldReplies = 0
    public private(set) var heldBytes = 0
    var missedEvents: UInt64 = 0
    /// The number of the first event that it may hear.
    var firstEvent: UInt64 = 0

    public init(id: UInt64, peer: Peer) {
        self.id = id
        self.peer = peer
    }

    /// Memory that the replies take which wait for the journal.
    public var heldFootprint: Int { heldBytes + heldReplies * Outputs.bytesPerReply }

    mutating func holds(_ reply: UnsafeRawBufferPointer) {
        heldReplies += 1
        heldBytes += reply.count
    }

    /// Tells that a reply which waited has been handed to its owner.
    public mutating func wasHanded(_ reply: UnsafeRawBufferPointer) {
        heldReplies -= 1
        heldBytes -= reply.count
    }
}

/// Where a reply that comes later belongs.
public struct Ticket: Sendable, Hashable {
    public let session: UInt64
    public let command: UInt16
    public let correlation: UInt32
}

/// What the owner of a connection is to do after a frame.
public enum Verdict: Sendable {
    /// Send the output and go on.
    case proceed
    /// Send the output and close.
    case close
    /// The reply comes later: do this work away from the loop, then `complete` it. Requests that come after may be
    /// handled meanwhile.
    case deferred(Ticket, DeferredWork)
}

/// Work on the data directory that a request has asked for.
public enum DeferredWork: Sendable {
    /// Nothing of its own: the ticket is among those that the end of the next snapshot returns.
    case awaitSnapshot
    case listSnapshots
    case readSnapshot(sequence: UInt64, offset: UInt64)
    /// Decode an uploaded state, given in pieces; then hand it to `adopt`.
    case decodeImport([[UInt8]], StateParts)
}
