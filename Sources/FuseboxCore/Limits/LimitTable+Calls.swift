import FuseboxCollections
import FuseboxWire

/// What one limit holds or counts for one call.
struct LimitCharge: Sendable, Equatable {
    enum State: UInt8, Sendable {
        /// The estimate is held: cost, or a place in flight.
        case held = 0
        /// The estimate counts in a window: requests and tokens.
        case counted = 1
        /// The estimate counts as used, because the call was never settled.
        case assumed = 2
        /// What it took was given back.
        case released = 3
    }

    /// The generation of the use.
    var generation: UInt64
    /// Since when it counts.
    var countedAt: Timestamp
    /// The place of the use.
    var entry: UInt32
    /// The window that it counts in.
    var window: UInt32
    /// The place of the next charge of the same call; `none` if it is the last. There are many charges, so they are
    /// short.
    private var nextPlace = Self.none
    var state: State

    private static var none: UInt32 { .max }

    init(
        entry: UInt32, generation: UInt64, window: UInt32, state: State, countedAt: Timestamp, next: Int? = nil
    ) {
        self.entry = entry
        self.generation = generation
        self.window = window
        self.state = state
        self.countedAt = countedAt
        self.next = next
    }

    /// The place of the next charge of the same call.
    var next: Int? {
        get { nextPlace == Self.none ? nil : Int(nextPlace) }
        set { nextPlace = newValue.map { UInt32($0) } ?? Self.none }
    }
}

extension LimitTable {
    // MARK: Asking

    /// A reason of a limit against a call.
    struct Objection {
        /// The place of the limit.
        var rule: Int
        /// The place of its use. Nil for a template that the tag has not used yet.
        var entry: Int?
        var obstacle: Obstacle
        /// The place of the tag among the new tags, if the tag is new.
        var newTag: Int?
    }

    /// A limit that covers a call.
    struct Covering {
        /// The place of the limit.
        var rule: Int
        /// The place of its use. Nil for a template that the tag has not used yet.
        var entry: Int?
    }

    /// Walks over the limits that cover a call, in the order of its scopes. Within a scope the limits come in the order
    /// in which they were set, and then those of templates. The walk holds no copy of the table.
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

        /// The next template of the scope's tag that it has not used yet. Templates that it has used, and limits that
        /// replace templates, are among the uses of the scope.
        private mutating func nextTemplate(_ table: borrowing LimitTable, _ tags: borrowing TagTable) -> Int? {
            guard let key, let tag = key.tag else { return nil }
            while template < tags.templateCount(of: tag) {
                let rule = tags.template(of: tag, at: template)
                template += 1
                guard table.rules[rule].key == ScopeKey(place: key.place, model: key.model),
                    table.findEntry(ofOneLike: rule, in: key) == nil
                else { continue }
                return rule
            }
            return nil
        }
    }

    /// Whether a limit on cost that denies covers a call.
    ///
    /// - Parameter new: tags of the call that have no number yet
    func deniesCost(_ call: borrowing CallScopes, _ tags: borrowing TagTable, _ new: [Name]) -> Bool {
        var walk = Walk()
        while let found = walk.next(self, call, tags) {
            if deniesCost(found.rule) { return true }
        }
        for tag in new {
            for template in templates(for: tag) where call.isCovered(by: rules[template].key) {
                if deniesCost(template) { return true }
            }
        }
        return false
    }

    private func deniesCost(_ rule: Int) -> Bool {
        rules[rule].limit.dimension == .cost && rules[rule].limit.mode == .deny
    }

    /// The reason of a limit against a call. Nil if there is none.
    func objection(of found: Covering, to need: CallNeed, at moment: Moment) -> Objection? {
        guard rules[found.rule].limit.mode == .deny else { return nil }
        let room = need.room(rules[found.rule].limit.dimension)
        guard let obstacle = obstacle(room, found.rule, found.entry, at: moment) else { return nil }
        return Objection(rule: found.rule, entry: found.entry, obstacle: obstacle)
    }

    /// The reasons of templates against a call whose tags have no number yet. Only templates cover such tags.
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

    /// Charges a call to every limit that covers it. Returns its first charge.
    mutating func charge(
        _ call: borrowing CallScopes, _ tags: inout TagTable, _ need: CallNeed, at moment: Moment
    ) -> Int? {
        guard !isEmpty else { return nil }
        endWatches(for: call, at: moment)
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
    mutating func useTemplates(of tag: TagID, in key: ScopeKey, _ tags: inout TagTable) {
        for number in 0..<tags.templateCount(of: tag) {
            let template = tags.template(of: tag, at: number)
            guard rules[template].key == ScopeKey(place: key.place, model: key.model),
                findEntry(ofOneLike: template, in: key) == nil
            else { continue }
            _ = addEntry(of: template, key, &tags)
        }
    }

    /// Charges a call to one limit.
    private mutating func take(_ need: CallNeed, _ place: Int, at moment: Moment) -> LimitCharge {
        let rule = entries[place].rule
        let dimension = rules[rule].limit.dimension
        let amount = need[dimension]
        if rules[rule].limit.mode == .shadow, obstacle(need.room(dimension), rule, place, at: moment) != nil {
            entries[place].wouldHaveDenied &+= 1
        }
        entries[place].isDenying = false
        switch dimension {
        case .cost, .inFlight:
            entries[place].held += Int128(amount)
            watch(place)
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

    /// Counts a call that was not admitted.
    ///
    /// - Parameter isOfModelAlone: whether it counts only where a model is named: it was admitted without one
    mutating func report(
        _ call: borrowing CallScopes, _ tags: inout TagTable, _ used: CallNeed, isOfModelAlone: Bool = false,
        at moment: Moment
    ) {
        forEachUse(of: call, &tags, isOfModelAlone: isOfModelAlone) { table, place in
            let dimension = table.rules[table.entries[place].rule].limit.dimension
            guard dimension != .inFlight else { return }
            let amount = used.amount(of: table.rules[table.entries[place].rule].limit)
            table.count(amount, place, at: moment.now)
        }
    }

    /// Calls `body` with the use of every limit that covers a call. New uses of templates are made.
    mutating func forEachUse(
        of call: borrowing CallScopes, _ tags: inout TagTable, isOfModelAlone: Bool = false,
        _ body: (inout LimitTable, Int) -> Void
    ) {
        guard !isEmpty else { return }
        for scope in 0..<call.scopeCount {
            guard let key = call.scope(at: scope), !isOfModelAlone || key.model != nil else { continue }
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

    /// What a call has used, as far as it is known.
    enum Used {
        /// The call was never sent. All that it took is given back.
        case cancelled
        /// What was estimated, because nothing else is known.
        case estimate
        /// What was reported.
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
            case .told(let need): need.amount(of: rules[entries[entry].rule].limit)
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
        case (_, .assumed): correctAssumed(charge, to: actual, from: estimate, at: now)
        case (_, .released):
            correct(actual, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        case (_, .counted), (_, .held):
            entries[entry].live -= Int128(estimate)
            correct(actual - estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        }
    }

    /// Ends the charges of a call that was never settled, by the rule of each limit. They are remembered for a late
    /// settle.
    ///
    /// - Parameter givesBack: whether all is given back whatever the rules say, because an operator has revoked the
    ///   permit
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
        guard isCharged else { return }
        assume(estimate, entry, countedIn: charges[place].window, at: charges[place].countedAt, now: now)
    }

    /// Gives back what the call of a dead worker no longer needs: its place in flight, and what it holds of limits that
    /// do not deny. The provider may still charge for a call that was sent.
    ///
    /// - Returns: whether it still holds cost or tokens of a limit that denies
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

    func dimension(of charge: Int) -> LimitDimension {
        rules[entries[Int(charges[charge].entry)].rule].limit.dimension
    }

    /// Calls `body` with every charge of a call whose limit is still there.
    mutating func forEachCharge(_ first: Int?, _ body: (inout Self, Int) -> Void) {
        var next = first
        while let charge = next {
            let present = charges[charge]
            next = present.next
            guard isLive(present) else { continue }
            body(&self, charge)
            noteFreed(Int(present.entry))
        }
    }

    /// Notes that a use may have more room than before.
    @inline(__always)
    mutating func noteFreed(_ place: Int) {
        if entries[place].line != Entry.noLine { freed.append(place) }
    }

    /// Whether the use of a charge still exists.
    func isLive(_ charge: LimitCharge) -> Bool {
        let entry = Int(charge.entry)
        return entries.contains(entry) && entries[entry].generation == charge.generation
    }

    /// Restores a charge. What it holds or counts for calls in force follows from the call's estimate.
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

    /// Adds a charge before those of a call. Charges at their beginning whose limit is gone are forgotten, so that a
    /// limit which is set and removed again and again does not leave one each time.
    ///
    /// - Parameter first: the first charge so far
    /// - Returns: the place of the new one
    mutating func insert(_ charge: LimitCharge, before first: Int?) -> Int {
        var charge = charge
        charge.next = first
        var place: Int?
        while let next = charge.next {
            let gone = charges[next]
            if isLive(gone) { break }
            if let place { charges.remove(at: place) }
            place = next
            charge.next = gone.next
        }
        guard let place else { return charges.insert(charge) }
        charges[place] = charge
        return place
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
    /// Whether an estimate is held until settle. Otherwise it counts at the admission.
    var isHeld: Bool { self == .cost || self == .inFlight }
}
