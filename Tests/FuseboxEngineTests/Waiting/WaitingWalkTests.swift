import FuseboxCore
import FuseboxSimulation
import FuseboxTestSupport
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// Random calls, deaths and time against `WaitingModel`: the same answers, and the same grants in the same order.
struct WaitingWalkTests {
    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func grantsAreThoseOfTheModelInItsOrder(seed: UInt64) throws {
        var walk = try WaitingWalk(seed: seed)
        for step in 0..<600 {
            try walk.step()
            try #require(walk.difference == nil, "step \(step): \(walk.difference ?? "")\n\(walk.before)")
        }
        #expect(walk.granted > 5, "the walk is to grant calls that have waited")
    }

    /// What is left at the end of a turn is done in the next ones, with the same result.
    @Test(arguments: [1, 3], 1...8 as ClosedRange<UInt64>)
    func turnsThatAreCutShortGrantTheSame(examinations: Int, seed: UInt64) throws {
        var walk = try WaitingWalk(seed: seed, examinations: examinations)
        for step in 0..<600 {
            try walk.step()
            try #require(walk.difference == nil, "step \(step): \(walk.difference ?? "")\n\(walk.before)")
        }
        #expect(walk.granted > 5, "the walk is to grant calls that have waited")
    }
}

/// One random walk of an engine and the model.
private struct WaitingWalk {
    private static let grace = 2_000

    private let conversation: Conversation
    private var model: WaitingModel
    private var random: SplitMix64
    private var peers: [Conversation.Peer?] = []
    private var sessions: UInt64 = 0
    private var lostAt: [Int: Int] = [:]
    /// The permits of both, by the model's number.
    private var permits: [Int: (worker: Int, number: UInt64)] = [:]
    private var waiting: [(worker: Int, ticket: UInt64)] = []
    private(set) var granted = 0
    /// The model before the last step.
    private(set) var before: WaitingModel
    private(set) var difference: String?

    /// - Parameter examinations: how many calls are examined in a turn
    init(seed: UInt64, examinations: Int = Bounds().examinationsPerTurn) throws {
        random = SplitMix64(seed: seed)
        var bounds = Bounds()
        bounds.examinationsPerTurn = examinations
        conversation = Conversation(bounds: bounds)
        var limits: [WaitingModel.Limit] = []
        let operators = conversation.stranger(1_000_000, isOperator: true, user: 0)
        _ = try operators.ok(Hello(worker: WorkerID(high: 9, low: 9), client: "operator"))
        for _ in 0..<random.within(1...4) {
            let kind = random.pick([WaitingModel.Kind.inFlight, .inFlight, .requests, .tokens, .cost])
            let provider = random.pick([nil, "p", "q"])
            let tag = random.once(in: 3) ? "team:a" : nil
            let limit = WaitingModel.Limit(
                kind: kind, amount: kind == .tokens || kind == .cost ? 100 : random.within(1...4), provider: provider,
                tag: tag)
            let isSame = limits.contains { $0.kind == kind && $0.provider == provider && $0.tag == tag }
            guard !isSame else { continue }
            limits.append(limit)
            var scope = Scope()
            scope.provider = try provider.map { try Name($0) }
            scope.tag = try tag.map { try Name($0) }
            _ = try operators.ok(LimitSet(scope: scope, limits: [try Self.limit(limit)]))
        }
        model = WaitingModel(now: Int(conversation.now), limits: limits)
        before = model
        for worker in 0..<8 {
            peers.append(nil)
            try connect(worker)
        }
    }

    private static func limit(_ limit: WaitingModel.Limit) throws -> Limit {
        let text =
            switch limit.kind {
            case .inFlight: "\(limit.amount) in flight"
            case .requests: "\(limit.amount) requests per 10s"
            case .tokens: "\(limit.amount) tokens per 10s"
            case .cost: "$0.0000001 per 10s"
            }
        return try LimitText.limit(text)
    }

    private func user(_ worker: Int) -> Int { 1_000 + worker % 3 }

    private mutating func connect(_ worker: Int) throws {
        sessions += 1
        let peer = conversation.stranger(sessions, isOperator: false, user: UInt32(user(worker)))
        if let before = lastSequence[worker] { peer.sequence = before }
        _ = try peer.ok(Hello(worker: WorkerID(high: 1, low: UInt64(worker + 1)), client: "walk"))
        peers[worker] = peer
        lostAt[worker] = nil
    }

    private var lastSequence: [Int: UInt64] = [:]

    mutating func step() throws {
        before = model
        switch random.below(20) {
        case 0..<7: try arrive()
        case 7..<12: try settle()
        case 12: try lose()
        case 13: try comeBack()
        case 14: try withdraw()
        case 15: try mark()
        default: try pass(random.pick([1, 40, 300, 1_500, 4_000]))
        }
        try compare()
    }

    private mutating func arrive() throws {
        let worker = random.below(peers.count)
        guard let peer = peers[worker] else { return }
        let candidates = random.pick([["p"], ["q"], ["p", "q"], ["q", "p"]])
        let tags = random.once(in: 2) ? ["team:a"] : []
        let call = WaitingModel.Call(
            worker: worker, user: user(worker), candidates: candidates, tags: tags,
            tokens: random.pick([0, 10, 40, 90]), cost: random.pick([0, 5, 30, 100]))
        let wait = random.pick([0, 500, 3_000, 30_000])
        let priority = random.pick([3, 3, 3, 1, 6])
        var admit = Admit()
        for provider in candidates { admit.candidates.append(Candidate(provider: try Name(provider))) }
        for tag in tags { admit.tags.append(try Name(tag)) }
        admit.estimate = Estimate(cost: Money(nanodollars: Int64(call.cost)), tokens: UInt32(call.tokens))
        admit.ttlMilliseconds = 3_600_000
        admit.waitMilliseconds = Int64(wait)
        admit.priority = UInt8(priority)
        let reply = try peer.ok(admit)
        let expected = model.arrive(call, ticket: peer.sequence, wait: wait, priority: priority)
        let answer: WaitingModel.Answer
        if let permit = reply.permit, let place = reply.decision.candidate {
            answer = .permit(provider: candidates[Int(place)])
            permits[model.newest] = (worker, permit)
        } else if let ticket = reply.ticket {
            answer = .ticket
            waiting.append((worker, ticket))
        } else {
            answer = .denied
        }
        if answer != expected { difference = "\(call), wait \(wait): \(answer), and the model says \(expected)" }
    }

    private mutating func settle() throws {
        let live = permits.keys.sorted().filter { peers[permits[$0]?.worker ?? 0] != nil }
        guard !live.isEmpty else { return }
        let id = random.pick(live)
        guard let (worker, number) = permits.removeValue(forKey: id), let peer = peers[worker] else { return }
        let tokens = random.pick([0, 10, 60])
        let cost = random.pick([0, 5, 60])
        let isCancelled = random.once(in: 5)
        let usage = CallUsage(cost: Money(nanodollars: Int64(cost)), inputTokens: UInt32(tokens), outputTokens: 0)
        _ = try peer.ok(
            Settle(permit: number, outcome: isCancelled ? .cancelled : .success, usage: isCancelled ? nil : usage))
        model.settle(id, by: peer.sequence, tokens: tokens, cost: cost, isCancelled: isCancelled)
        model.serve()
    }

    private mutating func lose() throws {
        let worker = random.below(peers.count)
        guard let peer = peers[worker] else { return }
        lastSequence[worker] = peer.sequence
        peers[worker] = nil
        lostAt[worker] = Int(conversation.now)
        conversation.engine.sessionEnded(peer.session)
        model.setAway(worker, true)
        model.serve()
    }

    private mutating func comeBack() throws {
        guard let worker = lostAt.keys.sorted().first else { return }
        try connect(worker)
        model.setAway(worker, false)
        model.serve()
    }

    private mutating func withdraw() throws {
        let present = waiting.filter { peers[$0.worker] != nil }
        guard !present.isEmpty else { return }
        let (worker, ticket) = random.pick(present)
        _ = try peers[worker]?.ok(Withdraw(ticket: ticket))
        model.withdraw(worker, ticket)
        model.serve()
    }

    private mutating func mark() throws {
        let provider = random.pick(["p", "q"])
        let milliseconds = random.pick([200, 2_000, 8_000])
        guard let worker = peers.indices.first(where: { peers[$0] != nil }) else { return }
        _ = try peers[worker]?.ok(
            ExhaustionMark(provider: try Name(provider), resetAfterMilliseconds: Int64(milliseconds)))
        model.marks[provider] = max(model.marks[provider] ?? 0, Int(conversation.now) + milliseconds)
        model.serve()
    }

    private mutating func pass(_ milliseconds: Int) throws {
        conversation.now += Int64(milliseconds)
        conversation.engine.advance(to: conversation.moment)
        model.pass(to: Int(conversation.now))
        for (worker, since) in lostAt where model.now - since >= Self.grace {
            model.bury(worker)
            permits = permits.filter { $0.value.worker != worker }
        }
        model.serve()
    }

    /// Lets the engine do what it has left for its next turns.
    private func finishTurns() throws {
        for _ in 0..<1_000 where conversation.engine.untilDue(at: conversation.moment) == 0 {
            conversation.engine.advance(to: conversation.moment)
        }
        #expect(conversation.engine.untilDue(at: conversation.moment) != 0, "the turns do not come to an end")
    }

    private mutating func compare() throws {
        try finishTurns()
        // A wait that has ended may have held others back.
        model.serve()
        let ends = try conversation.takePushes().map { push in
            let worker = peers.firstIndex { $0?.session.id == push.session } ?? -1
            if push.entry.standing == .granted { granted += 1 }
            return (worker, push.entry)
        }
        let told = ends.map { WaitingModel.End(worker: $0.0, ticket: $0.1.ticket, standing: $0.1.standing) }
        let expected = model.takeEnds()
        // The grants come in their order. Waits may end between them where turns are cut short.
        func grants(_ ends: [WaitingModel.End]) -> [WaitingModel.End] { ends.filter { $0.standing == .granted } }
        func others(_ ends: [WaitingModel.End]) -> [WaitingModel.End] {
            ends.filter { $0.standing != .granted }.sorted { ($0.worker, $0.ticket) < ($1.worker, $1.ticket) }
        }
        if difference == nil, grants(told) != grants(expected) || others(told) != others(expected) {
            difference = "\(told), and the model says \(expected)"
        }
        // The numbers of the model's permits follow the order of its grants.
        let first = model.newest - expected.filter { $0.standing == .granted }.count + 1
        for (place, end) in ends.filter({ $0.1.standing == .granted }).enumerated() {
            if let number = end.1.admission.permit { permits[first + place] = (end.0, number) }
        }
        waiting.removeAll { one in ends.contains { $0.0 == one.worker && $0.1.ticket == one.ticket } }
        let count = conversation.engine.queue.count
        if difference == nil, count != model.waiters.count {
            difference = "\(count) calls wait, and in the model \(model.waiters.count)"
        }
    }
}
