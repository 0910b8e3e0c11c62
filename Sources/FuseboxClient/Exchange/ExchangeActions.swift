import FuseboxWire

/// An action that an `ExchangeMachine` decided on. Actions are carried out in their order.
enum ExchangeAction: Equatable {
    /// Append the request's frame to the output, with its sequence numbers if it has any.
    case write(RequestID, RequestSequence?)
    /// Hand the socket as much of the output as it takes, and report `sent` or `sendFailed` to the machine. Several may
    /// be combined.
    case send
    /// Store the outcome for the request's waiter. The payload of an answer is that of the frame that was just
    /// received.
    case complete(RequestID, RequestOutcome)
    /// Replace the request's bytes by those of its substitute.
    case substitute(RequestID)
    /// Change a request that may wait: it continues the wait of this ticket; 0: it does not wait any more.
    case askAgain(RequestID, ticket: UInt64)
    /// Withdraw the wait of this ticket.
    case withdraw(UInt64)
    /// Settle a permit as never used, because nobody waits for it any more.
    case giveBack(UInt64)
    /// Free the request's memory for another request. Nobody uses it any more.
    case free(RequestID)
    /// Wake the thread that sleeps for the request.
    case wake(RequestID)
    /// Resume the task that sleeps for the request.
    case resume(RequestID)
    case background(BackgroundCall)
    /// Append the frame of goodbye to the output, and hand the socket what it takes.
    case sayGoodbye
    /// Close the connection and discard the output.
    case close
}

/// The outcome of a request.
enum RequestOutcome: Equatable {
    /// The daemon answered.
    case answered(status: UInt8)
    /// The daemon has pushed the end of its wait.
    case pushed
    case failed(RequestFailure)
    /// The report is kept and sent when the daemon is back.
    case kept
}

/// Why a request has no answer. These are the cases of `ClientError` that the exchange knows, without their texts.
enum RequestFailure: Equatable {
    /// No daemon answers: see `ExchangeMachine.absence`.
    case absent
    /// The background thread could not be started.
    case noThread
    case timedOut
    case outcomeUnknown
    case cancelled
    case closed
    /// The frame's length in bytes is above the daemon's limit.
    case frameTooLong(Int, limit: UInt32)
}

/// How to get the attention of the background thread.
enum BackgroundCall: Equatable {
    case start
    /// Wake it from sleep.
    case wake
    /// Nudge it while it waits for bytes.
    case nudge
}

/// Actions in their order. The first few are stored inline. A call in steady state has no more than these, so it
/// allocates nothing.
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

    /// Returns the actions and clears the list.
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

/// The next duty of a thread, and the actions that follow from its asking.
struct ExchangeTurn: ~Copyable {
    var duty: Duty
    var actions: ExchangeActions
}
