import FuseboxWire

/// What is known of a call whose outcome is reported to a breaker.
public struct ReportedCall: Sendable, Equatable {
    /// The worker that made the call. `minWorkers` counts distinct ones.
    public var worker: WorkerID
    /// The episode in which the call was admitted. Nil: the present one, because it had no permit.
    public var episode: UInt32?
    /// How long the call took: to its first token if that was told, else to its end. Nil: not known.
    public var milliseconds: Int64?

    /// A call of a worker; what is not told is not known.
    public init(worker: WorkerID = WorkerID(), episode: UInt32? = nil, milliseconds: Int64? = nil) {
        self.worker = worker
        self.episode = episode
        self.milliseconds = milliseconds
    }
}
