import FuseboxCollections
import FuseboxWire

/// How limits come, change and go.
extension LimitTable {
    // MARK: Setting

    /// The place of the limit with this identity.
    ///
    /// - Parameter prefix: of a template
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
    /// Where it stands in a template's place from now on, it takes over what the tag has used.
    ///
    /// The calendar of a calendar window must have been told before.
    ///
    /// - Returns: its place, and the limit before; nil: it is new
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

    private func uses(of rule: Int) -> [Int] { uses { $0.rule == rule } }

    /// The places of uses, in the order in which these began. After a restart they have other places, and the order of events
    /// and of tags that come free must be the same.
    private func uses(where isWanted: (Entry) -> Bool) -> [Int] {
        var places: [Int] = []
        useOrder.forEach { place in
            if isWanted(entries[place]) { places.append(place) }
            return true
        }
        return places
    }

    /// - Parameter now: until then the use went by its old rule
    private mutating func setRule(of entry: Int, _ rule: Int, at now: Timestamp) {
        dropEndedWindow(entry, at: now)
        rules[entries[entry].rule].uses -= 1
        entries[entry].rule = rule
        rules[rule].uses += 1
    }

    /// Lets what was used count in the window that holds now by a changed rule.
    private mutating func keepUses(of rule: Int, at now: Timestamp) {
        for use in uses(of: rule) { keepUse(use, at: now) }
    }

    /// Forgets what was used in a window of the calendar that has ended. It must not count in one that holds now by a
    /// changed rule.
    private mutating func dropEndedWindow(_ place: Int, at now: Timestamp) {
        guard rules[entries[place].rule].calendar != nil, isOver(place, at: now) else { return }
        beginWindow(place, at: now)
    }

    private mutating func keepUse(_ place: Int, at now: Timestamp) {
        if let calendar = rules[entries[place].rule].calendar {
            entries[place].calendarWindow = calendars[calendar].number
        }
        rearm(place, at: now)
    }

    /// Removes a limit with its uses. Where a template covers its tag, that goes on with what the tag has used.
    mutating func remove(_ rule: Int, _ tags: inout TagTable, at now: Timestamp) {
        let removed = rules[rule]
        templates.removeAll { $0 == rule }
        for use in uses(of: rule) {
            let heir = entries[use].key.tag.flatMap { tag in
                templates(for: tags[tag]).first {
                    rules[$0].key == removed.key.withoutTag && rules[$0].limit.isSame(as: removed.limit)
                }
            }
            if let heir {
                setRule(of: use, heir, at: now)
                keepUse(use, at: now)
            } else {
                removeEntry(use, &tags)
            }
        }
        removeRule(rule)
        if let calendar = removed.calendar { release(calendar) }
    }

    /// The templates that cover a tag: of those with one identity the one with the longest prefix.
    func templates(for tag: Name) -> [Int] {
        var covering: [Int] = []
        for template in templates {
            guard let prefix = rules[template].prefix, tag.hasPrefix(prefix) else { continue }
            let isReplaced = covering.contains {
                rules[$0].key == rules[template].key && rules[$0].limit.isSame(as: rules[template].limit)
            }
            if !isReplaced { covering.append(template) }
        }
        return covering
    }

    /// Lets the uses that a changed set of templates covers go by the template that is theirs now.
    mutating func reassignUses(_ tags: borrowing TagTable, at now: Timestamp) {
        for place in uses(where: { rules[$0.rule].prefix != nil }) {
            let rule = entries[place].rule
            guard let tag = entries[place].key.tag else { continue }
            let heir = tags.templates(of: tag).first {
                rules[$0].key == rules[rule].key && rules[$0].limit.isSame(as: rules[rule].limit)
            }
            guard let heir, heir != rule else { continue }
            setRule(of: place, heir, at: now)
            keepUse(place, at: now)
        }
    }

    // MARK: Calendars

    /// The place of a calendar that was told.
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

    /// A window of a calendar begins: every use of limits by it counts anew, unless it is kept.
    mutating func begin(_ window: LimitWindow, start: Timestamp, end: Timestamp, keepsUse: Bool) {
        if let known = findCalendar(window) {
            if !keepsUse { calendars[known].number &+= 1 }
            calendars[known].start = start
            calendars[known].end = end
            return
        }
        _ = calendars.insert(Calendar(window: window, start: start, end: end))
    }

    /// Forgets the calendars that no limit goes by: those of a request that was then refused.
    mutating func forgetIdleCalendars() {
        var idle: [Int] = []
        calendars.forEachSlot { if calendars[$0].references == 0 { idle.append($0) } }
        for place in idle { calendars.remove(at: place) }
    }

    // MARK: Past use

    /// Lets a new use count what its scope has used before.
    ///
    /// - Parameters:
    ///   - replacesCounted: whether `past` holds what was counted of calls in force too
    ///   - dollars: the past as a sum of doubles; nil: the exact sum
    mutating func beginUse(_ place: Int, past: Int64, replacesCounted: Bool, dollars: Double?) {
        entries[place].used = Int128(past) + (replacesCounted ? 0 : entries[place].used)
        entries[place].dollars = dollars ?? Money(nanodollars: past).dollars
        if let calendar = rules[entries[place].rule].calendar {
            entries[place].calendarWindow = calendars[calendar].number
        }
    }

    /// Counts a past use of a limit whose window slides.
    mutating func countPast(_ amount: Int64, _ place: Int, at then: Timestamp, now: Timestamp) {
        guard let slide = entries[place].slide, amount > 0 else { return }
        slides[slide].correct(amount, from: then, at: now)
    }

    /// Forgets what was counted in a window that slides.
    mutating func clearSlide(_ place: Int) {
        if let slide = entries[place].slide { slides[slide] = SlidingUse(length: slides[slide].length) }
    }

    /// Sets what was used of a limit.
    mutating func setUse(_ place: Int, used: Int64, dollars: Double, start: Timestamp?) {
        entries[place].used = Int128(used)
        entries[place].dollars = dollars
        entries[place].start = start
    }

    /// Lets a use stand as one of another table does. What calls in force hold here stays.
    mutating func beginUse(_ place: Int, as other: Entry) {
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

    /// Lets a higher amount hold for a while.
    mutating func raise(_ rule: Int, _ raise: Raise?, at now: Timestamp) {
        rules[rule].raise = raise
        for use in uses(of: rule) { rearm(use, at: now) }
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

    /// What was used of a limit over its amount; 0 where the amount is.
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

    /// Notes the threshold that the newest use of a limit has crossed, once per window; of a sliding one once per its length.
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

    /// Notes the threshold that a use has reached as told.
    mutating func deriveFired(_ place: Int, at now: Timestamp) { entries[place].fired = reached(place, at: now) }

    /// Arms again the thresholds that a changed amount leaves unreached, and notes those that it reaches.
    mutating func rearm(_ place: Int, at now: Timestamp) {
        guard profile.rearmsThresholds else { return }
        let tier = reached(place, at: now)
        if tier.rawValue < entries[place].fired.rawValue { entries[place].fired = tier }
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
