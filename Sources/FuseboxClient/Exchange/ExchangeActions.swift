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

/// What has become of a request, as its caller is told.
enum RequestOutcome: Equatable {
    /// The daemon answered.
    case answered(status: UInt8)
    case failed(ClientError)
    /// A report that is kept for when the daemon is back.
    case kept
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
struct ExchangeActions: Sequence {
    private var first: ExchangeAction?
    private var second: ExchangeAction?
    private var third: ExchangeAction?
    private var rest: [ExchangeAction] = []
    private(set) var count = 0

    mutating func append(_ action: ExchangeAction) {
        switch count {
        case 0: first = action
        case 1: second = action
        case 2: third = action
        default: rest.append(action)
        }
        count += 1
    }

    /// Gives them out and begins anew.
    mutating func take() -> ExchangeActions {
        guard count > 0 else { return ExchangeActions() }
        defer { self = ExchangeActions() }
        return self
    }

    subscript(index: Int) -> ExchangeAction? {
        switch index {
        case 0: first
        case 1: second
        case 2: third
        default: index < count ? rest[index - 3] : nil
        }
    }

    func makeIterator() -> Iterator { Iterator(actions: self) }

    struct Iterator: IteratorProtocol {
        fileprivate let actions: ExchangeActions
        private var index = 0

        fileprivate init(actions: ExchangeActions) { self.actions = actions }

        mutating func next() -> ExchangeAction? {
            defer { index += 1 }
            return actions[index]
        }
    }
}
