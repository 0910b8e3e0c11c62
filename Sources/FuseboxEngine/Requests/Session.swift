import FuseboxStore
import FuseboxWire

/// The process at the other end of a connection, as the kernel reports it.
package struct Peer: Sendable, Equatable {
    /// The process id. 0 if the process is in another PID namespace.
    package var processID: Int32
    /// The effective user id.
    package var user: UInt32
    /// Whether operator commands are allowed. They are for root, the daemon's own user and members of the admin group.
    package var isOperator: Bool
    /// Whether everything may be read of the ledger. Operators may. Others are told totals of providers, and what
    /// concerns the tags that their user's calls have named.
    package var isReader: Bool

    /// A peer with these values.
    ///
    /// - Parameter isReader: whether a peer that is no operator may read everything of the ledger
    package init(processID: Int32, user: UInt32, isOperator: Bool, isReader: Bool = false) {
        self.processID = processID
        self.user = user
        self.isOperator = isOperator
        self.isReader = isOperator || isReader
    }

    /// Whether the peer may use the commands of an access.
    func may(_ access: CommandDeclaration.Access) -> Bool {
        switch access {
        case .worker: true
        case .reader: isReader
        case .operator: isOperator
        case .engine: false
        }
    }

    /// The user whose bounds apply. Nil for an operator, who has none.
    var bounded: UInt32? { isOperator ? nil : user }
}

/// A connection as the protocol sees it. The owner keeps a session for each socket and passes it to the engine.
package struct Session: Sendable {
    /// The phases of a session.
    package enum State: Sendable, Equatable {
        /// Hello was not received yet.
        case opening
        /// Requests are handled.
        case open
        /// No further frame is answered.
        case ended
    }

    /// The connection's number. A daemon never uses a number twice.
    package let id: UInt64
    /// The process at the other end.
    package let peer: Peer
    /// The phase of the session.
    package internal(set) var state = State.opening
    /// The protocol version that hello chose. Before hello it is the oldest. Refusals are the same in all versions.
    package internal(set) var version = ProtocolVersion.lowest
    /// The client's name, from hello.
    package internal(set) var client = ""
    /// The worker id from hello. Zero before hello.
    package internal(set) var worker = WorkerID(high: 0, low: 0)
    /// The topics that the client has subscribed to.
    package internal(set) var topics: Topics = []
    /// The number of replies that wait for the journal.
    package private(set) var delayedReplies = 0
    /// The bytes of these replies.
    package private(set) var delayedBytes = 0
    var missedEvents: UInt64 = 0
    /// The number of the first event after the subscription.
    var firstEvent: UInt64 = 0

    /// A session that waits for hello.
    package init(id: UInt64, peer: Peer) {
        self.id = id
        self.peer = peer
    }

    /// The memory in bytes of the replies that wait for the journal.
    package var delayedFootprint: Int { delayedBytes + delayedReplies * Outputs.bytesPerReply }

    mutating func delays(_ reply: UnsafeRawBufferPointer) {
        delayedReplies += 1
        delayedBytes += reply.count
    }

    /// Notes that a frame was handed to the owner.
    package mutating func wasHanded(_ frame: UnsafeRawBufferPointer, _ target: OutputTarget) {
        guard target.isReply else { return }
        delayedReplies -= 1
        delayedBytes -= frame.count
    }
}

/// The session and the request that a deferred reply belongs to.
package struct Ticket: Sendable, Hashable {
    /// The number of the session.
    package let session: UInt64
    /// The number of the command.
    package let command: UInt16
    /// The correlation id of the request.
    package let correlation: UInt32
}

/// What the owner of a connection must do after a frame.
package enum Verdict: Sendable {
    /// Send the output and continue.
    case proceed
    /// Send the output and close the connection.
    case close
    /// Do this work away from the loop, then call `complete`. The reply comes later. Further requests may be handled
    /// meanwhile. It is indirect, because such work is long and every request has a verdict.
    indirect case deferred(Ticket, DeferredWork)
}

/// Work on the data directory that a request has asked for.
package enum DeferredWork: Sendable {
    /// No work. The end of the next snapshot returns the ticket.
    case awaitSnapshot
    case listSnapshots
    case readSnapshot(sequence: UInt64, offset: UInt64)
    /// Read a page of the history. The records that wait for the disk and the open day are told with it.
    case readHistory(LedgerHistory, waiting: UInt64, openDay: Int64)
    case listHistory
    case readHistoryFile(HistoryMonth, offset: UInt64)
    /// Decode an uploaded state, given in pieces, then pass it to `adopt`.
    case decodeImport([[UInt8]], StateParts)
}
