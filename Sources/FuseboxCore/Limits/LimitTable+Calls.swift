import FuseboxCollections
import FuseboxWire

/// What one limit took of one call.
struct LimitCharge: Sendable, Equatable {
    enum State: UInt8, Sendable {
        /// Its estimate is held: cost, or a place in flight.
        case held = 0
        /// Its estimate counts in a window: requests and tokens.
        case counted = 1
        /// Its estimate counts as used because the call was never settled.
        case assumed = 2
        /// It gave back what it took.
        case released = 3
    }

    /// The place of the use, and the generation that it had.
    var entry: UInt32
    var generation: UInt64
    /// The window that it counts in.
    var window: UInt32
    var state: State
    /// Since when it counts.
    var countedAt: Timestamp
    /// The next charge of the same call.
    var next: Int?
}

extension LimitTable {
    // MARK: Asking

    /// A reason of a limit against a call.
    struct Objection {
        /// The place of the limit.
        var rule: Int
        /// The place of its use; nil: of a template that the tag has not used yet.
        var entry: Int?
        var obstacle: Obstacle
        /// The place of the tag among the new ones, if nothing was known of it before.
        var newTag: Int?
    }

    /// A limit that covers a call.
    struct Covering {
        /// The place of the limit.
        var rule: Int
        /// The place of its use; nil: of a template that the tag has not used yet.
        var entry: Int?
    }

    /// Walks over the limits that cover a call, in the order of its scopes; within a scope in the order in which they were
    /// set, then those of templates. It holds no copy of the table, so that a walk costs nothing but its steps.
    struct Walk {
        private var scope = -1
        private var key: ScopeKey?
        private var entry: Int?
        private var template = 0

        mutating func next(
            _ table: borrowing LimitTable, _ call: borrowing CallScopes, _ tags: borrowing TagTable
        ) -> Covering? {
            while true {
                if let place = entry {
                    entry = table.nextEntry(after: place)
                    return Covering(rule: table.entries[place].rule, entry: place)
                }
                if let template = nextTemplate(table, tags) { return Covering(rule: template, entry: nil) }
                scope += 1
                guard scope < call.scopeCount else { return nil }
                key = call.scope(at: scope)
                template = 0
                guard let key, let found = table.findScope(key) else { continue }
                entry = table.firstEntry(ofScope: found)
            }
        }

        /// The next template of the scope's tag that it has not used yet. One that was used is among the uses of the scope,
        /// and so is the limit that replaces it.
        private mutating func nextTemplate(_ table: borrowing LimitTable, _ tags: borrowing TagTable) -> Int? {
            guard let key, let tag = key.tag else { return nil }
            while template < tags.templateCount(of: tag) {
                let rule = tags.template(of: tag, at: template)
                template += 1
                guard table.rules[rule].key == ScopeKey(place: key.place, model: key.model),
                    table.findEntry(like: table.rules[rule].limit, in: key) == nil
                else { continue }
                return rule
            }
            return nil
        }
    }

    /// The reason of a limit against a call; nil: there is none.
    func objection(of found: Covering, to need: CallNeed, at moment: Moment) -> Objection? {
        guard rules[found.rule].limit.mode == .deny else { return nil }
        let room = need.room(rules[found.rule].limit.dimension)
        guard let obstacle = obstacle(room, found.rule, found.entry, at: moment) else { return nil }
        return Objection(rule: found.rule, entry: found.entry, obstacle: obstacle)
    }

    /// The reasons of templates against a call with tags that have no number yet: only templates cover them.
    func objections(
        to call: borrowing CallScopes, newTags new: [Name], _ need: CallNeed, at moment: Moment
    ) -> [Objection] {
        var found: [Objection] = []
        for (place, tag) in new.enumerated() {
            for template in templates(for: tag) where call.isCovered(by: rules[template].key) {
                guard var objection = objection(of: Covering(rule: template, entry: nil), to: need, at: moment) else {
                    continue
                }
                objection.newTag = place
                found.append(objection)
            }
        }
        return found
    }

    // MARK: Charging

    /// Takes what a call needs of every limit that covers it; returns its first charge.
    mutating func charge(
        _ call: borrowing CallScopes, _ tags: inout TagTable, _ need: CallNeed, at moment: Moment
    ) -> Int? {
        guard !isEmpty else { return nil }
        var first: Int?
        var last: Int?
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope) else { continue }
            if let tag = key.tag { useTemplates(of: tag, in: key, &tags) }
            guard let scope = findScope(key) else { continue }
            var entry = firstEntry(ofScope: scope)
            while let place = entry {
                entry = nextEntry(after: place)
                let charge = charges.insert(take(need, place, at: moment))
                if let last { charges[last].next = charge } else { first = charge }
                last = charge
            }
        }
        return first
    }

    /// Makes the uses of the templates that a scope uses for the first time.
    private mutating func useTemplates(of tag: TagID, in key: ScopeKey, _ tags: inout TagTable) {
        for number in 0..<tags.templateCount(of: tag) {
            let template = tags.template(of: tag, at: number)
            let limit = rules[template].limit
            guard rules[template].key == ScopeKey(place: key.place, model: key.model),
                findEntry(like: limit, in: key) == nil
            else { continue }
            _ = addEntry(of: template, key, &tags)
        }
    }

    /// Takes what a call needs of one limit.
    private mutating func take(_ need: CallNeed, _ place: Int, at moment: Moment) -> LimitCharge {
        let rule = entries[place].rule
        let dimension = rules[rule].limit.dimension
        let amount = need[dimension]
        if rules[rule].limit.mode == .shadow, obstacle(need.room(dimension), rule, place, at: moment) != nil {
            entries[place].wouldHaveDenied &+= 1
        }
        entries[place].isDenying = false
        switch dimension {
        case .cost, .inFlight: entries[place].held += Int128(amount)
        case .requests: count(amount, place, at: moment.now)
        case .tokens, .inputTokens, .outputTokens:
            count(amount, place, at: moment.now)
            entries[place].live += Int128(amount)
        case .unknown: break
        }
        return LimitCharge(
            entry: UInt32(place), generation: entries[place].generation, window: entries[place].window,
            state: dimension.isHeld ? .held : .counted, countedAt: moment.now)
    }

    /// Lets limits that were just set see a call in force: adds their charges to those of the call.
    ///
    /// - Parameters:
    ///   - mark: `newestGeneration` before they were set
    ///   - isInFlight: whether the call counts as in flight
    ///   - grantedAt: when it was admitted
    ///   - first: the call's first charge
    /// - Returns: the call's first charge
    mutating func chargeLate(
        _ call: borrowing CallScopes, _ tags: inout TagTable, _ need: CallNeed, newerThan mark: UInt64,
        isInFlight: Bool, grantedAt: Timestamp, first: Int?, at now: Timestamp
    ) -> Int? {
        var first = first
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope) else { continue }
            if let tag = key.tag { useTemplates(of: tag, in: key, &tags) }
            guard let scope = findScope(key) else { continue }
            var entry = firstEntry(ofScope: scope)
            while let place = entry {
                entry = nextEntry(after: place)
                guard entries[place].generation > mark else { continue }
                var charge = takeLate(need, place, isInFlight: isInFlight, grantedAt: grantedAt, at: now)
                charge.next = first
                first = charges.insert(charge)
            }
        }
        return first
    }

    private mutating func takeLate(
        _ need: CallNeed, _ place: Int, isInFlight: Bool, grantedAt: Timestamp, at now: Timestamp
    ) -> LimitCharge {
        let dimension = rules[entries[place].rule].limit.dimension
        let amount = need[dimension]
        var state: LimitCharge.State = dimension.isHeld ? .held : .counted
        switch dimension {
        case .cost: entries[place].held += Int128(amount)
        case .inFlight:
            if isInFlight { entries[place].held += Int128(amount) } else { state = .released }
        case .requests, .tokens, .inputTokens, .outputTokens:
            if isOver(place, at: now) { beginWindow(place, at: now) }
            correct(amount, place, countedIn: entries[place].window, at: grantedAt, now: now)
            if dimension != .requests { entries[place].live += Int128(amount) }
        case .unknown: break
        }
        return LimitCharge(
            entry: UInt32(place), generation: entries[place].generation, window: entries[place].window, state: state,
            countedAt: grantedAt)
    }

    /// Lets what a use took of a call stand for one of the window before.
    mutating func leaveOut(_ place: Int, ofCharges first: Int?) {
        forEachCharge(first) { table, charge in
            if Int(table.charges[charge].entry) == place { table.charges[charge].window &-= 1 }
        }
    }

    /// Counts a call that was not admitted.
    mutating func report(_ call: borrowing CallScopes, _ tags: inout TagTable, _ used: CallNeed, at moment: Moment) {
        forEachUse(of: call, &tags) { table, place in
            let dimension = table.rules[table.entries[place].rule].limit.dimension
            if dimension != .inFlight { table.count(used[dimension], place, at: moment.now) }
        }
    }

    /// Calls `body` with the use of every limit that covers a call; those of templates are made if they are new.
    mutating func forEachUse(
        of call: borrowing CallScopes, _ tags: inout TagTable, _ body: (inout LimitTable, Int) -> Void
    ) {
        guard !isEmpty else { return }
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope) else { continue }
            if let tag = key.tag { useTemplates(of: tag, in: key, &tags) }
            guard let scope = findScope(key) else { continue }
            var entry = firstEntry(ofScope: scope)
            while let place = entry {
                entry = nextEntry(after: place)
                body(&self, place)
            }
        }
    }

    // MARK: Ending

    /// What a call has used, as far as it was told.
    enum Used {
        /// The call was never sent: all of it comes back.
        case cancelled
        /// It took what was estimated, because nothing else is known.
        case estimate
        /// It took so much.
        case told(CallNeed)
    }

    /// Ends the charges of a call that is settled, and forgets them.
    mutating func settle(_ first: Int?, estimate: CallNeed, _ used: Used, at now: Timestamp) {
        forEachCharge(first) { table, charge in
            let dimension = table.dimension(of: charge)
            table.settle(charge, dimension, estimate[dimension], used, at: now)
        }
        forget(first)
    }

    private mutating func settle(
        _ place: Int, _ dimension: LimitDimension, _ estimate: Int64, _ used: Used, at now: Timestamp
    ) {
        let charge = charges[place]
        let entry = Int(charge.entry)
        let actual =
            switch used {
            case .cancelled: 0 as Int64
            case .estimate: estimate
            case .told(let need): need[dimension]
            }
        switch (dimension, charge.state) {
        case (.inFlight, .held): entries[entry].held -= Int128(estimate)
        case (.inFlight, _): break
        case (.requests, _):
            if case .cancelled = used {
                correct(-estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
            }
        case (.cost, .held):
            entries[entry].held -= Int128(estimate)
            count(actual, entry, at: now)
        case (_, .assumed):
            if charge.window == entries[entry].window { entries[entry].assumed -= Int128(estimate) }
            correct(actual - estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        case (_, .released):
            correct(actual, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        case (_, .counted), (_, .held):
            entries[entry].live -= Int128(estimate)
            correct(actual - estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        }
    }

    /// Ends the charges of a call that was never settled, by the rule of each limit; they are remembered for a late settle.
    ///
    /// - Parameter givesBack: whether all is given back whatever the rule says: an operator has revoked it
    mutating func lapse(_ first: Int?, estimate: CallNeed, givesBack: Bool, at now: Timestamp) {
        forEachCharge(first) { table, charge in
            let dimension = table.dimension(of: charge)
            let rule = table.entries[Int(table.charges[charge].entry)].rule
            let isCharged = !givesBack && table.rules[rule].limit.onLapse == .charge
            table.lapse(charge, dimension, estimate[dimension], isCharged: isCharged, at: now)
        }
    }

    private mutating func lapse(
        _ place: Int, _ dimension: LimitDimension, _ estimate: Int64, isCharged: Bool, at now: Timestamp
    ) {
        let charge = charges[place]
        let entry = Int(charge.entry)
        switch (dimension, charge.state) {
        case (.requests, _), (_, .released), (_, .assumed): return
        case (.inFlight, _):
            entries[entry].held -= Int128(estimate)
            charges[place].state = .released
        case (.cost, _):
            entries[entry].held -= Int128(estimate)
            if isCharged { count(estimate, entry, at: now) }
            charges[place].window = entries[entry].window
            charges[place].countedAt = now
        case (.tokens, _), (.inputTokens, _), (.outputTokens, _):
            entries[entry].live -= Int128(estimate)
            if !isCharged { correct(-estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now) }
        case (.unknown, _): return
        }
        guard dimension != .inFlight else { return }
        charges[place].state = isCharged ? .assumed : .released
        if isCharged, charges[place].window == entries[entry].window { entries[entry].assumed += Int128(estimate) }
    }

    /// Gives back what the call of a dead worker need not hold any more: its place in flight, and what it holds of limits that
    /// do not deny. The provider may still charge for a call that was sent.
    ///
    /// - Returns: whether it goes on holding cost or tokens of a limit that denies
    mutating func endFlight(_ first: Int?, estimate: CallNeed, at now: Timestamp) -> Bool {
        var holds = false
        forEachCharge(first) { table, charge in
            let dimension = table.dimension(of: charge)
            let mode = table.rules[table.entries[Int(table.charges[charge].entry)].rule].limit.mode
            let amount = estimate[dimension]
            if dimension == .inFlight || mode != .deny {
                table.lapse(charge, dimension, amount, isCharged: false, at: now)
            } else if dimension != .requests, amount > 0, table.charges[charge].state != .released {
                holds = true
            }
        }
        return holds
    }

    // MARK: Charges

    private func dimension(of charge: Int) -> LimitDimension {
        rules[entries[Int(charges[charge].entry)].rule].limit.dimension
    }

    /// Calls `body` with every charge of a call whose limit is still there.
    private mutating func forEachCharge(_ first: Int?, _ body: (inout Self, Int) -> Void) {
        var next = first
        while let charge = next {
            let present = charges[charge]
            next = present.next
            if isLive(present) { body(&self, charge) }
        }
    }

    /// Whether the use that a charge is of is still there.
    func isLive(_ charge: LimitCharge) -> Bool {
        let entry = Int(charge.entry)
        return entries.contains(entry) && entries[entry].generation == charge.generation
    }

    /// Puts a charge in place as it is; what it holds or counts of calls in force follows from the call's estimate.
    mutating func insert(_ charge: LimitCharge, _ need: CallNeed) -> Int {
        let entry = Int(charge.entry)
        let dimension = rules[entries[entry].rule].limit.dimension
        switch charge.state {
        case .held: entries[entry].held += Int128(need[dimension])
        case .counted where dimension != .requests: entries[entry].live += Int128(need[dimension])
        case .counted, .assumed, .released: break
        }
        return charges.insert(charge)
    }

    /// Forgets the charges of a call.
    mutating func forget(_ first: Int?) {
        var next = first
        while let charge = next {
            next = charges[charge].next
            charges.remove(at: charge)
        }
    }
}

extension LimitDimension {
    /// Whether an estimate is held rather than counted at the admission.
    var isHeld: Bool { self == .cost || self == .inFlight }
}
