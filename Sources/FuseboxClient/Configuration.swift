extension FuseboxClient {
    /// How a client behaves; the defaults suit a worker that asks before every call to a provider.
    public struct Configuration: Sendable {
        /// What the client calls itself in the daemon's log; at most 64 bytes of it are sent.
        public var clientName = "fusebox-client"
        /// How long connecting and the greeting may take together, in milliseconds; at least 1.
        public var connectTimeoutMilliseconds = 1_000
        /// How long a call may take, reconnecting and sending again included, in milliseconds; at least 1.
        ///
        /// For as long after a loss, calls wait for the daemon's return (unless they fail open), so that a shorter
        /// restart of the daemon is not noticed.
        public var requestTimeoutMilliseconds = 1_000
        /// How long a snapshot or an import may take, in milliseconds: they wait for the disk. At least 1.
        public var operatorTimeoutMilliseconds = 60_000
        /// After a failed connect, how long calls do not try again, in milliseconds. It doubles with every failure
        /// in a row; each time a random half of it is left out, so that many workers do not come back at once.
        public var backoffMinimumMilliseconds = 50
        /// The most that the backoff grows to, in milliseconds.
        public var backoffMaximumMilliseconds = 5_000
        /// What calls answer while no daemon does.
        public var failurePolicy = FailurePolicy.failClosed
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

    /// What calls do while no daemon answers.
    ///
    /// It governs the typed methods; `call` and `submit` always report the daemon's absence.
    public enum FailurePolicy: Sendable, Equatable {
        /// Every call throws `ClientError.unavailable`: no call to a provider without a decision. A daemon that has
        /// just gone is waited for first, for one request timeout. What calls under a permit have used is kept all the same:
        /// see `withPermit`; up to 4,096 of their settles.
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
            guard case .failOpen(let limit) = self else { return Self.settleLimit }
            return min(max(limit, 0), Exchange.inFlightLimit / 2)
        }

        /// How many settles of `withPermit` are kept by a client that fails closed: no more calls than these can have been
        /// under way when the daemon went, but for very busy workers.
        private static let settleLimit = 4_096
    }
}
