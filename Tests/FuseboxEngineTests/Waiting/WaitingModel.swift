import FuseboxWire

/// The rules of waiting calls as lists and loops, written apart from the queue.
///
/// After each event every waiting call is examined, the first in order first, until none can be granted.
struct WaitingModel {
    /// What a limit counts.
    enum Kind {
        /// Calls in flight.
        case inFlight
        /// Requests, tokens or nano-dollars in any 10 s. Dollars are held until a call is settled.
        case requests, tokens, cost
    }

    struct Limit {
        var kind: Kind
        var amount: Int
        var provider: String?
        var tag: String?
        /// When something was used, and how much.
        var uses: [(at: Int, amount: Int)] = []
    }

    struct Call {
        var worker: Int
        var user: Int
        var candidates: [String]
        var tags: [String]
        var tokens: Int
        var cost: Int
    }

    struct Permit {
        var call: Call
        var provider: String
        var at: Int
        var isInFlight = true
    }

    struct Waiter {
        var call: Call
        var ticket: UInt64
        var priority: Int
        var arrival: Int
        var since: Int
        var until: Int
        var isAway = false
        /// What it reserves of each limit.
        var reserved: [Int: Int] = [:]
    }

    enum Answer: Equatable {
        case permit(provider: String)
        case ticket
        case denied
    }

    struct End: Equatable {
        var worker: Int
        var ticket: UInt64
        var standing: TicketStanding
    }

    var now: Int
    var limits: [Limit]
    /// Until when a provider is marked.
    var marks: [String: Int] = [:]
    var permits: [(id: Int, permit: Permit)] = []
    var waiters: [Waiter] = []
    private var lastGrant: [Int: Int] = [:]
    private var grants = 0
    private var arrivals = 0
    private var ids = 0
    private(set) var ends: [End] = []

    init(now: Int, limits: [Limit]) {
        self.now = now
        self.limits = limits
    }

    // MARK: Limits

    private static let length = 10_000
    private static let grain = 166

    private func need(_ limit: Int, _ call: Call) -> Int {
        switch limits[limit].kind {
        case .inFlight, .requests: 1
        case .tokens: call.tokens
        case .cost: call.cost
        }
    }

    private func covers(_ limit: Int, _ call: Call, _ provider: String) -> Bool {
        if let own = limits[limit].provider, own != provider { return false }
        if let tag = limits[limit].tag, !call.tags.contains(tag) { return false }
        return true
    }

    /// When a use leaves the window: with the last moment of its grain.
    private static func leaves(_ at: Int) -> Int { (at / grain + 1) * grain - 1 + length }

    private func used(_ limit: Int) -> Int {
        limits[limit].uses.filter { Self.leaves($0.at) > now }.reduce(0) { $0 + $1.amount }
    }

    private func held(_ limit: Int) -> Int {
        permits.reduce(0) { sum, one in
            guard covers(limit, one.permit.call, one.permit.provider) else { return sum }
            switch limits[limit].kind {
            case .inFlight: return sum + (one.permit.isInFlight ? 1 : 0)
            case .cost: return sum + one.permit.call.cost
            case .requests, .tokens: return sum
            }
        }
    }

    /// What calls in force may give back.
    private func live(_ limit: Int) -> Int {
        guard limits[limit].kind == .tokens else { return 0 }
        return permits.reduce(0) { sum, one in
            covers(limit, one.permit.call, one.permit.provider) ? sum + one.permit.call.tokens : sum
        }
    }

    /// How long time alone takes to make room; nil: for ever.
    private func untilRoom(_ limit: Int, _ need: Int) -> Int? {
        if need > limits[limit].amount { return nil }
        var left = used(limit) + need - limits[limit].amount
        if left <= 0 { return 0 }
        for leaves in Set(limits[limit].uses.map { Self.leaves($0.at) }).sorted() where leaves > now {
            left -= limits[limit].uses.filter { Self.leaves($0.at) == leaves }.reduce(0) { $0 + $1.amount }
            if left <= 0 { return leaves - now }
        }
        return nil
    }

    private mutating func correct(_ limit: Int, by change: Int, from then: Int) {
        if now - then < Self.length {
            limits[limit].uses.append((then, change))
        } else if change > 0 {
            limits[limit].uses.append((now, change))
        }
    }

    // MARK: Examining

    private struct Found {
        var provider: String?
        /// The limits and providers that stand against candidates that can come free.
        var obstacles: Set<String> = []
        var needs: [Int: Int] = [:]
        var covering: [Int: Int] = [:]
        var canComeFree = false
    }

    /// - Parameter ahead: the waiting calls that come first
    private func examine(_ call: Call, ahead: [Waiter], left: Int) -> Found {
        var found = Found()
        for provider in call.candidates {
            var obstacles: [(name: String, limit: Int?)] = []
            var isHopeless = false
            if let end = marks[provider], end > now {
                obstacles.append((provider, nil))
                if end - now > left { isHopeless = true }
            }
            var covering: [Int] = []
            for limit in limits.indices where covers(limit, call, provider) && need(limit, call) > 0 {
                covering.append(limit)
                let need = need(limit, call)
                if used(limit) + held(limit) + need > limits[limit].amount {
                    obstacles.append(("\(limit)", limit))
                    let isLiftable =
                        need <= limits[limit].amount && used(limit) - live(limit) + need <= limits[limit].amount
                    let time = untilRoom(limit, need)
                    if !isLiftable, time.map({ $0 > left }) ?? true { isHopeless = true }
                } else if isClosed(limit, need, ahead) {
                    obstacles.append(("\(limit)", limit))
                }
            }
            if obstacles.isEmpty {
                found.provider = provider
                return found
            }
            guard !isHopeless else { continue }
            found.canComeFree = true
            for (name, limit) in obstacles {
                found.obstacles.insert(name)
                if let limit { found.needs[limit] = max(found.needs[limit] ?? 0, need(limit, call)) }
            }
            for limit in covering { found.covering[limit] = max(found.covering[limit] ?? 0, need(limit, call)) }
        }
        return found
    }

    private func isClosed(_ limit: Int, _ need: Int, _ ahead: [Waiter]) -> Bool {
        let reserved = ahead.filter { !$0.isAway }.reduce(0) { $0 + ($1.reserved[limit] ?? 0) }
        return reserved > 0 && used(limit) + held(limit) + reserved + need > limits[limit].amount
    }

    private func order(_ waiter: Waiter) -> (Int, Int, Int) {
        (waiter.priority - (now - waiter.since) / 10_000, lastGrant[waiter.call.user] ?? 0, waiter.arrival)
    }

    private func sorted() -> [Waiter] { waiters.sorted { order($0) < order($1) } }

    // MARK: Events

    mutating func arrive(_ call: Call, ticket: UInt64, wait: Int, priority: Int) -> Answer {
        var waiter = Waiter(
            call: call, ticket: ticket, priority: priority, arrival: arrivals + 1, since: now, until: now + wait)
        let ahead = wait > 0 ? sorted().filter { order($0) < order(waiter) } : sorted()
        let found = examine(call, ahead: ahead, left: wait)
        if let provider = found.provider {
            grant(call, provider)
            return .permit(provider: provider)
        }
        guard wait > 0, found.canComeFree else { return .denied }
        arrivals += 1
        reserve(&waiter, found)
        waiters.append(waiter)
        return .ticket
    }

    private func reserve(_ waiter: inout Waiter, _ found: Found) {
        if found.obstacles.count == 1, let (limit, need) = found.needs.first { waiter.reserved[limit] = need }
        if now - waiter.since >= 10_000 {
            for (limit, need) in found.covering { waiter.reserved[limit] = need }
        }
    }

    private mutating func grant(_ call: Call, _ provider: String) {
        for limit in limits.indices where covers(limit, call, provider) {
            switch limits[limit].kind {
            case .inFlight, .cost: break
            case .requests: limits[limit].uses.append((now, 1))
            case .tokens: limits[limit].uses.append((now, call.tokens))
            }
        }
        ids += 1
        permits.append((ids, Permit(call: call, provider: provider, at: now)))
    }

    /// The newest permit.
    var newest: Int { ids }

    mutating func settle(_ id: Int, tokens: Int, cost: Int, isCancelled: Bool) {
        guard let place = permits.firstIndex(where: { $0.id == id }) else { return }
        let permit = permits.remove(at: place).permit
        for limit in limits.indices where covers(limit, permit.call, permit.provider) {
            switch limits[limit].kind {
            case .inFlight: break
            case .requests: if isCancelled { correct(limit, by: -1, from: permit.at) }
            case .tokens: correct(limit, by: (isCancelled ? 0 : tokens) - permit.call.tokens, from: permit.at)
            case .cost: if !isCancelled { limits[limit].uses.append((now, cost)) }
            }
        }
    }

    /// Ends the calls in flight of a dead worker, and its waits.
    mutating func bury(_ worker: Int) {
        waiters.removeAll { $0.call.worker == worker }
        for place in permits.indices where permits[place].permit.call.worker == worker {
            permits[place].permit.isInFlight = false
        }
        // One that holds nothing of a limit that denies has lapsed.
        permits = permits.filter { one in
            one.permit.call.worker != worker
                || limits.indices.contains { limit in
                    covers(limit, one.permit.call, one.permit.provider) && need(limit, one.permit.call) > 0
                        && (limits[limit].kind == .cost || limits[limit].kind == .tokens)
                }
        }
    }

    mutating func setAway(_ worker: Int, _ isAway: Bool) {
        for place in waiters.indices where waiters[place].call.worker == worker { waiters[place].isAway = isAway }
    }

    mutating func withdraw(_ worker: Int, _ ticket: UInt64) {
        guard let place = waiters.firstIndex(where: { $0.call.worker == worker && $0.ticket == ticket }) else { return }
        waiters.remove(at: place)
        ends.append(End(worker: worker, ticket: ticket, standing: .withdrawn))
    }

    /// Grants what can be granted, then ends the waits whose time is over.
    mutating func serve() {
        while grantOne() {}
        for waiter in waiters.sorted(by: { ($0.until, $0.arrival) < ($1.until, $1.arrival) })
        where waiter.until <= now && !waiter.isAway {
            ends.append(End(worker: waiter.call.worker, ticket: waiter.ticket, standing: .expired))
        }
        waiters.removeAll { $0.until <= now }
    }

    private mutating func grantOne() -> Bool {
        var ahead: [Waiter] = []
        for waiter in sorted() where !waiter.isAway {
            let found = examine(waiter.call, ahead: ahead, left: waiter.until - now)
            guard let place = waiters.firstIndex(where: { $0.arrival == waiter.arrival }) else { continue }
            if let provider = found.provider {
                waiters.remove(at: place)
                grant(waiter.call, provider)
                grants += 1
                lastGrant[waiter.call.user] = grants
                ends.append(End(worker: waiter.call.worker, ticket: waiter.ticket, standing: .granted))
                return true
            }
            reserve(&waiters[place], found)
            ahead.append(waiters[place])
        }
        return false
    }

    mutating func takeEnds() -> [End] {
        defer { ends.removeAll() }
        return ends
    }
}

extension WaitingModel: CustomStringConvertible {
    var description: String {
        let lines = limits.indices.map { "\($0): \(limits[$0]), \(used($0)) used, \(held($0)) held" }
        let all = lines + sorted().map { "\($0)" } + permits.map { "\($0)" }
        return "at \(now), marks \(marks)\n" + all.joined(separator: "\n")
    }
}
