import FuseboxCollections
import FuseboxWire

/// The scope of a limit or an account, by the numbers of its names.
struct ScopeKey: Sendable, Hashable {
    /// The provider, or the deployment, whose name stands below its provider's. Nil: any.
    var place: NameID?
    var model: ModelID?
    var tag: TagID?

    static let host = ScopeKey()

    init(place: NameID? = nil, model: ModelID? = nil, tag: TagID? = nil) {
        self.place = place
        self.model = model
        self.tag = tag
    }

    /// The parts that the scope names, a bit each.
    var shape: Int { (place == nil ? 0 : 1) | (model == nil ? 0 : Self.modelBit) | (tag == nil ? 0 : 4) }
    static let modelBit = 2

    /// A hash for `HashIndex`. The table of names gives the numbers one after the other, so no caller can choose
    /// numbers that collide.
    var hash: Int {
        Int(truncatingIfNeeded: Self.mix(Self.mix(Self.mix(0, place?.index), model?.index), tag?.index))
    }

    private static func mix(_ hash: UInt64, _ number: Int?) -> UInt64 {
        let product = (hash ^ UInt64(truncatingIfNeeded: number ?? -1)) &* 0x9E37_79B9_7F4A_7C15
        return product ^ product >> 29
    }
}

/// All limits: as they were set, and what the calls of each scope have used of them.
///
/// A limit on a tag that ends in `*` is a template. It stands for each tag with this prefix. Each such tag has a use of
/// its own, which begins with its first call. A limit on the tag itself, or on a longer prefix, replaces the template's
/// limit of the same dimension and window.
struct LimitTable: Sendable {
    /// A limit as it was set.
    struct Rule: Sendable {
        /// Counts the limits that were set: their order.
        var number: UInt64
        /// The scope. That of a template is stored without its tag.
        var key: ScopeKey
        /// For a template, the prefix of the tags that it stands for.
        var prefix: Name?
        var limit: Limit
        /// An amount that holds for a while instead.
        var raise: Raise?
        /// For a calendar window, the place of its calendar.
        var calendar: Int?
        /// How many scopes have used it.
        var uses = 0

        /// The amount in force.
        var amount: Int64 { max(limit.amount, raise?.amount ?? 0) }
    }

    /// A higher amount for a while.
    struct Raise: Sendable, Equatable {
        var amount: Int64
        /// On the steady clock.
        var until: Timestamp
    }

    /// The use of a limit by the calls of one scope.
    ///
    /// Requests and tokens count when a call is admitted. Cost is held then, and counts when the call is settled. Calls
    /// in flight are only held.
    struct Entry: Sendable {
        /// The place of the limit.
        var rule: Int
        var key: ScopeKey
        /// The generation. It differs for each entry that was ever at this place.
        var generation: UInt64
        /// What was used in the current window, unless the window slides. It is wider than an amount, because a limit
        /// that does not deny can be exceeded by far.
        var used: Int128 = 0
        /// The place of the `SlidingUse`, if the window slides.
        var slide: Int?
        /// When the current window began, on the steady clock. Nil if nothing was used of a fixed window yet.
        var start: Timestamp?
        /// The number of the current window. A correction of an earlier window does not change it.
        var window: UInt32 = 0
        /// The number of the calendar's window that `used` belongs to.
        var calendarWindow: UInt32 = 0
        /// What is held: estimates of cost, or calls in flight.
        var held: Int128 = 0
        /// The part of what was used that consists of estimates of calls in force. It may be given back when they end.
        var live: Int128 = 0
        /// The part of what was used in the current window that is assumed of calls that were never settled, where the window
        /// does not slide.
        var assumed: Int128 = 0
        /// The place of that part, where the window slides; nil: there is none.
        var assumedSlide: Int?
        /// What was used as a sum of doubles, in dollars, where the profile reckons in them.
        var dollars = 0.0
        /// The highest threshold that has fired in the current window, and when.
        var fired: ThresholdTier = .none
        var firedAt: Timestamp?
        /// The nearest depletion tier that has fired in the current window.
        var firedDepletion: DepletionTier = .none
        /// Whether it is among `modelUses`.
        var isWatched = false
        /// Whether the last call that asked was denied.
        var isDenying = false
        /// The number of calls that a shadow limit would have denied.
        var wouldHaveDenied: UInt64 = 0
        /// The line of calls that wait for it; see `WaitQueue`. It is not part of the state.
        var line: UInt32 = Self.noLine

        static let noLine = UInt32.max
    }

    /// The uses of one scope.
    private struct ScopeEntry: Sendable {
        var key: ScopeKey
        var uses = Chain()
    }

    /// A division of the calendar, and its current window.
    struct Calendar: Sendable, Equatable {
        var window: LimitWindow
        /// The number of its current window.
        var number: UInt32 = 0
        /// On the wall clock.
        var start: Timestamp
        var end: Timestamp
        /// How many limits go by it.
        var references = 0
    }

    /// The semantics in force.
    var profile: Profile = .fusebox
    var rules = SlotTable<Rule>()
    var calendars = SlotTable<Calendar>()
    var charges = SlotTable<LimitCharge>()
    var entries = SlotTable<Entry>()
    var slides = SlotTable<SlidingUse>()
    /// The limits in the order in which they were set first.
    private(set) var ruleOrder = NumberedPlaces()
    /// The uses in the order in which they began.
    private(set) var useOrder = NumberedPlaces()
    private var scopes = SlotTable<ScopeEntry>()
    private var scopeIndex = HashIndex()
    private var links = ChainLinks()
    /// The uses of limits on models that may be used up: what a call that names no model meets.
    var modelUses = ModelUses()
    /// How many scopes there are of each shape: what is not there is not looked for.
    private var shapes = InlineArray<8, Int>(repeating: 0)
    /// The templates, those with the longest prefix first.
    var templates: [Int] = []
    /// The newest generation of a use.
    var newestGeneration: UInt64 = 0
    /// The newest number of a limit.
    var newestNumber: UInt64 = 0
    /// The uses with a line of waiting calls that may have more room than before. It is not part of the state.
    var freed: [Int] = []
    /// Thresholds that were reached and not reported yet.
    var crossings: [Crossing] = []
    private let passedByAddress = PassedByAddress()

    init() {}

    /// Whether there is no limit.
    var isEmpty: Bool { rules.isEmpty }

    /// Whether there are uses of limits on models.
    var hasModels: Bool { shapes.indices.contains { $0 & ScopeKey.modelBit != 0 && shapes[$0] > 0 } }

    // MARK: Limits

    /// Restores a limit, as the newest.
    mutating func insert(_ rule: Rule) -> Int {
        let place = rules.insert(rule)
        ruleOrder.append(place, number: rule.number)
        guard let prefix = rule.prefix else { return place }
        let longer = templates.prefix { (rules[$0].prefix?.count ?? 0) >= prefix.count }
        templates.insert(place, at: longer.count)
        return place
    }

    /// Removes a limit that has no uses and is not listed as a template.
    mutating func removeRule(_ place: Int) {
        ruleOrder.remove(number: rules[place].number)
        rules.remove(at: place)
    }

    // MARK: Scopes

    /// The place of a scope that has uses.
    @inline(__always)
    func findScope(_ key: ScopeKey) -> Int? {
        guard shapes[key.shape] > 0 else { return nil }
        return scopeIndex.find(key.hash) { scopes[$0].key == key }
    }

    /// The oldest use of a scope.
    @inline(__always)
    func firstEntry(ofScope scope: Int) -> Int? { scopes[scope].uses.first }

    /// The next use of the same scope.
    @inline(__always)
    func nextEntry(after place: Int) -> Int? { links.next(after: place) }

    private mutating func scope(_ key: ScopeKey) -> Int {
        if let known = findScope(key) { return known }
        let place = scopes.insert(ScopeEntry(key: key))
        scopeIndex.insert(place, hash: key.hash)
        shapes[key.shape] += 1
        return place
    }

    /// Makes the use of a limit by a scope.
    mutating func addEntry(of rule: Int, _ key: ScopeKey, _ tags: inout TagTable) -> Int {
        newestGeneration += 1
        var entry = Entry(rule: rule, key: key, generation: newestGeneration)
        let window = rules[rule].limit.window
        if window.kind == .sliding { entry.slide = slides.insert(SlidingUse(length: window.lengthMilliseconds)) }
        return insert(entry, &tags)
    }

    /// Restores a use, as the newest of its scope.
    mutating func insert(_ entry: Entry, _ tags: inout TagTable) -> Int {
        let scope = scope(entry.key)
        if let tag = entry.key.tag { tags.retain(tag) }
        let place = entries.insert(entry)
        useOrder.append(place, number: entry.generation)
        scopes[scope].uses.append(place, &links)
        watch(place)
        rules[entry.rule].uses += 1
        return place
    }

    /// Removes the use of a limit by a scope.
    mutating func removeEntry(_ place: Int, _ tags: inout TagTable) {
        let key = entries[place].key
        guard let scope = findScope(key) else { preconditionFailure("a use has its scope") }
        scopes[scope].uses.remove(place, &links)
        endWatch(place)
        if let slide = entries[place].slide { slides.remove(at: slide) }
        forgetAssumed(place)
        rules[entries[place].rule].uses -= 1
        useOrder.remove(number: entries[place].generation)
        entries.remove(at: place)
        if let tag = key.tag { tags.release(tag) }
        guard scopes[scope].uses.isEmpty else { return }
        scopeIndex.remove(scope, hash: key.hash)
        scopes.remove(at: scope)
        shapes[key.shape] -= 1
    }

    /// The use of a limit with this identity by a scope.
    func findEntry(like limit: Limit, in key: ScopeKey) -> Int? {
        findEntry(in: key) { rules[$0].limit.isSame(as: limit) }
    }

    /// The use by a scope of the limit at a place, or of one with the same identity.
    func findEntry(ofOneLike rule: Int, in key: ScopeKey) -> Int? {
        findEntry(in: key) { $0 == rule || rules[$0].limit.isSame(as: rules[rule].limit) }
    }

    @inline(__always)
    private func findEntry(in key: ScopeKey, where isWanted: (_ rule: Int) -> Bool) -> Int? {
        guard let scope = findScope(key) else { return nil }
        var place = firstEntry(ofScope: scope)
        while let found = place {
            if isWanted(entries[found].rule) { return found }
            place = nextEntry(after: found)
        }
        return nil
    }

    /// The use of a limit by the scope that it was set on. Nil for a template.
    func ownEntry(of rule: Rule) -> Int? {
        rule.prefix == nil ? findEntry(like: rule.limit, in: rule.key) : nil
    }

    /// Calls `body` with the place of each use of a scope.
    func forEachEntry(of key: ScopeKey, _ body: (Int) -> Void) {
        guard let scope = findScope(key) else { return }
        scopes[scope].uses.forEach(links, body)
    }
}

extension LimitTable {
    /// The same limits, uses and charges with other numbers for their names.
    func renamed(_ rename: (ScopeKey) -> ScopeKey) -> LimitTable {
        var table = self
        table.scopes = SlotTable()
        table.scopeIndex = HashIndex()
        table.links = ChainLinks()
        table.modelUses = ModelUses()
        table.shapes = InlineArray(repeating: 0)
        // In the order in which they were set, because places differ after a restart and new names are numbered in
        // turn.
        ruleOrder.forEach { place in
            table.rules[place].key = rename(rules[place].key)
            return true
        }
        // Scope by scope, so that the uses of each stay in their order.
        scopes.forEachSlot { scope in
            scopes[scope].uses.forEach(links) { place in
                table.entries[place].key = rename(entries[place].key)
                let scope = table.scope(table.entries[place].key)
                table.scopes[scope].uses.append(place, &table.links)
            }
        }
        useOrder.forEach { place in
            table.entries[place].isWatched = false
            table.watch(place)
            return true
        }
        return table
    }
}
