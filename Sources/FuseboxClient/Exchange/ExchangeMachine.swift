import FuseboxCollections
import FuseboxWire

/// What the exchange of one client knows and decides: whether there is a connection, how far every request has come, and who
/// does what next.
///
/// It is a value without a socket, a clock, a thread or a lock. Every input (a request, a reply, a lost connection, a moment
/// that has come) returns the actions that follow from it; `SharedExchange` carries them out. Moments and chance are
/// arguments.
///
/// | file | what is there |
/// |---|---|
/// | `ExchangeMachine` | phases; what callers ask for |
/// | `+Connection` | connections made, refused and lost; resending; a daemon that is away |
/// | `+Frames` | requests written, replies received |
/// | `+Endings` | the few ways in which a request changes hands or ends |
/// | `+Duties` | which thread connects, reads and pushes; tasks |
/// | `+Closing` | the end, and the reports that are left in the spool |
struct ExchangeMachine: ~Copyable {
    /// Whether there is a connection.
    enum Phase {
        /// There is none. From `retryAt` on a call may try to connect.
        case disconnected(Outage, retryAt: Deadline)
        /// One thread connects, for everybody: it opens the socket and says hello.
        case connecting(Outage)
        case open(Link)
        case closed
    }

    /// The time without a connection.
    struct Outage {
        /// Until when a daemon that went away is waited for, as one that restarts: until the first look at the least.
        var returnBy: Deadline
    }

    /// A connection that has been greeted.
    struct Link {
        /// Counts connections, so that what belonged to an earlier one is known by its number.
        let number: UInt64
        /// How many unacknowledged numbers the daemon takes; 0: any number.
        let keptReplies: UInt32
        /// The longest frame that the daemon takes; 0: any.
        let frameLimit: UInt32
        /// The protocol version that is spoken.
        let version: UInt16
        /// Whether a thread reads.
        var isRead = false
        /// Bytes that were written to the output.
        var written: UInt64 = 0
        /// Bytes that the socket has taken.
        var sent: UInt64 = 0
        var output = Output.flowing
        /// When a request first timed out after which no byte has come.
        var silentSince: Deadline?

        init(number: UInt64, hello: Hello.Reply) {
            self.number = number
            keptReplies = hello.keptReplies
            frameLimit = hello.frameLimit
            version = hello.version
        }

        enum Output {
            case flowing
            /// A thread waits for the socket to take more.
            case pushed
            /// The socket takes nothing more. What can still be read from it decides what becomes of the requests.
            case failed
        }

        /// Whether output waits for a thread that waits for the socket.
        var needsPush: Bool { output == .flowing && sent < written }
    }

    /// What is told in words. It stands beside the phase, which changes with every frame and is copied as plain bytes.
    struct Words {
        /// Why there is no connection, while there is none.
        var absence = "it was never connected"
        /// What the daemon said when the last connection was made.
        var hello: Hello.Reply?
        /// Why it said that it would close that connection.
        var farewell: Refusal?
    }

    /// Who the daemon takes this client for, over all connections.
    struct Identity {
        /// Chosen when it first introduces itself, and when another process has taken over the id before.
        var worker: WorkerID?
        /// How the daemon knows this worker, as far as it has told; nil before the first connection.
        var acquaintance: Acquaintance?
        /// The numbers of what was sent to the daemon that `acquaintance` names.
        var window = SequenceWindow()
    }

    /// What the configuration says.
    struct Policy {
        var path: String
        /// How many reports are kept while there is no daemon. Of a client that fails closed, these are settles only.
        var queueLimit: Int
        var failsOpen: Bool
        /// How long a daemon may let request after request time out, without a byte, before its connection is given up.
        var longestSilenceMilliseconds: Int
        /// How long a daemon that went away is waited for.
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
    /// How many connections there were.
    var connections: UInt64 = 0
    var words = Words()
    var backoff: Backoff
    var identity = Identity()
    var requests = RequestTable()
    /// Requests that wait for a connection, or for room in the window.
    var backlog = Fifo<RequestID>()
    /// Reports that were given up.
    var droppedReports: UInt64 = 0
    var threads = Threads()
    var tasks = Tasks()
    /// What follows from the input that is being taken.
    var actions = ExchangeActions()

    init(path: String, configuration: FuseboxClient.Configuration) {
        policy = Policy(path: path, configuration)
        backoff = Backoff(configuration)
    }

    // MARK: What it tells

    /// What the daemon said when the present connection was made; nil while there is none.
    var hello: Hello.Reply? { link == nil ? nil : words.hello }

    /// The rules that the daemon follows; nil while there is no connection.
    var profile: Profile? { if case .open = phase { words.hello?.profile } else { nil } }

    /// The life of the daemon's state, as it was told last.
    var epoch: UInt64? { identity.acquaintance?.epoch }

    /// Reports that wait for the daemon's return, and of which it has nothing yet.
    var queuedReports: Int { requests.waitingReports }

    var link: Link? { if case .open(let link) = phase { link } else { nil } }

    /// Whether this connection is the present one.
    func isOpen(_ number: UInt64) -> Bool { if case .open(let link) = phase { link.number == number } else { false } }

    var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Why there is no connection; nil: there is one, or there will be none any more.
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

    /// A place for a request; nil if too many are under way. Whoever claims it releases it.
    mutating func claim(_ declaration: CommandDeclaration, isReport: Bool) -> RequestID? {
        requests.claim(declaration, isReport: isReport)
    }

    /// Takes a request whose bytes are ready: writes it, puts it in the backlog, or turns it away.
    mutating func submit(
        _ id: RequestID, length: Int, substitute: Request.Substitute? = nil, now: Deadline
    ) -> ExchangeActions {
        guard requests[id].interest == .open else { return actions.take() }
        requests.change(id) {
            $0.length = length
            $0.substitute = substitute
        }
        switch phase {
        case .closed: end(id, .failed(.closed))
        case .connecting: enqueue(id)
        case .open: send(id)
        case .disconnected(_, let retryAt):
            if retryAt <= now || isExpectedBack {
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

    /// The task that waits for a request was cancelled. An id whose use is over changes nothing.
    mutating func cancel(_ id: RequestID) -> ExchangeActions {
        if requests.find(id)?.interest == .open { abandon(id, .cancelled) }
        return actions.take()
    }

    /// The caller has taken the outcome, or wants none any more.
    mutating func release(_ id: RequestID) -> ExchangeActions {
        stand(id, .none)
        requests.change(id) { $0.isOwned = false }
        if requests[id].interest == .open { forget(id) } else { freeIfUnused(id) }
        return actions.take()
    }

    /// The time of a request has come to its end.
    mutating func expire(_ id: RequestID, now: Deadline) {
        guard case .queued(let mayHaveArrived) = requests[id].delivery else {
            complete(id, .failed(.timedOut))
            return noteSilence(now)
        }
        guard !requests[id].isReport else {
            keep(id)
            return dropExcessReports()
        }
        // What never left and found no connection has changed nothing, and the caller is told so.
        abandon(id, link != nil || mayHaveArrived ? .timedOut : .absent)
    }

    /// A request has timed out. A daemon that answers none for long is as good as gone: what is written to it only piles up.
    private mutating func noteSilence(_ now: Deadline) {
        guard case .open(let link) = phase else { return }
        let since = link.silentSince ?? now
        changeLink { $0.silentSince = since }
        if since + policy.longestSilenceMilliseconds <= now { lose("the daemon has stopped answering", now) }
    }
}
