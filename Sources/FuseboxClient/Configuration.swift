extension FuseboxClient {
    /// How a client behaves; the defaults suit a worker that asks before every call to a provider.
    public struct Configuration: Sendable {
        /// What the client calls itself in the daemon's log; at most 64 bytes of it are sent.
        public var clientName = "fusebox-client"
        /// How long connecting and the greeting may take together, in milliseconds; at least 1.
        public var connectTimeoutMilliseconds = 1_000
        /// How long a call may take, reconnecting and sending again included, in milliseconds; at least 1.
        public var requestTimeoutMilliseconds = 1_000
        /// How long a daemon that went away is waited for, as one that restarts, in milliseconds; at least 0.
        ///
        /// 0: where the kernel says that nobody listens, a call that fails closed throws `unavailable` at once. Above 0 such
        /// calls wait for the daemon's return, for so long after the connection was lost and at most a request timeout
        /// each, so that a shorter restart is not noticed; so does `connect`. A socket that systemd holds needs no patience: it takes
        /// connections while the daemon restarts. Calls that fail open never wait.
        ///
        /// Whatever it is, a call whose request had left before the daemon went waits for its return, at most a request timeout:
        /// only the daemon knows whether it counted.
        public var restartPatienceMilliseconds = 0
        /// How long a snapshot or an import may take, in milliseconds: they wait for the disk. At least 1.
        public var operatorTimeoutMilliseconds = 60_000
        /// After a failed connect, how long calls do not try again, in milliseconds. It doubles with every failure
        /// in a row; each time a random half of it is left out, so that many workers do not come back at once.
        public var backoffMinimumMilliseconds = 50
        /// The most that the backoff grows to, in milliseconds.
        public var backoffMaximumMilliseconds = 5_000
        /// What calls answer while no daemon does.
        public var failurePolicy = FailurePolicy.failClosed
        /// Whether reports are kept although calls fail closed: no call without a decision, and none that is not counted. Reports
        /// then do as under `FailurePolicy.failOpen`; up to 4,096 of them are kept.
        public var keepsReports = false
        /// Where reports are left that have not been delivered when the client is closed, and which are delivered when it
        /// connects.
        public var spool = SpoolPlace.standard
        /// Events that an event stream holds for a consumer that is busy. When it is full the stream reads no more,
        /// and the daemon counts what it then cannot send as missed. At least 1.
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

        /// The name as hello carries it: cut to 64 bytes at a character's edge.
        var sentName: String {
            var name = clientName
            while name.utf8.count > 64 { name.removeLast() }
            return name
        }
    }

    /// Where a user's spool is: the folder of the reports that workers which have ended could not deliver.
    public enum SpoolPlace: Sendable, Equatable {
        /// `$FUSEBOX_SPOOL`; if it is not set, `$XDG_STATE_HOME/fusebox/spool`, by default `~/.local/state/fusebox/spool`; for
        /// users without a home `/var/tmp/fusebox-spool-UID`.
        case standard
        /// This folder.
        case folder(String)
        /// There is none: what has not been delivered is given up, and nothing is delivered for others.
        case none
    }

    /// What calls do while no daemon answers.
    ///
    /// It governs the typed methods; `call` and `submit` always report the daemon's absence.
    public enum FailurePolicy: Sendable, Equatable {
        /// Every call throws `ClientError.unavailable`: no call to a provider without a decision. It does so at once where
        /// nobody listens, unless there is a `restartPatienceMilliseconds`. What calls under a permit have used is kept all the
        /// same: see `withPermit`; up to 4,096 of their settles.
        case failClosed
        /// Calls to providers go on. Decisions (`admission.admit`, `breakers.acquire`, `exhaustion.get`,
        /// `ledger.checkRate`, `ledger.balance`) are answered permissively and say so in `isAssumed`. Reports (`admission.settle`,
        /// `admission.report`, `breakers.success`, `breakers.failure`, `exhaustion.mark`, `ledger.record`) are queued and sent, in their order and before
        /// anything else, when the daemon is back and the next call finds it. Other calls throw `unavailable`.
        ///
        /// The queue holds `queueLimit` reports (0 to 32,768); beyond it the oldest is dropped and counted. Reports that
        /// were under way when the connection was lost are kept beside it and sent again, at most as many as the daemon
        /// keeps replies (`Hello.Reply.keptReplies`).
        case failOpen(queueLimit: Int)

        /// How many reports are kept.
        var queueLimit: Int {
            guard case .failOpen(let limit) = self else { return ClientLimits.queuedSettles }
            return min(max(limit, 0), ClientLimits.queuedReports)
        }
    }
}
