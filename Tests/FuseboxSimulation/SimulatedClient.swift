import FuseboxEngine
import FuseboxWire

/// A connection between a client and the daemon, with the frames in transit.
final class Line {
    var session: Session
    let client: Int
    /// The index of the client's worker that uses it.
    let generation: Int
    /// Frames in transit to the daemon.
    var uplink: [[UInt8]] = []
    /// Frames in transit to the client.
    var downlink: [[UInt8]] = []
    /// Whether the client has closed it and the daemon has not noticed.
    var isAbandoned = false

    init(_ session: Session, client: Int, generation: Int) {
        self.session = session
        self.client = client
        self.generation = generation
    }
}

/// A client that follows the rule of resending. After every reconnect it sends unanswered requests again, in order,
/// before any new request.
final class SimulatedClient {
    struct Unacknowledged {
        let number: UInt64
        let deed: Deed
        let command: UInt16
        let fields: [UInt8]
    }

    /// A permit that it holds, as far as it knows.
    struct Permit {
        let number: UInt64
        let provider: Int
        let cost: Int64
        let tokens: Int64
    }

    /// The correlation of all frames that are not sequenced requests.
    static let helloCorrelation = UInt32.max

    let index: Int
    /// The number of workers that this client was before.
    private(set) var generation = 0
    private(set) var worker = WorkerID(high: 0, low: 0)
    var books = Books()
    private(set) var unacknowledged: [Unacknowledged] = []
    private(set) var permits: [Permit] = []
    /// Its calls that wait, by their tickets.
    private(set) var waits: [UInt64: Admission] = [:]
    /// The tickets whose ends it was told of.
    private var ended: Set<UInt64> = []
    /// The permits that it was told of.
    private var told: Set<UInt64> = []
    /// Whether it knows that the limits are set.
    private(set) var knowsLimits = false
    /// Whether it knows that the limit of calls in flight is set.
    private(set) var knowsPlaces = false
    var line: Line?
    private(set) var isGreeted = false
    /// The epoch of the state; 0 until the first hello.
    private(set) var epoch: UInt64 = 0

    init(index: Int) {
        self.index = index
        takeName()
    }

    private func takeName() {
        worker = WorkerID(high: UInt64(index + 1), low: UInt64(generation + 1))
    }

    /// Becomes a new worker, because the old one has said goodbye or was forgotten. Returns the old one's books.
    func beginAnew() -> Books {
        defer { books = Books() }
        unacknowledged = []
        permits = []
        waits = [:]
        ended = []
        told = []
        generation += 1
        takeName()
        leave()
        return books
    }

    /// The connection is lost.
    func leave() {
        line?.isAbandoned = true
        line = nil
        isGreeted = false
    }

    func enter(_ line: Line) {
        self.line = line
        isGreeted = false
        let hello = Hello(worker: worker, lastSequence: books.last, client: "simulated")
        line.uplink.append(Self.frame(hello, Self.helloCorrelation))
    }

    // MARK: Requests

    static func frame<C: Command>(_ command: C, _ correlation: UInt32) -> [UInt8] {
        var frame = ByteWriter()
        let start = frame.beginFrame(
            FrameHeader(command: C.declaration.number, kind: .request, correlation: correlation))
        command.encode(into: &frame)
        frame.endFrame(start)
        return frame.bytes
    }

    private func frame(_ request: Unacknowledged) -> [UInt8] {
        var frame = ByteWriter()
        let start = frame.beginFrame(
            FrameHeader(command: request.command, kind: .request, correlation: UInt32(request.number)))
        RequestSequence(
            sequence: request.number, oldestUnacknowledged: unacknowledged.first?.number ?? request.number
        ).encode(into: &frame)
        frame.write(contentsOf: request.fields)
        frame.endFrame(start)
        return frame.bytes
    }

    func send(_ deed: Deed) {
        let names = Names(client: index, generation: generation)
        switch deed {
        case .record(let provider, let cost, let inputTokens, let outputTokens):
            send(
                deed,
                LedgerRecord(
                    provider: Names.provider(provider), model: names.model, cost: Money(nanodollars: cost),
                    inputTokens: UInt32(inputTokens), outputTokens: UInt32(outputTokens)))
        case .success: send(deed, BreakerSuccess(name: names.breaker))
        case .failure: send(deed, BreakerFailure(name: names.breaker))
        case .acquire: send(deed, BreakerAcquire(name: names.breaker))
        case .configure(let threshold):
            send(
                deed,
                BreakerConfigure(
                    name: names.breaker, change: BreakerConfigurationChange(failureThreshold: threshold)))
        case .reset: send(deed, BreakerReset(name: names.breaker))
        case .ownLimit(let amount):
            send(deed, LimitSet(scope: Scope(provider: names.own), limits: [Limit(.cost, amount, .manual)]))
        case .mark(let milliseconds, let isNarrow):
            send(
                deed,
                ExhaustionMark(
                    provider: names.own, deployment: isNarrow ? Names.name("eu") : nil,
                    model: isNarrow ? names.model : nil, resetAfterMilliseconds: milliseconds))
        case .clear: send(deed, ExhaustionClear(provider: names.own))
        case .pause(let milliseconds):
            send(
                deed,
                ExhaustionPause(
                    provider: names.own, model: names.model, reason: "a test", durationMilliseconds: milliseconds))
        case .resume: send(deed, ExhaustionResume(provider: names.own, model: names.model))
        case .limit, .places, .change, .admit, .renew, .settle, .report: sendAdmission(deed, names)
        }
    }

    private func sendAdmission(_ deed: Deed, _ names: Names) {
        func usage(_ cost: Int64, _ tokens: Int64) -> CallUsage {
            CallUsage(model: names.model, cost: Money(nanodollars: cost), inputTokens: UInt32(tokens))
        }
        switch deed {
        case .limit(let amount):
            let limits = [
                Limit(.cost, amount, .manual),
                Limit(.requests, Account.requestsPerMinute, .fixed(milliseconds: 60_000)),
            ]
            send(deed, LimitSet(scope: Scope(provider: Names.provider(Account.limited)), limits: limits))
        case .places(let amount):
            let scope = Scope(provider: Names.provider(Account.queue))
            send(deed, LimitSet(scope: scope, limits: [Limit(.inFlight, amount, LimitWindow())]))
        case .change(.set(let command)): send(deed, command)
        case .change(.remove(let command)): send(deed, command)
        case .change(.raise(let command)): send(deed, command)
        case .change(.reset(let command)): send(deed, command)
        case .admit(let admission):
            var candidates = Candidates()
            for route in admission.routes {
                candidates.append(
                    Candidate(
                        provider: Names.provider(route.provider), deployment: route.deployment.map { Names.name($0) },
                        model: route.hasModel ? names.model : nil))
            }
            var tags = WireLimits.TagList()
            for tag in admission.tags { tags.append(Names.name(tag)) }
            let estimate = Estimate(cost: Money(nanodollars: admission.cost), tokens: UInt32(admission.tokens))
            var admit = Admit(
                candidates: candidates, tags: tags, estimate: estimate, ttlMilliseconds: admission.ttl,
                waitMilliseconds: admission.wait, priority: admission.priority)
            admit.resumes = admission.resumes
            send(deed, admit)
        case .renew(let permit): send(deed, Renew(permit: permit, ttlMilliseconds: 5_000))
        case .settle(let permit, _, let cost, let tokens, let isCancelled):
            send(
                deed,
                Settle(
                    permit: permit, outcome: isCancelled ? .cancelled : .success,
                    usage: isCancelled ? nil : usage(cost, tokens)))
        case .report(let provider, let cost, let tokens):
            let candidate = Candidate(provider: Names.provider(provider))
            send(deed, Report(candidate: candidate, outcome: .success, usage: usage(cost, tokens)))
        default: return
        }
    }

    /// Removes and returns one of its permits, to settle it.
    func takePermit(_ choice: Int) -> Permit { permits.remove(at: choice) }

    private func send<C: Command>(_ deed: Deed, _ command: C) {
        var fields = ByteWriter()
        command.encode(into: &fields)
        let request = Unacknowledged(
            number: books.add(deed), deed: deed, command: C.declaration.number, fields: fields.bytes)
        unacknowledged.append(request)
        line?.uplink.append(frame(request))
    }

    /// Ends the wait of a ticket, if the daemon gets to know of it.
    func withdraw(_ ticket: UInt64) { ask(Withdraw(ticket: ticket)) }

    func ask<C: Command>(_ command: C) { line?.uplink.append(Self.frame(command, Self.helloCorrelation - 1)) }

    func sayGoodbye() { line?.uplink.append(Self.frame(Goodbye(), Self.helloCorrelation - 1)) }

    // MARK: Replies

    enum Reaction {
        case none
        /// The daemon does not remember this worker.
        case forgotten
        case wrong(String)
    }

    func receive(_ frame: [UInt8]) -> Reaction {
        let (header, payload) = Self.parse(frame)
        if header.kind == FrameKind.push.rawValue { return waitEnded(payload) }
        guard header.correlation == Self.helloCorrelation else {
            guard let place = unacknowledged.firstIndex(where: { UInt32($0.number) == header.correlation }) else {
                return .none
            }
            let deed = unacknowledged.remove(at: place).deed
            return header.detail == 0 ? acknowledged(deed, payload) : .none
        }
        guard header.detail == 0, let welcome = Self.decode(Hello.Reply.self, payload) else {
            return .wrong("hello was refused")
        }
        guard epoch == 0 || welcome.epoch == epoch else { return .wrong("the epoch has changed") }
        epoch = welcome.epoch
        guard welcome.worker != .forgotten else { return .forgotten }
        isGreeted = true
        for request in unacknowledged {
            books.reopen(request.number)
            // It may begin a new wait with the same ticket.
            ended.remove(request.number)
            line?.uplink.append(self.frame(request))
        }
        // Waits go on after the requests that were not answered.
        for (ticket, admission) in waits.sorted(by: { $0.key < $1.key }) {
            var again = admission
            again.resumes = ticket
            send(.admit(again))
        }
        waits = [:]
        return .none
    }

    /// A push has told the end of a wait.
    private func waitEnded(_ payload: ArraySlice<UInt8>) -> Reaction {
        guard let end = Self.decode(TicketEntry.self, payload) else { return .wrong("a push is no end of a wait") }
        guard ended.insert(end.ticket).inserted else {
            return .wrong("the end of ticket \(end.ticket) is told twice")
        }
        guard let admission = waits.removeValue(forKey: end.ticket) else {
            // The reply to a request that is not answered yet says the same.
            let isAsked = unacknowledged.contains { request in
                guard case .admit(let admission) = request.deed else { return false }
                return request.number == end.ticket || admission.resumes == end.ticket
            }
            // A push waits until the inputs before it are written. A reply to the request that was sent again, or to one
            // that resumed the wait, may come first. It has told of the same permit, if of any.
            let isLate = isAdmission(end.ticket) && end.admission.permit.map(told.contains) ?? true
            guard isAsked || isLate else {
                return .wrong("ticket \(end.ticket), which it does not have, is \(end.standing)")
            }
            return .none
        }
        switch end.standing {
        case .granted: return take(end.admission, admission)
        case .expired, .withdrawn, .refused: return .none
        case .waiting, .forgotten, .unknown: return .wrong("a push says that ticket \(end.ticket) is \(end.standing)")
        }
    }

    private func isAdmission(_ number: UInt64) -> Bool {
        guard case .admit? = books.deed(number) else { return false }
        return true
    }

    /// Takes the answer to an admission.
    private func take(_ reply: AdmitReply, _ admission: Admission) -> Reaction {
        if let ticket = reply.ticket {
            guard reply.permit == nil else { return .wrong("a call has a permit and waits") }
            waits[ticket] = admission
            ended.remove(ticket)
        }
        guard let number = reply.permit, let chosen = reply.decision.candidate else { return .none }
        told.insert(number)
        permits.append(
            Permit(
                number: number, provider: admission.routes[Int(chosen)].provider, cost: admission.cost,
                tokens: admission.tokens))
        return .none
    }

    private func acknowledged(_ deed: Deed, _ payload: ArraySlice<UInt8>) -> Reaction {
        switch deed {
        case .admit(let admission):
            guard let reply = Self.decode(Admit.Reply.self, payload) else { return .wrong("an admission has no reply") }
            return take(reply, admission)
        case .limit: knowsLimits = true
        case .places: knowsPlaces = true
        case .settle(let permit, _, _, _, _):
            let standing = Self.decode(Settle.Reply.self, payload)?.standing
            // No other client has the permit, and it is settled once.
            if standing == nil || standing == .settled { return .wrong("permit \(permit) was settled before") }
        default: break
        }
        return .none
    }

    static func parse(_ frame: [UInt8]) -> (FrameHeader, ArraySlice<UInt8>) {
        let header = frame.withUnsafeBytes { bytes in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.lengthBytes...]))
            return try? FrameHeader(from: &reader)
        }
        guard let header else { preconditionFailure("the daemon sends whole frames") }
        return (header, frame.dropFirst(FrameHeader.lengthBytes + FrameHeader.bytes))
    }

    static func decode<Record: WireRecord>(_ type: Record.Type, _ payload: ArraySlice<UInt8>) -> Record? {
        payload.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var record = Record()
            do throws(Refusal) {
                try record.decode(from: &reader)
                try reader.finish()
            } catch { return nil }
            return record
        }
    }
}

/// The names that only one worker uses.
struct Names {
    let model: Name
    let breaker: Name
    let own: Name

    init(client: Int, generation: Int) {
        model = Self.name("m\(client).\(generation)")
        breaker = Self.name("b\(client).\(generation)")
        own = Self.name("x\(client).\(generation)")
    }

    static func provider(_ number: Int) -> Name { name("p\(number)") }

    static func name(_ text: String) -> Name {
        do throws(Refusal) { return try Name(text) } catch { preconditionFailure(error.message) }
    }
}
