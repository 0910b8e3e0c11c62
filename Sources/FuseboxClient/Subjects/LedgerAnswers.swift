import FuseboxWire

/// The result of recording or reporting a call.
public struct Recording: Sendable, Equatable {
    /// The limits whose thresholds the call has reached.
    public var reached: [LimitReached]
    /// The limit of the provider that will be used up sooner than was told before; nil: none.
    public var depletion: DepletionProjected?
    /// Whether the daemon has the record.
    public var delivery: Delivery
    /// Whether the daemon did not answer and the client fails open. Which events fired is then not known.
    public var isAssumed: Bool { delivery != .delivered }

    init(_ reported: FuseboxClient.Reported<LedgerRecord.Reply>) {
        reached = reported.reply?.reached ?? []
        depletion = reported.reply?.depletion
        delivery = reported.delivery
    }
}
