import FuseboxCollections
import FuseboxWire

/// The permits of admitted calls that are not settled: what each holds, until when, and for which worker.
///
/// A permit that ends without being settled has lapsed. It holds nothing any more. It is remembered for a while, so
/// that a late settle still counts what its call cost. Sums are exact: granted is the sum of settled, expired,
/// reclaimed, revoked and outstanding, and held is the sum of the outstanding estimates.
public struct PermitRegistry: Sendable {
    /// What a permit was granted for.
    struct Grant: Sendable {
        /// What it is charged to: its route and its tags.
        private(set) var scopes: CallScopes
        var worker: WorkerID
        var user: UInt32
        var estimate: Estimate
        /// How the breaker of its route let it pass.
        var passage = Passage()
        /// The first of its charges against limits.
        var charge: Int?
        /// The ticket of a call that has waited; 0: it has not.
        var ticket: UInt64 = 0
        /// The candidate that was granted to such a call, by its place in the request.
        var candidate: UInt8 = 0
        var grantedAt: Timestamp
        /// When it ends by itself; once it has lapsed, when it did.
        var expiresAt: Timestamp

        /// A grant by a route of this provider.
        init(
            provider: NameID, scopes: CallScopes, worker: WorkerID, user: UInt32, estimate: Estimate,
            grantedAt: Timestamp, expiresAt: Timestamp
        ) {
            self.scopes = scopes
            self.scopes.provider = provider
            self.worker = worker
            self.user = user
            self.estimate = estimate
            self.grantedAt = grantedAt
            self.expiresAt = expiresAt
        }

        /// The provider of its route.
        var provider: NameID {
            get {
                guard let provider = scopes.provider else { preconditionFailure("a permit has a provider") }
                return provider
            }
            set { scopes.provider = newValue }
        }
        var deployment: NameID? {
            get { scopes.deployment }
            set { scopes.deployment = newValue }
        }
        var model: ModelID? {
            get { scopes.model }
            set { scopes.model = newValue }
        }
        /// The route of the breaker that let it pass.
        var breaker: RouteKey { RouteKey(deployment ?? provider, passage.isOfModel ? model : nil) }
        /// Takes a tag away.
        mutating func remove(_ tag: TagID) { scopes.remove(tag) }

        /// In nano-dollars.
        var cost: Int64 { estimate.cost?.nanodollars ?? 0 }
        var need: CallNeed { CallNeed(estimate) }
    }

    /// How the breaker of its route let a call pass.
    struct Passage: Sendable, Equatable {
        /// The breaker's episode.
        var episode: UInt32 = 0
        /// Whether the breaker is that of the call's model.
        var isOfModel = false
        /// Whether the breaker has opened and was not closed yet.
        var isProbe = false
    }

    struct Permit: Sendable {
        var number: UInt64 = 0
        var grant: Grant
        var standing: PermitStanding = .inForce
        /// Whether its worker's call counts as in flight.
        var isInFlight = true
        /// The place of its worker while its call is in flight.
        var holder = 0
    }

    /// A worker with calls in flight.
    struct Holder: Sendable {
        var worker: WorkerID
        /// The places of their permits, oldest first.
        var calls = Chain()
    }

    /// What is held of one provider.
    struct Hold: Sendable {
        /// Wider than money, because 65,536 permits of the dearest calls hold seven times its range, and no call is
        /// denied for that.
        var cost: Int128 = 0
        var permits = 0
        var inFlight = 0
    }

    /// The calls in flight that a breaker let pass in one episode, since it opened.
    struct Probes: Sendable {
        var episode: UInt32
        var inFlight = 0
    }

    /// A run of numbers that one start of the daemon has given out.
    struct NumberRun: Sendable, Equatable {
        var first: UInt64
        var last: UInt64
    }

    var permits = SlotTable<Permit>()
    private var index = HashIndex()
    /// In the order of their numbers.
    private(set) var outstanding = Chain()
    /// The lapsed permits of each user, in the order in which they ended.
    private var lapsedOfUser: [UInt32: Chain] = [:]
    private var lapsedCount = 0
    /// The links of the permits in force, and of the lapsed permits of each user.
    private var links = ChainLinks()

    private var holders = SlotTable<Holder>()
    private var holderIndex = HashIndex()
    /// The links of the calls in flight of each worker.
    private var callLinks = ChainLinks()

    private var providers = SparseTable<Hold>()
    /// The calls in flight that breakers let pass since they opened.
    private var probes = RouteTable<Probes>()
    private var permitsOfUser = NumberMap<Int>()

    // Totals are only reported. Beyond 2⁶⁴, which no daemon reaches, they begin at 0 again.
    private(set) var granted: UInt64 = 0
    private(set) var settled: UInt64 = 0
    private(set) var expired: UInt64 = 0
    private(set) var reclaimed: UInt64 = 0
    private(set) var revoked: UInt64 = 0
    private(set) var settledLate: UInt64 = 0
    /// The sum of the outstanding estimates.
    private(set) var held: Int128 = 0
    /// The lapsed permits that were forgotten to make room.
    private(set) var forgotten = ForgottenPermits()
    /// The newest runs of numbers, oldest first.
    private(set) var runs = [NumberRun(first: 1, last: 0)]
    private let passedByAddress = PassedByAddress()

    /// A registry without permits.
    public init() {}

    // MARK: Asking

    /// What became of all permits.
    public var totals: PermitTotals {
        var totals = PermitTotals()
        totals.granted = granted
        totals.settled = settled
        totals.expired = expired
        totals.reclaimed = reclaimed
        totals.revoked = revoked
        totals.outstanding = UInt64(outstanding.count)
        totals.settledLate = settledLate
        totals.held = Money(nanodollars: Int64(clamping: held))
        return totals
    }

    /// Permits in force.
    public var outstandingCount: Int { outstanding.count }

    /// The place of a permit that is in force or lapsed.
    func find(_ number: UInt64) -> Int? {
        index.find(Self.hash(number)) { permits[$0].number == number }
    }

    /// Whether this state knows that a permit with this number was granted.
    ///
    /// A grant that a crash has undone is not known, nor is a very old one.
    func wasGranted(_ number: UInt64) -> Bool {
        runs.contains { $0.first <= number && number <= $0.last }
    }

    /// The newest number.
    var lastNumber: UInt64 { runs.last?.last ?? 0 }

    func count(of user: UInt32) -> Int { permitsOfUser[user] ?? 0 }

    /// The sum of the estimates of a provider's permits in force, in nano-dollars. It stops at the end of its range.
    public func held(of provider: NameID) -> Int64 { Int64(clamping: providers[provider.index]?.cost ?? 0) }

    /// A provider's calls in flight.
    public func inFlight(of provider: NameID) -> Int { providers[provider.index]?.inFlight ?? 0 }

    /// The calls in flight that a breaker let pass in its present episode, since it opened.
    func probes(of breaker: RouteKey, in episode: UInt32) -> Int {
        guard let place = probes.find(breaker), probes[place].episode == episode else { return 0 }
        return probes[place].inFlight
    }

    /// Whether a provider has permits in force.
    public func holds(_ provider: NameID) -> Bool { providers.contains(provider.index) }

    /// Whether a worker has calls in flight.
    public func hasCallsInFlight(_ worker: WorkerID) -> Bool { findHolder(worker) != nil }

    /// Calls `body` with every worker that has calls in flight, in no particular order.
    public func forEachHolder(_ body: (WorkerID) -> Void) {
        for holder in holders { body(holder.worker) }
    }

    /// The place of a worker's oldest call in flight.
    func firstInFlight(of worker: WorkerID) -> Int? { findHolder(worker).flatMap { holders[$0].calls.first } }

    /// The place of a worker's call in flight that has waited with this ticket.
    func find(ticket: UInt64, of worker: WorkerID) -> Int? {
        var place = firstInFlight(of: worker)
        while let found = place {
            if permits[found].grant.ticket == ticket { return found }
            place = callLinks.next(after: found)
        }
        return nil
    }

    /// The place of the permit in force that was granted next after the one with this number.
    func firstInForce(after number: UInt64) -> Int? {
        // The permit itself may still exist. Otherwise the list is walked.
        if let place = find(number), permits[place].standing == .inForce { return nextInForce(after: place) }
        var place = outstanding.first
        while let older = place, permits[older].number <= number { place = links.next(after: older) }
        return place
    }

    /// The place of the permit in force that was granted next after the one at a place.
    func nextInForce(after place: Int) -> Int? { links.next(after: place) }

    /// Calls `body` with every permit in force in the order of their numbers, then with the lapsed permits, user by
    /// user, in the order in which they ended.
    func forEach<Failure: Error>(_ body: (Permit) throws(Failure) -> Void) throws(Failure) {
        for first in firstOfLists {
            var next: Int? = first
            while let place = next {
                next = links.next(after: place)
                try body(permits[place])
            }
        }
    }

    // MARK: Granting

    /// Whether there is a number for one more permit. Only a restored state can have used them up.
    var hasNumbers: Bool { lastNumber < .max }

    /// Grants a permit, if there is a number for it. Returns its place.
    mutating func grant(_ grant: Grant) -> Int {
        granted &+= 1
        runs[runs.count - 1].last += 1
        var permit = Permit(grant: grant)
        permit.number = lastNumber
        return add(permit)
    }

    /// Restores a permit.
    mutating func add(_ permit: Permit) -> Int {
        let place = permits.insert(permit)
        index.insert(place, hash: Self.hash(permit.number))
        guard permit.standing == .inForce else {
            remember(place)
            return place
        }
        outstanding.append(place, &links)
        held += Int128(permit.grant.cost)
        permitsOfUser[permit.grant.user] = count(of: permit.grant.user) + 1
        changeHolds(of: permit.grant.provider) { hold in
            hold.cost += Int128(permit.grant.cost)
            hold.permits += 1
            if permit.isInFlight { hold.inFlight += 1 }
        }
        if permit.isInFlight {
            linkToWorker(place)
            if permit.grant.passage.isProbe { addProbe(permit.grant) }
        }
        return place
    }

    /// Continues with numbers that no permit has had, not even one that a crash has undone.
    ///
    /// Such a permit may still be settled, and must not be mistaken for another.
    mutating func beginRun(at now: Timestamp, salt: UInt32) {
        // Permits that a crash has undone may have had the numbers that come next, and the time may be lost with them:
        // the salt leads away from them. All stay below 2⁵³, which every language reads,
        // until 2038.
        let seconds = min(UInt64(clamping: now.milliseconds / 1_000), 1 << 40)
        guard hasNumbers else { return }
        // A restored state may be near the end of the range. Then the numbers continue where they were.
        let (first, overflow) = max(seconds << 22, lastNumber + 1).addingReportingOverflow(UInt64(salt))
        guard !overflow else { return }
        runs.append(NumberRun(first: first, last: first - 1))
        runs.removeFirst(max(0, runs.count - Bounds.numberRuns))
    }

    /// Extends a permit until a moment.
    mutating func extend(_ place: Int, to moment: Timestamp) { permits[place].grant.expiresAt = moment }

    // MARK: Ending

    /// Closes a permit because its call was settled, and frees its place.
    mutating func settle(_ place: Int) {
        if permits[place].standing == .inForce {
            settled &+= 1
            letGo(place)
        } else {
            settledLate &+= 1
            unremember(place)
        }
        remove(place)
    }

    /// Ends a permit that was not settled. Beyond the limit on lapsed permits, the oldest one of the user with the most
    /// is forgotten, so no user displaces those of another.
    ///
    /// - Returns: the one that was forgotten
    mutating func lapse(
        _ place: Int, _ standing: PermitStanding, at now: Timestamp, keeping bounds: Bounds
    ) -> Permit? {
        switch standing {
        case .reclaimed: reclaimed &+= 1
        case .revoked: revoked &+= 1
        case .expired: expired &+= 1
        case .inForce, .settled, .unknown: preconditionFailure("a permit that lapses has ended unsettled")
        }
        letGo(place)
        permits[place].standing = standing
        permits[place].grant.expiresAt = now
        remember(place)
        guard lapsedCount > bounds.lapsedPermits,
            let most = lapsedOfUser.max(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) }),
            let oldest = most.value.first
        else { return nil }
        let permit = permits[oldest]
        forgotten.note(permit.number, of: most.key, keeping: bounds.forgettingUsers)
        unremember(oldest)
        remove(oldest)
        return permit
    }

    /// The place of the first permit of each list: of those in force, in the order of their numbers, then of the lapsed
    /// ones of each user, in the order in which they ended.
    var firstOfLists: [Int] {
        let lapsed = lapsedOfUser.sorted { $0.key < $1.key }
        return ([outstanding] + lapsed.map(\.value)).compactMap(\.first)
    }

    /// The place of the next permit of the same list.
    func next(after place: Int) -> Int? { links.next(after: place) }

    /// Notes that what a lapsed permit left behind was given back.
    mutating func giveBack(_ place: Int) { permits[place].standing = .revoked }

    /// Puts a permit at the end of the lapsed ones of its user.
    private mutating func remember(_ place: Int) {
        lapsedOfUser[permits[place].grant.user, default: Chain()].append(place, &links)
        lapsedCount += 1
    }

    /// Removes a permit from the lapsed permits.
    private mutating func unremember(_ place: Int) {
        let user = permits[place].grant.user
        lapsedOfUser[user]?.remove(place, &links)
        if lapsedOfUser[user]?.isEmpty == true { lapsedOfUser[user] = nil }
        lapsedCount -= 1
    }

    /// Counts a call as not in flight any more, because its worker died. What it holds stays held.
    mutating func endFlight(_ place: Int) {
        guard permits[place].isInFlight else { return }
        unlinkFromWorker(place)
        permits[place].isInFlight = false
        changeHolds(of: permits[place].grant.provider) { $0.inFlight -= 1 }
        if permits[place].grant.passage.isProbe { removeProbe(permits[place].grant) }
    }

    /// Gives back what a permit in force holds.
    private mutating func letGo(_ place: Int) {
        endFlight(place)
        outstanding.remove(place, &links)
        let cost = Int128(permits[place].grant.cost)
        let user = permits[place].grant.user
        held -= cost
        let left = count(of: user) - 1
        permitsOfUser[user] = left == 0 ? nil : left
        changeHolds(of: permits[place].grant.provider) { hold in
            hold.cost -= cost
            hold.permits -= 1
        }
    }

    private mutating func remove(_ place: Int) {
        index.remove(place, hash: Self.hash(permits[place].number))
        permits.remove(at: place)
    }

    // MARK: Holds

    private mutating func changeHolds(of provider: NameID, _ change: (inout Hold) -> Void) {
        if !providers.contains(provider.index) { providers.insert(Hold(), at: provider.index) }
        change(&providers[existing: provider.index])
        if providers[existing: provider.index].permits == 0 { providers.remove(at: provider.index) }
    }

    // MARK: Probes

    private mutating func addProbe(_ grant: Grant) {
        let episode = grant.passage.episode
        // Those of an earlier episode do not count any more.
        if let place = probes.find(grant.breaker), probes[place].episode == episode {
            probes[place].inFlight += 1
        } else {
            probes.insert(Probes(episode: episode, inFlight: 1), for: grant.breaker)
        }
    }

    private mutating func removeProbe(_ grant: Grant) {
        guard let place = probes.find(grant.breaker), probes[place].episode == grant.passage.episode else { return }
        probes[place].inFlight -= 1
        if probes[place].inFlight == 0 { probes.remove(at: place) }
    }

    // MARK: Workers

    private func findHolder(_ worker: WorkerID) -> Int? {
        holderIndex.find(KeyedHash.of(worker)) { holders[$0].worker == worker }
    }

    private mutating func linkToWorker(_ place: Int) {
        let worker = permits[place].grant.worker
        let holder = findHolder(worker) ?? addHolder(worker)
        permits[place].holder = holder
        holders[holder].calls.append(place, &callLinks)
    }

    private mutating func unlinkFromWorker(_ place: Int) {
        let holder = permits[place].holder
        holders[holder].calls.remove(place, &callLinks)
        guard holders[holder].calls.isEmpty else { return }
        holderIndex.remove(holder, hash: KeyedHash.of(holders[holder].worker))
        holders.remove(at: holder)
    }

    private mutating func addHolder(_ worker: WorkerID) -> Int {
        let place = holders.insert(Holder(worker: worker))
        holderIndex.insert(place, hash: KeyedHash.of(worker))
        return place
    }

    /// Spreads the numbers, which are given out one after the other. Otherwise they would be one run of the index, and
    /// each removal would walk to the run's end.
    private static func hash(_ number: UInt64) -> Int {
        Int(truncatingIfNeeded: (number &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }
}

extension PermitRegistry {
    /// Restores the totals of permits that are gone.
    mutating func restore(_ totals: PermitTotals, forgotten: ForgottenPermits, runs: [NumberRun]) {
        granted = totals.granted
        settled = totals.settled
        expired = totals.expired
        reclaimed = totals.reclaimed
        revoked = totals.revoked
        settledLate = totals.settledLate
        self.forgotten = forgotten
        self.runs = runs
    }
}
