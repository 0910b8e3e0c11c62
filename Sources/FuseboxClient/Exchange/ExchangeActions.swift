import FuseboxWire

/// What is to be done for an `ExchangeMachine`, in this order.
enum ExchangeAction: Equatable {
    /// Append the request's frame to the output, with these numbers if it has any.
    case write(RequestID, RequestSequence?)
    /// Hand the socket as much of the output as it takes, and tell `sent` or `sendFailed`. Several may be done as one.
    case send
    /// Keep the outcome for whoever waits for it. An answer's payload is the one of the frame that was received.
    case complete(RequestID, RequestOutcome)
    /// Put the bytes of the request's substitute in the place of its own.
    case substitute(RequestID)
    /// Use the request's memory for another: nobody comes back to it.
    case free(RequestID)
    /// Wake the thread that sleeps for the request.
    case wake(RequestID)
    /// Resume the task that sleeps for the request.
    case resume(RequestID)
    case background(BackgroundCall)
    /// Append goodbye's frame to the output, and hand the socket what it takes.
    case sayGoodbye
    /// Close the connection, and forget the output.
    case close
}

/// What has become of a request.
enum RequestOutcome: Equatable {
    /// The daemon answered.
    case answered(status: UInt8)
    case failed(RequestFailure)
    /// A report that is kept for when the daemon is back.
    case kept
}

/// Why a request has no answer: the cases of `ClientError` that the exchange knows, without their texts.
enum RequestFailure: Equatable {
    /// No daemon answers: see `ExchangeMachine.absence`.
    case absent
    /// There is no background thread to be had.
    case noThread
    case timedOut
    case outcomeUnknown
    case cancelled
    case closed
    /// Its frame has so many bytes, and the daemon takes so many.
    case frameTooLong(Int, limit: UInt32)
}

/// How the background thread is called.
enum BackgroundCall: Equatable {
    case start
    /// It sleeps.
    case wake
    /// It waits for bytes.
    case nudge
}

/// Actions in their order. The first few need no memory of their own: a call in steady state has no more.
struct ExchangeActions: ~Copyable {
    private var first = ExchangeAction.send
    private var second = ExchangeAction.send
    private var third = ExchangeAction.send
    private var rest: [ExchangeAction]?
    private(set) var count = 0

    mutating func append(_ action: ExchangeAction) {
        switch count {
        case 0: first = action
        case 1: second = action
        case 2: third = action
        case 3: rest = [action]
        default: rest?.append(action)
        }
        count += 1
    }

    /// Gives them out and begins anew.
    mutating func take() -> ExchangeActions {
        guard count > 0 else { return ExchangeActions() }
        defer { count = 0 }
        return ExchangeActions(first: first, second: second, third: third, rest: rest.take(), count: count)
    }

    subscript(index: Int) -> ExchangeAction {
        precondition(index < count)
        switch index {
        case 0: return first
        case 1: return second
        case 2: return third
        default:
            guard let rest else { preconditionFailure("more actions are counted than there are") }
            return rest[index - 3]
        }
    }
}

/// What a thread is to do, and what follows from its having asked.
struct ExchangeTurn: ~Copyable {
    var duty: Duty
    var actions: ExchangeActions
}
