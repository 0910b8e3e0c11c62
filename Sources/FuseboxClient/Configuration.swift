extension FuseboxClient {
    /// How a client behaves; the defaults suit a worker that asks before every call to a provider.
    public struct Configuration: Sendable {
        /// The client's name in the daemon's log. At most 64 bytes of it are sent.
        public var clientName = "fusebox-client"
        /// How long connecting and hello may take together, in milliseconds. At least 1.
        public var connectTimeoutMilliseconds = 1_000
        /// How long a call may take in milliseconds, reconnecting and resending included. At least 1.
        public var requestTimeoutMilliseconds = 1_000
        /// How long calls wait for a daemon that may be restarting, in milliseconds from the loss of the connection. At
        /// least 0.
        ///
        /// With 0 a call that fails closed throws `unavailable` at once when nobody listens on the socket. Above 0 such
        /// a call waits for the daemon's return, and at most for its request timeout, so that a shorter restart is not
        /// noticed. `connect` waits likewise. A socket that systemd holds needs no such wait: it accepts connections
        /// while the daemon restarts. Calls that fail open never wait.
        ///
        /// A call whose request was already sent waits for the daemon's return in any case, at most for its request
        /// timeout, because only the daemon knows whether the request counted.
        public var restartPatienceMilliseconds = 0
        /// How long a snapshot or an import may take, in milliseconds. They wait for the disk. At least 1.
        public var operatorTimeoutMilliseconds = 60_000
        /// How long calls do not try to connect after a failed attempt, in milliseconds. It doubles with every failure
        /// in a row. Up to half of it is taken off at random, so that workers do not all come back at once.
        public var backoffMinimumMilliseconds = 50
        /// The upper bound of the backoff, in milliseconds.
        public var backoffMaximumMilliseconds = 5_000
        /// What calls do while no daemon answers.
        public var failurePolicy = FailurePolicy.failClosed
        /// Whether a client that fails closed keeps its reports while the daemon is away. No call is then made without
        /// a decision, and the calls that were made still count. Reports behave as under `FailurePolicy.failOpen`. Up
        /// to 4,096 of them are kept.
        public var keepsReports = false
        /// The spool: where a client leaves the reports that it could not deliver before it was closed. A client
        /// delivers what is in its spool when it connects.
        public var spool = SpoolPlace.standard
        /// How many events an event stream buffers for a slow consumer. When the buffer is full, the stream stops
        /// reading, and the daemon counts the events that it cannot send as missed. At least 1.
        public var eventBuffer = 256

        /// The defaults.
        public init() {}

        /// The defaults with another name, request timeout or failure policy.
        public init(
            clientName: String = "fusebox-client", requestTimeoutMilliseconds: Int = 1_000,
            failurePolicy: FailurePolicy = .failClosed
        ) {
            self.clientName = clientName
            self.requestTimeoutMilliseconds = requestTimeoutMilliseconds
            self.failurePolicy = failurePolicy
        }

        /// The name as hello carries it, cut to 64 bytes at the end of a character.
        var sentName: String {
            var name = clientName
            while name.utf8.count > 64 { name.removeLast() }
            return name
        }
    }

    /// Where a user's spool is. The spool is a folder with the reports that clients could not deliver before they were
    /// closed.
    public enum SpoolPlace: Sendable, Equatable {
        /// `$FUSEBOX_SPOOL` if it is set; else `$XDG_STATE_HOME/fusebox/spool`, by default
        /// `~/.local/state/fusebox/spool`; for a user without a home directory `/var/tmp/fusebox-spool-UID`.
        case standard
        /// This folder.
        case folder(String)
        /// No spool. The client drops what it could not deliver, and delivers nothing for other clients.
        case none
    }

    /// What calls do while no daemon answers.
    ///
    /// The policy applies to the methods that are grouped by subject. `call` and `submit` always report the daemon's
    /// absence.
    public enum FailurePolicy: Sendable, Equatable {
        /// Every call throws `ClientError.unavailable`, so no call to a provider is made without a decision. It throws
        /// at once if nobody listens and `restartPatienceMilliseconds` is 0. The settles of `withPermit` are kept all
        /// the same, up to 4,096 of them.
        case failClosed
        /// Calls to providers go on. Decisions (`admission.admit`, `breakers.acquire`, `exhaustion.get`,
        /// `ledger.checkRate`, `ledger.balance`) permit the call and say so in `isAssumed`. Reports
        /// (`admission.settle`, `admission.report`, `breakers.success`, `breakers.failure`, `exhaustion.mark`,
        /// `ledger.record`) are queued. When a later call reaches the daemon, they are sent first, in their order.
        /// Other calls throw `unavailable`.
        ///
        /// The queue holds `queueLimit` reports (0 to 32,768). When it is full, the oldest is dropped and counted.
        /// Reports that were under way when the connection was lost are kept in addition and sent again. Their number
        /// is at most that of the replies that the daemon keeps (`Hello.Reply.keptReplies`).
        case failOpen(queueLimit: Int)

        /// How many reports are queued at most.
        var queueLimit: Int {
            guard case .failOpen(let limit) = self else { return ClientLimits.queuedSettles }
            return min(max(limit, 0), ClientLimits.queuedReports)
        }
    }
}
