import FuseboxEngine
import FuseboxWire

/// A client's request, if it changes something that can be read back.
enum Deed {
    case record(provider: Int, cost: Int64, inputTokens: Int64, outputTokens: Int64)
    case success, failure, acquire
    case configure(threshold: UInt32)
    case reset
    /// Sets a limit of cost on its own name.
    case ownLimit(Int64)
    /// Marks its own name, or a deployment and a model of it.
    case mark(milliseconds: Int64?, isNarrow: Bool)
    case clear
    case pause(milliseconds: Int64?)
    case resume
    /// Sets the limits of the provider that is only used by admission.
    case limit(Int64)
    /// Sets how many calls of the provider with a queue are in flight at once.
    case places(Int64)
    /// Changes a random limit of others.
    case change(LimitDraw.Change)
    case admit(Admission)
    case renew(permit: UInt64)
    case settle(permit: UInt64, provider: Int, cost: Int64, tokens: Int64, isCancelled: Bool)
    case report(provider: Int, cost: Int64, tokens: Int64)

    /// Whether its acknowledgement promises to survive power loss.
    var isDurable: Bool {
        switch self {
        case .success, .failure, .acquire, .admit, .renew: false
        default: true
        }
    }
}

/// What a client asks for when it asks for a call.
struct Admission {
    struct Route {
        var provider: Int
        var deployment: String?
        /// Whether it asks for the client's own model.
        var hasModel = true
    }

    var routes: [Route]
    var tags: [String]
    var cost: Int64
    var tokens: Int64
    var ttl: Int64
    /// How long the call may wait for its turn, in milliseconds.
    var wait: Int64 = 0
    var priority = WireLimits.defaultPriority
    /// The ticket whose wait it continues; 0: none.
    var resumes: UInt64 = 0
}

/// The expected state of what only this client changes: the sums of its model with each provider, its breaker, its
/// limit.
struct Account: Equatable {
    /// Requests are not told: an account counts those of a route when a call is admitted, and only the reply says which
    /// route that is.
    struct Sum: Equatable {
        var cost: Int64 = 0
        var inputTokens: Int64 = 0
        var outputTokens: Int64 = 0
    }

    var sums = [Sum](repeating: Sum(), count: Account.providers)
    var successes: UInt64 = 0
    var failures: UInt64 = 0
    var threshold: UInt32 = 5
    var limit: Int64?

    static let providers = 5
    /// The provider that is only used by admission and has limits.
    static let limited = 3
    /// The provider that calls wait for: it has a limit of calls in flight, and no call takes anything else.
    static let queue = 4
    static let requestsPerMinute: Int64 = 40

    mutating func apply(_ deed: Deed) {
        switch deed {
        case .record(let provider, let cost, let inputTokens, let outputTokens):
            sums[provider].cost += cost
            sums[provider].inputTokens += inputTokens
            sums[provider].outputTokens += outputTokens
        case .success: successes += 1
        case .failure: failures += 1
        case .configure(let threshold): self.threshold = threshold
        case .reset: (successes, failures) = (0, 0)
        case .ownLimit(let amount): limit = amount
        case .settle(_, let provider, let cost, let tokens, isCancelled: false),
            .report(let provider, let cost, let tokens):
            apply(.record(provider: provider, cost: cost, inputTokens: tokens, outputTokens: 0))
        case .acquire, .mark, .clear, .pause, .resume, .limit, .places, .change, .admit, .renew, .settle: break
        }
    }
}

/// The books of one worker: all its requests, and the replies to them.
struct Books {
    struct Request {
        enum Answer {
            /// No reply has left the daemon yet.
            case none
            case done([UInt8])
            case refused
        }

        let deed: Deed
        var answer = Answer.none
        /// Whether it was acknowledged while the disk was full, and not journaled.
        var isUnjournaled = false

        var isDone: Bool {
            if case .done = answer { return true }
            return false
        }

        var isOpen: Bool {
            if case .none = answer { return true }
            return false
        }
    }

    /// The sums of the requests before `first`.
    private(set) var closed = Account()
    /// The number of the oldest request that is not in `closed`.
    private(set) var first: UInt64 = 1
    private(set) var requests: [Request] = []

    /// The number of the last request.
    var last: UInt64 { first + UInt64(requests.count) - 1 }

    mutating func add(_ deed: Deed) -> UInt64 {
        requests.append(Request(deed: deed))
        return last
    }

    /// The highest number whose acknowledgement promises to survive power loss, or the death of the process; 0 if there
    /// is none. Requests in `closed` were on disk at a restart.
    func promised(_ durability: Durability, afterPowerLoss: Bool) -> UInt64 {
        let index = requests.lastIndex {
            guard $0.isDone, !$0.isUnjournaled else { return false }
            return switch durability {
            case .commit: !afterPowerLoss || $0.deed.isDurable
            case .interval: !afterPowerLoss
            case .snapshot: false
            }
        }
        return index.map { first + UInt64($0) } ?? first - 1
    }

    /// Records a reply that has left the daemon for a request.
    ///
    /// - Returns: the violation; nil if there is none
    mutating func answered(_ number: UInt64, _ payload: [UInt8]?, isUnjournaled: Bool) -> String? {
        guard number >= first else { return payload == nil ? "an answered request \(number) was refused" : nil }
        let index = Int(number - first)
        guard index < requests.count else { return "an answer to request \(number), which was never sent" }
        guard let payload else {
            if requests[index].isDone { return "request \(number) was done and is refused now" }
            requests[index].answer = .refused
            return nil
        }
        if case .done(let original) = requests[index].answer {
            return original == payload ? nil : "request \(number) got another reply than before"
        }
        requests[index].answer = .done(payload)
        requests[index].isUnjournaled = isUnjournaled
        return nil
    }

    /// What a request asks for; nil if it is closed.
    func deed(_ number: UInt64) -> Deed? {
        guard number >= first, number <= last else { return nil }
        return requests[Int(number - first)].deed
    }

    /// Whether a request was acknowledged.
    func isDone(_ number: UInt64) -> Bool {
        guard number >= first, number <= last else { return false }
        return requests[Int(number - first)].isDone
    }

    /// A request whose refusal never arrived is sent again. This time it may be accepted.
    mutating func reopen(_ number: UInt64) {
        guard number >= first, case .refused = requests[Int(number - first)].answer else { return }
        requests[Int(number - first)].answer = .none
    }

    /// Records a restart at which requests up to `known` are known. Later ones are undone.
    ///
    /// - Parameter resending: the numbers that the client will send again
    mutating func restarted(knowing known: UInt64, resending: Set<UInt64>) {
        for index in requests.indices where first + UInt64(index) > known {
            // A lost request that will not be sent again counts as refused: it never happened.
            requests[index].answer = resending.contains(first + UInt64(index)) ? .none : .refused
            requests[index].isUnjournaled = false
        }
    }

    /// Whether an account can result from the requests up to `known`.
    ///
    /// A request without a reply may have been refused. All others must count exactly once.
    func explains(_ account: Account, upTo known: UInt64) -> Bool {
        let part = requests.prefix(known < first ? 0 : Int(known - first + 1))
        let open = part.indices.filter { part[$0].isOpen }
        // First the most likely choice: all of them. Then none, then every choice.
        var choices: [UInt32] = [.max, 0]
        if (2...14).contains(open.count) { choices += (1..<(1 << UInt32(open.count)) - 1).map { $0 } }
        for choice in choices {
            var expected = closed
            var bit: UInt32 = 1
            for request in part {
                switch request.answer {
                case .done: expected.apply(request.deed)
                case .refused: break
                case .none:
                    if choice & bit != 0 { expected.apply(request.deed) }
                    bit <<= 1
                }
            }
            if expected == account { return true }
        }
        return false
    }

    /// Whether the ledger's sums can result from the requests. Acknowledged ones count, and any of those that were
    /// never acknowledged.
    func explains(sums: [Account.Sum]) -> Bool {
        let records = requests.filter {
            switch $0.deed {
            case .record, .settle, .report: true
            default: false
            }
        }
        let open = records.filter(\.isOpen)
        for choice in 0..<(1 << UInt32(min(open.count, 14))) {
            var expected = closed
            for request in records where request.isDone { expected.apply(request.deed) }
            for (index, request) in open.enumerated() where choice >> index & 1 != 0 { expected.apply(request.deed) }
            if expected.sums == sums { return true }
        }
        return false
    }

    /// Whether the ledger's sums can result from the first requests. Removes the requests after them, which are lost.
    mutating func shorten(toExplain sums: [Account.Sum]) -> Bool {
        var books = self
        while !books.explains(sums: sums) {
            guard books.requests.popLast() != nil else { return false }
        }
        self = books
        return true
    }

    /// The sums of all answered requests.
    var total: Account {
        var total = closed
        for request in requests where request.isDone { total.apply(request.deed) }
        return total
    }

    /// Adds the requests up to `number` with a final answer to `closed`.
    mutating func close(upTo number: UInt64) {
        var count = 0
        while count < requests.count, first + UInt64(count) <= number, !requests[count].isOpen {
            if requests[count].isDone { closed.apply(requests[count].deed) }
            count += 1
        }
        requests.removeFirst(count)
        first += UInt64(count)
    }
}
