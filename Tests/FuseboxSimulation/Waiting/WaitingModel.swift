import FuseboxWire

/// The rules of waiting calls as lists and loops, written apart from the queue.
///
/// After each event every waiting call is examined, the first in order first, until none can be granted.
package struct WaitingModel: Sendable {
    /// A rule that the model forgets, to show that a walk would find a queue that has forgotten it.
    package enum Mistake: String, Sendable, CaseIterable {
        case none
        /// Waiting makes no call more urgent.
        case forgetsAge
        /// The users do not take turns.
        case forgetsUsers
        /// A call that has the priority of another does not come behind it.
        case forgetsArrival
        /// The most urgent call does not come first.
        case forgetsPriority
        /// Nothing is reserved, so calls pass those that wait.
        case forgetsReservations
        /// A worker that is away keeps its reservations, and others behind it.
        case forgetsAbsence
        /// Those that come back after a restart wait with the users' turns of before.
        case remembersTurns
    }

    /// What a limit counts.
    package enum Kind: Sendable {
        /// Calls in flight.
        case inFlight
        /// Requests, tokens or nano-dollars in any 10 s. Dollars are held until a call is settled.
        case requests, tokens, cost
    }

    package struct Limit: Sendable {
        package var kind: Kind
        package var amount: Int
        package var provider: String?
        package var tag: String?
        /// When something was used, and how much.
        package var uses: [(at: Int, amount: Int)] = []

        package init(kind: Kind, amount: Int, provider: String? = nil, tag: String? = nil) {
            self.kind = kind
            self.amount = amount
            self.provider = provider
            self.tag = tag
        }
    }

    package struct Call: Sendable {
        package var worker: Int
        package var user: Int
        package var candidates: [String]
        package var tags: [String]
        package var tokens: Int
        package var cost: Int
        /// How long its permit holds, in milliseconds. Only calls that take neither tokens nor cost may outlast it.
        package var ttl: Int

        package init(
            worker: Int, user: Int, candidates: [String], tags: [String], tokens: Int = 0, cost: Int = 0,
            ttl: Int = 1 << 40
        ) {
            self.worker = worker
            self.user = user
            self.candidates = candidates
            self.tags = tags
            self.tokens = tokens
            self.cost = cost
            self.ttl = ttl
        }
    }

    package struct Permit: Sendable {
        package var call: Call
        /// The number of its request.
        package var request: UInt64
        /// Whether the call has waited for it.
        package var hasWaited: Bool
        package var provider: String
        package var at: Int
        package var isInFlight = true
    }

    package struct Waiter: Sendable {
        package var call: Call
        package var ticket: UInt64
        package var priority: Int
        package var arrival: Int
        package var since: Int
        package var until: Int
        package var isAway = false
        /// What it reserves of each limit.
        package var reserved: [Int: Int] = [:]
    }

    package enum Answer: Sendable, Equatable {
        case permit(provider: String)
        case ticket
        case denied
    }

    package struct End: Sendable, Equatable {
        package var worker: Int
        package var ticket: UInt64
        package var standing: TicketStanding

        package init(worker: Int, ticket: UInt64, standing: TicketStanding) {
            self.worker = worker
            self.ticket = ticket
            self.standing = standing
        }
    }

    /// What a restart brings back.
    package struct State: Sendable {
        package var limits: [Limit]
        /// Until when a provider is marked.
        package var marks: [String: Int] = [:]
        package var permits: [(id: Int, permit: Permit)] = []
        /// Permits that have ended unsettled.
        package var lapsed: [(id: Int, permit: Permit)] = []

        /// Ends the permits of a worker that is gone.
        mutating func lapse(_ worker: Int) {
            lapsed += permits.filter { $0.permit.call.worker == worker }
            permits.removeAll { $0.permit.call.worker == worker }
        }
    }

    /// An input that a daemon journals.
    package enum Deed: Sendable, Hashable {
        /// A call was granted at once, by the number of its request.
        case admitted(worker: Int, request: UInt64)
        /// A call was granted that has waited.
        case granted(worker: Int, ticket: UInt64)
        case settled(worker: Int, request: UInt64)
        /// The calls in flight of a worker that is gone have ended.
        case died(worker: Int)
        /// The amount of a limit was changed.
        case changed(limit: Int, amount: Int)
    }

    package var now: Int
    package var state: State
    package var limits: [Limit] {
        get { state.limits }
        set { state.limits = newValue }
    }
    package var marks: [String: Int] {
        get { state.marks }
        set { state.marks = newValue }
    }
    package var permits: [(id: Int, permit: Permit)] { state.permits }
    package var waiters: [Waiter] = []
    private let mistake: Mistake
    private var lastGrant: [Int: Int] = [:]
    private var grants = 0
    private var arrivals = 0
    private var ids = 0
    private(set) var ends: [End] = []
    private var deeds: [(deed: Deed, after: State)] = []

    package init(now: Int, limits: [Limit], mistake: Mistake = .none) {
        self.now = now
        state = State(limits: limits)
        self.mistake = mistake
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
        guard mistake != .forgetsReservations else { return false }
        let present = ahead.filter { !$0.isAway || mistake == .forgetsAbsence }
        let reserved = present.reduce(0) { $0 + ($1.reserved[limit] ?? 0) }
        return reserved > 0 && used(limit) + held(limit) + reserved + need > limits[limit].amount
    }

    private func order(_ waiter: Waiter) -> (Int, Int, Int) {
        let steps = mistake == .forgetsAge ? 0 : (now - waiter.since) / 10_000
        return (
            mistake == .forgetsPriority ? 0 : waiter.priority - steps,
            mistake == .forgetsUsers ? 0 : lastGrant[waiter.call.user] ?? 0,
            mistake == .forgetsArrival ? -waiter.arrival : waiter.arrival
        )
    }

    private func sorted() -> [Waiter] { waiters.sorted { order($0) < order($1) } }

    // MARK: Events

    /// A call arrives. The number of its request is that of its ticket.
    package mutating func arrive(_ call: Call, ticket: UInt64, wait: Int, priority: Int) -> Answer {
        var waiter = Waiter(
            call: call, ticket: ticket, priority: priority, arrival: arrivals + 1, since: now, until: now + wait)
        let ahead = wait > 0 ? sorted().filter { order($0) < order(waiter) } : sorted()
        let found = examine(call, ahead: ahead, left: wait)
        if let provider = found.provider {
            grant(call, ticket, provider, .admitted(worker: call.worker, request: ticket))
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

    private mutating func grant(_ call: Call, _ request: UInt64, _ provider: String, _ deed: Deed) {
        for limit in limits.indices where covers(limit, call, provider) {
            switch limits[limit].kind {
            case .inFlight, .cost: break
            case .requests: limits[limit].uses.append((now, 1))
            case .tokens: limits[limit].uses.append((now, call.tokens))
            }
        }
        ids += 1
        var hasWaited = false
        if case .granted = deed { hasWaited = true }
        let permit = Permit(call: call, request: request, hasWaited: hasWaited, provider: provider, at: now)
        state.permits.append((ids, permit))
        note(deed)
    }

    private mutating func note(_ deed: Deed) { deeds.append((deed, state)) }

    /// The newest permit.
    package var newest: Int { ids }

    /// The permit in force of a request or a ticket.
    package func permit(of worker: Int, request: UInt64) -> Int? {
        permits.first { $0.permit.call.worker == worker && $0.permit.request == request }?.id
    }

    /// The permit that has ended unsettled of a request or a ticket.
    package func lapsedPermit(of worker: Int, request: UInt64) -> (id: Int, permit: Permit)? {
        state.lapsed.first { $0.permit.call.worker == worker && $0.permit.request == request }
    }

    /// Settles a call whose permit is in force or has lapsed.
    ///
    /// - Parameter number: the number of the settle
    package mutating func settle(_ id: Int, by number: UInt64, tokens: Int = 0, cost: Int = 0, isCancelled: Bool) {
        let permit: Permit
        var isLate = false
        if let place = permits.firstIndex(where: { $0.id == id }) {
            permit = state.permits.remove(at: place).permit
        } else if let place = state.lapsed.firstIndex(where: { $0.id == id }) {
            permit = state.lapsed.remove(at: place).permit
            isLate = true
        } else {
            return
        }
        for limit in limits.indices where covers(limit, permit.call, permit.provider) {
            switch limits[limit].kind {
            case .inFlight: break
            case .requests: if isCancelled { correct(limit, by: -1, from: permit.at) }
            case .tokens:
                // Calls that take tokens or cost do not lapse here.
                if !isLate { correct(limit, by: (isCancelled ? 0 : tokens) - permit.call.tokens, from: permit.at) }
            case .cost: if !isCancelled, !isLate { limits[limit].uses.append((now, cost)) }
            }
        }
        note(.settled(worker: permit.call.worker, request: number))
    }

    /// Ends the calls in flight of a worker that is gone, and its waits.
    package mutating func bury(_ worker: Int) {
        waiters.removeAll { $0.call.worker == worker }
        let isFlying = permits.contains { $0.permit.call.worker == worker && $0.permit.isInFlight }
        for place in permits.indices where permits[place].permit.call.worker == worker {
            state.permits[place].permit.isInFlight = false
        }
        // One that holds nothing of a limit that denies has lapsed.
        lapse { model, permit in
            permit.call.worker == worker
                && !model.limits.indices.contains { limit in
                    model.covers(limit, permit.call, permit.provider) && model.need(limit, permit.call) > 0
                        && (model.limits[limit].kind == .cost || model.limits[limit].kind == .tokens)
                }
        }
        if isFlying { note(.died(worker: worker)) }
    }

    /// Time passes. Permits end whose time is over.
    package mutating func pass(to moment: Int) {
        now = moment
        for limit in limits.indices { limits[limit].uses.removeAll { Self.leaves($0.at) <= moment } }
        lapse { _, permit in permit.at + permit.call.ttl <= moment }
    }

    private mutating func lapse(_ isOver: (WaitingModel, Permit) -> Bool) {
        let over = permits.filter { isOver(self, $0.permit) }
        guard !over.isEmpty else { return }
        state.lapsed += over
        state.permits.removeAll { one in over.contains { $0.id == one.id } }
    }

    /// An operator changes the amount of a limit. Whoever waits stands anew.
    package mutating func change(_ limit: Int, to amount: Int) {
        limits[limit].amount = amount
        standAnew()
        note(.changed(limit: limit, amount: amount))
    }

    /// What is reserved is reserved anew.
    package mutating func standAnew() { for place in waiters.indices { waiters[place].reserved = [:] } }

    /// The daemon has started with this state. Nobody waits, and no user has had a turn.
    package mutating func restart(with recovered: State, at moment: Int) {
        state = recovered
        waiters = []
        if mistake != .remembersTurns { lastGrant = [:] }
        ends = []
        deeds = []
        now = moment
    }

    package mutating func setAway(_ worker: Int, _ isAway: Bool) {
        for place in waiters.indices where waiters[place].call.worker == worker { waiters[place].isAway = isAway }
    }

    package mutating func withdraw(_ worker: Int, _ ticket: UInt64) {
        guard let place = waiters.firstIndex(where: { $0.call.worker == worker && $0.ticket == ticket }) else { return }
        waiters.remove(at: place)
        ends.append(End(worker: worker, ticket: ticket, standing: .withdrawn))
    }

    /// Ends the waits of a worker that says goodbye. It is told of none.
    package mutating func forget(_ worker: Int) { waiters.removeAll { $0.call.worker == worker } }

    /// Whether a call waits.
    package func isWaiting(_ worker: Int, _ ticket: UInt64) -> Bool {
        waiters.contains { $0.call.worker == worker && $0.ticket == ticket }
    }

    /// Grants what can be granted, then ends the waits whose time is over.
    package mutating func serve() {
        while grantOne() {}
        for waiter in waiters.sorted(by: { ($0.until, $0.arrival) < ($1.until, $1.arrival) })
        where waiter.until <= now && !waiter.isAway {
            ends.append(End(worker: waiter.call.worker, ticket: waiter.ticket, standing: .expired))
        }
        waiters.removeAll { $0.until <= now }
    }

    private mutating func grantOne() -> Bool {
        var ahead: [Waiter] = []
        for waiter in sorted() {
            guard !waiter.isAway else {
                ahead.append(waiter)
                continue
            }
            let found = examine(waiter.call, ahead: ahead, left: waiter.until - now)
            guard let place = waiters.firstIndex(where: { $0.arrival == waiter.arrival }) else { continue }
            if let provider = found.provider {
                waiters.remove(at: place)
                let deed = Deed.granted(worker: waiter.call.worker, ticket: waiter.ticket)
                grant(waiter.call, waiter.ticket, provider, deed)
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

    package mutating func takeEnds() -> [End] {
        defer { ends.removeAll() }
        return ends
    }

    /// Takes what a daemon has journaled by now, with what a restart after each brings back.
    package mutating func takeDeeds() -> [(deed: Deed, after: State)] {
        defer { deeds.removeAll() }
        return deeds
    }
}

extension WaitingModel: CustomStringConvertible {
    package var description: String {
        let lines = limits.indices.map { "\($0): \(limits[$0]), \(used($0)) used, \(held($0)) held" }
        let all = lines + sorted().map { "\($0)" } + permits.map { "\($0)" }
        return "at \(now), marks \(marks)\n" + all.joined(separator: "\n")
    }
}
