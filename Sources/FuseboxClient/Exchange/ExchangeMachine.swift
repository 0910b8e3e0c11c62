import FuseboxCollections
import FuseboxWire

/// The state machine of a client's exchange: whether there is a connection, how far every request has come, and which
/// thread does what next.
///
/// It is a value without a socket, a clock, a thread or a lock. Every input (a request, a reply, a lost connection, a
/// deadline) returns the actions that follow from it, and `SharedExchange` carries them out. The time and random
/// numbers are arguments.
///
/// | file | what is there |
/// |---|---|
/// | `ExchangeMachine` | phases; what callers ask for |
/// | `+Connection` | connections made, refused and lost; resending; a daemon that is away |
/// | `+Frames` | requests written, replies received |
/// | `+Waiting` | calls that wait for their turn |
/// | `+Endings` | how a request is queued, abandoned and ended |
/// | `+Duties` | which thread connects, reads and pushes; tasks |
/// | `+Closing` | closing, and the reports that are left in the spool |
struct ExchangeMachine: ~Copyable {
    /// Whether there is a connection.
    enum Phase {
        /// There is no connection. A call may try to connect from `retryAt` on.
        case disconnected(Outage, retryAt: Deadline)
        /// One thread connects for all requests: it opens the socket and says hello.
        case connecting(Outage)
        case open(Link)
        case closed
    }

    /// A time without a connection.
    struct Outage {
        /// Until when calls wait for the daemon, as one that may be restarting. They wait at least for the first
        /// attempt.
        var returnBy: Deadline
        /// Whether the last attempt found no listener.
        var isVacant = false
        /// When the backoff ends, if a call makes an attempt before that.
        var backoffEnds: Deadline?

        /// The same outage, with an attempt that need not wait for the end of the backoff.
        func hurried(until backoffEnds: Deadline) -> Phase {
            var outage = self
            outage.backoffEnds = backoffEnds
            return .disconnected(outage, retryAt: .past)
        }
    }

    /// A connection after hello.
    struct Link {
        /// The number of this connection. It tells inputs of an earlier connection apart.
        let number: UInt64
        /// How many unacknowledged sequence numbers the daemon takes. 0: any number.
        let keptReplies: UInt32
        /// The longest frame that the daemon takes, in bytes after the length field. 0: any.
        let frameLimit: UInt32
        /// Whether a thread reads.
        var isRead = false
        /// The number of bytes that were written to the output.
        var written: UInt64 = 0
        /// The number of bytes that the socket has taken.
        var sent: UInt64 = 0
        var output = Output.flowing
        /// When the first request timed out since the last byte came.
        var silentSince: Deadline?

        init(number: UInt64, hello: Hello.Reply) {
            self.number = number
            keptReplies = hello.keptReplies
            frameLimit = hello.frameLimit
        }

        enum Output {
            case flowing
            /// A thread waits until the socket takes more.
            case pushed
            /// Sending has failed. The connection stays until its remaining replies are read.
            case failed
        }

        /// Whether output waits and no thread pushes.
        var needsPush: Bool { output == .flowing && sent < written }
    }

    /// Texts and the reply to hello. They are kept outside the phase, because the phase changes with every frame and is
    /// copied as plain bytes.
    struct Words {
        /// Why there is no connection. Valid while there is none.
        var absence = "it was never connected"
        /// The daemon's reply to hello on the last connection.
        var hello: Hello.Reply?
        /// The reason that the daemon gave for closing that connection.
        var farewell: Refusal?
    }

    /// The client's identity for the daemon, over all connections.
    struct Identity {
        /// The worker id. It is chosen at the first hello, and anew after another process has taken it over.
        var worker: WorkerID?
        /// What the daemon told of this worker. Nil before the first connection.
        var acquaintance: Acquaintance?
        /// The sequence numbers of the requests to that daemon.
        var window = SequenceWindow()
    }

    /// The settings of the configuration.
    struct Policy {
        var path: String
        /// How many reports are kept while the daemon is away. Those of a client that fails closed are settles.
        var queueLimit: Int
        var failsOpen: Bool
        /// How long requests may time out, without a byte from the daemon, before the connection is given up, in
        /// milliseconds.
        var longestSilenceMilliseconds: Int
        /// How long calls wait for a daemon that may be restarting, in milliseconds.
        var patienceMilliseconds: Int

        init(path: String, _ configuration: FuseboxClient.Configuration) {
            self.path = path
            queueLimit = configuration.failurePolicy.queueLimit
            failsOpen = configuration.failurePolicy != .failClosed
            longestSilenceMilliseconds = 4 * min(max(configuration.requestTimeoutMilliseconds, 1), .max / 4)
            patienceMilliseconds = max(configuration.restartPatienceMilliseconds, 0)
        }
    }

    let policy: Policy
    var phase = Phase.disconnected(Outage(returnBy: .past), retryAt: .past)
    /// The number of connections so far.
    var connections: UInt64 = 0
    /// The number of attempts to connect that have begun.
    var attempts: UInt64 = 0
    var words = Words()
    var backoff: Backoff
    var identity = Identity()
    var requests = RequestTable()
    /// The requests that wait for their turn, by their tickets.
    var tickets: [UInt64: RequestID] = [:]
    /// Requests that wait for a connection, or for room in the window.
    var backlog = Fifo<RequestID>()
    /// The number of kept reports that were dropped.
    var droppedReports: UInt64 = 0
    var threads = Threads()
    var tasks = Tasks()
    /// The actions that follow from the present input.
    var actions = ExchangeActions()

    init(path: String, configuration: FuseboxClient.Configuration) {
        policy = Policy(path: path, configuration)
        backoff = Backoff(configuration)
    }

    // MARK: What it tells

    /// The daemon's reply to hello on the present connection. Nil while there is none.
    var hello: Hello.Reply? { link == nil ? nil : words.hello }

    /// The daemon's profile. Nil while there is no connection.
    var profile: Profile? { if case .open = phase { words.hello?.profile } else { nil } }

    /// The epoch of the daemon's state, as it was last told.
    var epoch: UInt64? { identity.acquaintance?.epoch }

    /// The number of kept reports that have not been sent.
    var queuedReports: Int { requests.waitingReports }

    var link: Link? { if case .open(let link) = phase { link } else { nil } }

    /// Whether this connection is the present one.
    func isOpen(_ number: UInt64) -> Bool { if case .open(let link) = phase { link.number == number } else { false } }

    var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Why there is no connection. Nil if there is one, or if the client is closed.
    var absence: String? {
        switch phase {
        case .disconnected, .connecting: words.absence
        case .open, .closed: nil
        }
    }

    /// Changes the open connection, if there is one.
    mutating func changeLink(_ body: (inout Link) -> Void) {
        guard case .open(var link) = phase else { return }
        body(&link)
        phase = .open(link)
    }

    // MARK: What callers ask for

    /// Claims a place for a request. Nil if too many are under way. The caller must release it.
    mutating func claim(_ declaration: CommandDeclaration, isReport: Bool) -> RequestID? {
        requests.claim(declaration, isReport: isReport)
    }

    /// Takes a request whose bytes are ready. Writes it, puts it in the backlog, or ends it.
    mutating func submit(
        _ id: RequestID, length: Int, substitute: Request.Substitute? = nil, mayWait: Bool = false, now: Deadline
    ) -> ExchangeActions {
        guard requests[id].interest == .open else { return actions.take() }
        requests.change(id) {
            $0.length = length
            $0.mayWait = mayWait
            $0.substitute = substitute
        }
        switch phase {
        case .closed: end(id, .failed(.closed))
        case .connecting: enqueue(id)
        case .open: send(id)
        case .disconnected(let outage, let retryAt):
            if retryAt <= now || isExpectedBack {
                enqueue(id)
            } else if asksAgain, !requests[id].isReport {
                phase = outage.hurried(until: retryAt)
                enqueue(id)
            } else if requests[id].isReport {
                enqueue(id)
                keep(id)
                dropExcessReports()
            } else {
                end(id, .failed(.absent))
            }
        }
        return actions.take()
    }

    /// The task that waits for a request was cancelled. An id that is no longer in use is ignored.
    mutating func cancel(_ id: RequestID) -> ExchangeActions {
        guard let request = requests.find(id), request.interest == .open else { return actions.take() }
        if !request.mayWait || !withdraw(id) { abandon(id, .cancelled) }
        return actions.take()
    }

    /// The caller has taken the outcome, or wants none any more.
    mutating func release(_ id: RequestID) -> ExchangeActions {
        stand(id, .none)
        requests.change(id) { $0.isOwned = false }
        if requests[id].interest == .open { forget(id) } else { freeIfUnused(id) }
        return actions.take()
    }

    /// The deadline of a request has passed.
    mutating func expire(_ id: RequestID, now: Deadline) {
        if case .waiting(let ticket) = requests[id].delivery { actions.append(.withdraw(ticket)) }
        guard case .queued(let mayHaveArrived) = requests[id].delivery else {
            complete(id, .failed(.timedOut))
            return noteSilence(now)
        }
        guard !requests[id].isReport else {
            keep(id)
            return dropExcessReports()
        }
        // A request that was never sent, for lack of a connection, has changed nothing. The error says so.
        abandon(id, link != nil || mayHaveArrived ? .timedOut : .absent)
    }

    /// Notes that a request has timed out. Gives up the connection to a daemon that has answered nothing for long,
    /// because further output would only pile up.
    private mutating func noteSilence(_ now: Deadline) {
        guard case .open(let link) = phase else { return }
        let since = link.silentSince ?? now
        changeLink { $0.silentSince = since }
        if since + policy.longestSilenceMilliseconds <= now { lose("the daemon has stopped answering", now) }
    }
}
