import FuseboxWire

/// Why a call has no reply.
public enum ClientError: Error, Sendable, Equatable {
    /// No daemon answers at this path. Nothing has changed.
    case unavailable(path: String, reason: String)
    /// The reply did not come in time. A request that changes state may have been carried out. It is carried out at
    /// most once, even if the client sends it again.
    case timedOut
    /// The request may have been carried out, and there is no way to find out.
    ///
    /// A lost connection alone does not cause this error: the client sends the request again, and the daemon counts it
    /// once. The error is thrown if the daemon has forgotten this worker, if its state was restored, or if another
    /// process uses this worker's id. It is also thrown when the connection is lost during an operator command that is
    /// never sent twice (snapshots, imports).
    case outcomeUnknown
    /// The daemon refused the request. Nothing has changed.
    case refused(Refusal)
    /// An argument is invalid: not a valid name, or a number out of range. Nothing was sent.
    case invalidArgument(Refusal)
    /// The peer does not speak this protocol, or no version of it that this client knows.
    case protocolViolation(String)
    /// Too many requests are under way: `submit` was called many times without `wait`.
    case tooManyRequests
    /// The task that waited was cancelled. A request that changes state may have been carried out, at most once.
    case cancelled
    /// The client or the stream of events is closed.
    case closed
    /// The reply or the stream belongs to the process that this one was forked from.
    case forked
    /// This reply was already waited for.
    case alreadyAwaited
}

extension ClientError: CustomStringConvertible {
    /// What happened and what to do about it, as a sentence.
    public var description: String {
        switch self {
        case .unavailable(let path, let reason):
            "no daemon answers at \(path): \(reason); is fuseboxd running, and is $FUSEBOX_SOCKET right?"
        case .timedOut:
            "the daemon did not answer in time; ask `fusebox status` how it is doing, or allow more time "
                + "(requestTimeoutMilliseconds)"
        case .outcomeUnknown:
            "the connection to the daemon was lost, and the daemon does not remember the requests of this client, "
                + "so the request may have counted; check that before you send it again"
        case .refused(let refusal): "the daemon refused the request: \(refusal)"
        case .invalidArgument(let refusal): "the request was not sent: \(refusal)"
        case .protocolViolation(let reason):
            "the peer does not speak this protocol: \(reason); do the versions of the client and fuseboxd match?"
        case .tooManyRequests:
            "\(Exchange.inFlightLimit) requests are under way; wait for replies before sending more"
        case .cancelled: "the task was cancelled before the daemon answered"
        case .closed: "the client has been closed; connect a new one"
        case .forked: "this was opened by the parent process; open another after fork"
        case .alreadyAwaited: "a reply can be waited for only once; keep what wait() returned"
        }
    }
}

extension ClientError {
    /// Whether the daemon did not answer. The failure policy applies to these errors.
    var meansAway: Bool {
        switch self {
        case .unavailable, .timedOut, .outcomeUnknown: true
        default: false
        }
    }
}
