import FuseboxCollections
import FuseboxWire

/// How limits are set, changed and removed.
extension LimitTable {
    // MARK: Setting

    /// The place of the limit with this identity.
    ///
    /// - Parameter prefix: the prefix of a template
    func findRule(_ key: ScopeKey, _ prefix: Name?, _ limit: Limit) -> Int? {
        if let prefix {
            return templates.first {
                rules[$0].prefix == prefix && rules[$0].key == key && rules[$0].limit.isSame(as: limit)
            }
        }
        guard let entry = findEntry(like: limit, in: key) else { return nil }
        let rule = entries[entry].rule
        return rules[rule].prefix == nil ? rule : nil
    }

    /// Sets a limit: changes the one with this identity, which keeps its use, or adds it.
    ///
    /// A limit that replaces a template takes over what the tag has used.
    ///
    /// The calendar of a calendar window must be known.
    ///
    /// - Returns: its place, and the limit as it was before, which is nil for a new one
    mutating func set(
        _ key: ScopeKey, _ prefix: Name?, _ limit: Limit, _ tags: inout TagTable, at now: Timestamp
    ) -> (rule: Int, before: Limit?) {
        if let known = findRule(key, prefix, limit) {
            let before = rules[known]
            for use in uses(of: known) { dropEndedWindow(use, at: now) }
            rules[known].limit = limit
            rules[known].calendar = retainCalendar(of: limit)
            if let calendar = before.calendar { release(calendar) }
            keepUses(of: known, at: now)
            return (known, before.limit)
        }
        newestNumber += 1
        let rule = insert(
            Rule(number: newestNumber, key: key, prefix: prefix, limit: limit, calendar: retainCalendar(of: limit)))
        if prefix != nil { return (rule, nil) }
        if let entry = findEntry(like: limit, in: key) {
            setRule(of: entry, rule, at: now)
            keepUse(entry, at: now)
        } else {
            let entry = addEntry(of: rule, key, &tags)
            if profile.windowsBeginUnused || limit.window.kind == .manual { entries[entry].start = now }
        }
        return (rule, nil)
    }

    private func uses(of rule: Int) -> [Int] { uses { entries[$0].rule == rule } }

    /// The places of uses, in the order in which these began. Places differ after a restart, but the order of events
    /// and of freed tags must not.
    private func uses(where isWanted: (Int) -> Bool) -> [Int] {
        var places: [Int] = []
        useOrder.forEach { place in
            if isWanted(place) { places.append(place) }
            return true
        }
        return places
    }

    /// - Parameter now: the moment until which the use followed its old rule
    private mutating func setRule(of entry: Int, _ rule: Int, at now: Timestamp) {
        dropEndedWindow(entry, at: now)
        rules[entries[entry].rule].uses -= 1
        entries[entry].rule = rule
        rules[rule].uses += 1
    }

    /// Counts what was used in the current window of a changed rule.
    private mutating func keepUses(of rule: Int, at now: Timestamp) {
        for use in uses(of: rule) { keepUse(use, at: now) }
    }

    /// Forgets what was used in a calendar window that has ended. It must not count in the current window of a changed
    /// rule.
    private mutating func dropEndedWindow(_ place: Int, at now: Timestamp) {
        guard rules[entries[place].rule].calendar != nil, isOver(place, at: now) else { return }
        beginWindow(place, at: now)
    }

    private mutating func keepUse(_ place: Int, at now: Timestamp) {
        if let calendar = rules[entries[place].rule].calendar {
            entries[place].calendarWindow = calendars[calendar].number
        }
        watch(place)
        rearm(place, at: now)
    }

    /// Removes a limit with its uses. A template that covers its tag takes over what the tag has used.
    mutating func remove(_ rule: Int, _ tags: inout TagTable, at now: Timestamp) {
        let removed = rules[rule]
        templates.removeAll { $0 == rule }
        // Those of longer prefixes come first.
        let heirs = templates.filter {
            rules[$0].key == removed.key.withoutTag && rules[$0].limit.isSame(as: removed.limit)
        }
        for use in uses(of: rule) {
            if let tag = entries[use].key.tag, let heir = heirs.first(where: { covers($0, tags[tag]) }) {
                setRule(of: use, heir, at: now)
                keepUse(use, at: now)
            } else {
                removeEntry(use, &tags)
            }
        }
        removeRule(rule)
        if let calendar = removed.calendar { release(calendar) }
    }

    /// Removes what a tag has used, of whatever limit.
    mutating func removeUses(of tag: TagID, _ tags: inout TagTable) {
        for use in uses(where: { entries[$0].key.tag == tag }) { removeEntry(use, &tags) }
    }

    /// Whether a template stands for a tag.
    private func covers(_ template: Int, _ tag: Name) -> Bool {
        rules[template].prefix.map { tag.hasPrefix($0) } ?? false
    }

    /// The templates that cover a tag. Of templates with the same identity only the one with the longest prefix counts.
    func templates(for tag: Name) -> [Int] {
        var covering: [Int] = []
        for template in templates {
            guard covers(template, tag) else { continue }
            if !covering.contains(where: { isSame($0, template) }) { covering.append(template) }
        }
        return covering
    }

    /// Whether two templates bound the same for the same routes.
    private func isSame(_ template: Int, _ other: Int) -> Bool {
        rules[template].key == rules[other].key && rules[template].limit.isSame(as: rules[other].limit)
    }

    /// Assigns the uses of other templates that new ones cover to the template that applies now.
    mutating func reassignUses(to new: [Int], _ tags: borrowing TagTable, at now: Timestamp) {
        let others = templates.filter { other in new.contains { $0 != other && isSame($0, other) } }
        guard !others.isEmpty else { return }
        for place in uses(where: { others.contains(entries[$0].rule) }) {
            let rule = entries[place].rule
            guard let tag = entries[place].key.tag,
                let heir = tags.templates(of: tag).first(where: { isSame($0, rule) }),
                heir != rule
            else { continue }
            setRule(of: place, heir, at: now)
            keepUse(place, at: now)
        }
    }

    // MARK: Calendars

    /// The place of a calendar.
    func findCalendar(_ window: LimitWindow) -> Int? {
        guard window.kind == .calendar else { return nil }
        var known: Int?
        calendars.forEachSlot { if calendars[$0].window.isSameCalendar(as: window) { known = $0 } }
        return known
    }

    private mutating func retainCalendar(of limit: Limit) -> Int? {
        guard let place = findCalendar(limit.window) else {
            precondition(limit.window.kind != .calendar, "a calendar is told before a limit goes by it")
            return nil
        }
        calendars[place].references += 1
        return place
    }

    private mutating func release(_ place: Int) {
        calendars[place].references -= 1
        if calendars[place].references == 0 { calendars.remove(at: place) }
    }

    /// Begins a window of a calendar. Every use of a limit with this calendar counts anew, unless the uses are kept.
    mutating func begin(_ window: LimitWindow, start: Timestamp, end: Timestamp, keepsUse: Bool) {
        if let known = findCalendar(window) {
            if !keepsUse { calendars[known].number &+= 1 }
            calendars[known].start = start
            calendars[known].end = end
            return
        }
        _ = calendars.insert(Calendar(window: window, start: start, end: end))
    }

    /// Forgets the calendars that no limit uses, such as those of a request that was refused.
    mutating func forgetIdleCalendars() {
        var idle: [Int] = []
        calendars.forEachSlot { if calendars[$0].references == 0 { idle.append($0) } }
        for place in idle { calendars.remove(at: place) }
    }

    // MARK: Past use

    /// Adds to a new use what its scope has used before.
    ///
    /// - Parameter dollars: the past as a sum of doubles; nil: the exact sum
    mutating func beginUse(_ place: Int, past: Int64, dollars: Double?) {
        watch(place)
        entries[place].used += Int128(past)
        entries[place].dollars += dollars ?? Money(nanodollars: past).dollars
        if let calendar = rules[entries[place].rule].calendar {
            entries[place].calendarWindow = calendars[calendar].number
        }
    }

    /// Counts the past use of a limit whose window slides.
    ///
    /// - Parameter past: what the account of its scope has used lately
    mutating func countPast(_ past: RecentUse, in recents: borrowing RecentUsePool, _ place: Int, at moment: Moment) {
        guard let slide = entries[place].slide else { return }
        watch(place)
        slides[slide].add(past, of: rules[entries[place].rule].limit.dimension, in: recents, at: moment)
    }

    /// Sets what was used of a limit.
    mutating func setUse(_ place: Int, used: Int64, dollars: Double, start: Timestamp?) {
        watch(place)
        entries[place].used = Int128(used)
        entries[place].dollars = dollars
        entries[place].start = start
    }

    /// Copies a use of another table. What calls in force hold here stays.
    mutating func beginUse(_ place: Int, as other: Entry) {
        watch(place)
        entries[place].used = other.used
        entries[place].dollars = other.dollars
        entries[place].start = other.start
        entries[place].fired = other.fired
        entries[place].firedAt = other.firedAt
        entries[place].firedDepletion = other.firedDepletion
    }

    /// Sets the sums of doubles to the exact sums.
    mutating func beginDollars() {
        entries.forEachSlot { place in
            entries[place].dollars = Money(nanodollars: Int64(clamping: entries[place].used)).dollars
        }
    }

    // MARK: Raising

    /// Raises the amount for a while.
    mutating func raise(_ rule: Int, _ raise: Raise?, at now: Timestamp) {
        rules[rule].raise = raise
        for use in uses(of: rule) {
            watch(use)
            rearm(use, at: now)
        }
    }

    // MARK: Thresholds

    /// A threshold of a limit that its use has reached.
    struct Crossing: Sendable, Equatable {
        /// The place of the use.
        var entry: Int
        var tier: ThresholdTier
    }

    /// The highest threshold that a use has reached.
    @inline(__always)
    private func reached(_ place: Int, at now: Timestamp) -> ThresholdTier {
        let rule = entries[place].rule
        guard rules[rule].amount > 0, let thresholds = rules[rule].limit.tellingThresholds else { return .none }
        return thresholds.tier(at: share(place, at: now))
    }

    /// What was used of a limit, divided by its amount. 0 if the amount is 0.
    @inline(__always)
    func share(_ place: Int, at now: Timestamp) -> Double {
        let rule = entries[place].rule
        let amount = rules[rule].amount
        guard amount > 0 else { return 0 }
        if profile.reckonsInDollars, rules[rule].limit.dimension == .cost, entries[place].slide == nil {
            return isOver(place, at: now) ? 0 : entries[place].dollars / Money(nanodollars: amount).dollars
        }
        let used = used(place, at: now)
        // A conversion of 64 bits is quick, and nearly all fit.
        return (Int64(exactly: used).map(Double.init) ?? Double(used)) / Double(amount)
    }

    /// Notes the threshold that the newest use of a limit has crossed: once per window, or once per length of a sliding
    /// one.
    mutating func noteCrossing(_ place: Int, at now: Timestamp) {
        let rule = entries[place].rule
        if rules[rule].limit.window.kind == .sliding, let firedAt = entries[place].firedAt,
            now - firedAt >= rules[rule].limit.window.lengthMilliseconds
        {
            entries[place].fired = .none
        }
        let tier = reached(place, at: now)
        guard tier.rawValue > entries[place].fired.rawValue else { return }
        entries[place].fired = tier
        entries[place].firedAt = now
        crossings.append(Crossing(entry: place, tier: tier))
    }

    /// Marks the threshold that a use has reached as reported.
    mutating func deriveFired(_ place: Int, at now: Timestamp) { entries[place].fired = reached(place, at: now) }

    /// Rearms the thresholds that a changed amount leaves unreached, and notes those that it reaches.
    mutating func rearm(_ place: Int, at now: Timestamp) {
        guard profile.rearmsThresholds else { return }
        if entries[place].fired != .none {
            let tier = reached(place, at: now)
            if tier.rawValue < entries[place].fired.rawValue { entries[place].fired = tier }
        }
        noteCrossing(place, at: now)
    }
}

extension ScopeKey {
    /// The same route for every tag.
    var withoutTag: ScopeKey { ScopeKey(place: place, model: model) }
}

extension LimitWindow {
    /// Whether two windows have the same boundaries.
    func isSameCalendar(as other: LimitWindow) -> Bool {
        isSame(as: other) && anchorDay == other.anchorDay && anchorMonth == other.anchorMonth
            && (zone == other.zone || (zone?.text ?? ZoneName.utc.text) == (other.zone?.text ?? ZoneName.utc.text))
    }
}

extension Limit {
    /// The thresholds that are told: those that were set; else those of a limit of cost, or of a day and more.
    @inline(__always)
    fileprivate var tellingThresholds: Thresholds? {
        if let thresholds { return thresholds }
        let tells =
            switch window.kind {
            case .none, .unknown: false
            case .sliding, .fixed: dimension == .cost || window.lengthMilliseconds >= 86_400_000
            case .calendar: dimension == .cost || window.unit != .hour
            case .manual, .prepaid: true
            }
        return tells ? Thresholds() : nil
    }
}
