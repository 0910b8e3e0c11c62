import FuseboxWire

/// Why a call has no reply.
public enum ClientError: Error, Sendable, Equatable {
    /// No daemon answers at this path. Nothing was changed.
    case unavailable(path: String, reason: String)
    /// The reply did not come in time. Whether a request that changes state was carried out is not known; it is carried
    /// out once at the most, even though the client may have to send it again.
    case timedOut
    /// Whether the request was carried out cannot be found out any more. A connection that breaks is no reason: the
    /// client sends again, and the daemon counts once. It is thrown only if the daemon had to forget this worker
    /// meanwhile, its state was restored from elsewhere, or another process uses this worker's id; and for operator
    /// commands, which are never sent twice (snapshots, imports).
    case outcomeUnknown
    /// The daemon did not carry the request out. Nothing was changed.
    case refused(Refusal)
    /// An argument cannot be sent: a name that is none, a number out of range. Nothing was sent.
    case invalidArgument(Refusal)
    /// The peer's bytes are not this protocol's: it is no daemon of a version that this client knows.
    case protocolViolation(String)
    /// More requests are under way than a connection holds: `submit` was called without `wait`.
    case tooManyRequests
    /// The task that waited was cancelled. Whether a request that changes state was carried out is not known; it is
    /// carried out once at the most.
    case cancelled
    /// The client, or this stream of events, has been closed.
    case closed
    /// It belongs to the process that this one was forked from.
    case forked
    /// This reply has been waited for before.
    case alreadyAwaited
}

extension ClientError: CustomStringConvertible {
    /// What happened and what to do about it, for a person.
    public var description: String {
        switch self {
        case .unavailable(let path, let reason):
            "no daemon answers at \(path): \(reason); is fuseboxd running, and is $FUSEBOX_SOCKET right?"
        case .timedOut:
            "the daemon did not answer in time; ask `fusebox status` how it is doing, or allow more time "
                + "(requestTimeoutMilliseconds)"
        case .outcomeUnknown:
            "the connection to the daemon broke, and the daemon found again does not remember what this client sent, "
                + "so it may or may not have counted; look before you send it again"
        case .refused(let refusal): "the daemon refused the request: \(refusal)"
        case .invalidArgument(let refusal): "the request was not sent: \(refusal)"
        case .protocolViolation(let reason):
            "what answers does not speak this protocol: \(reason); are the client and fuseboxd of fitting versions?"
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
    /// Whether the daemon did not answer, for whatever reason: what a failure policy is for.
    var meansAway: Bool {
        switch self {
        case .unavailable, .timedOut, .outcomeUnknown: true
        default: false
        }
    }
}
