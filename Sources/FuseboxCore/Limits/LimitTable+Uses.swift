import FuseboxCollections
import FuseboxWire

extension LimitTable {
    // MARK: Windows

    /// What was used in the current window of a use, without what is held.
    @inline(__always)
    func used(_ place: Int, at now: Timestamp) -> Int128 {
        if let slide = entries[place].slide { return slides[slide].used(at: now) }
        return isOver(place, at: now) ? 0 : entries[place].used
    }

    /// Whether the window of a use has ended or has not begun.
    @inline(__always)
    func isOver(_ place: Int, at now: Timestamp) -> Bool {
        // A rule is read in place and never copied, because it contains names.
        let rule = entries[place].rule
        switch rules[rule].limit.window.kind {
        case .none, .sliding, .manual, .prepaid, .unknown: return false
        case .fixed:
            guard let start = entries[place].start else { return true }
            return now - start >= rules[rule].limit.window.lengthMilliseconds
        case .calendar:
            guard let calendar = rules[rule].calendar else { return false }
            return calendars[calendar].number != entries[place].calendarWindow
        }
    }

    /// How long the current window of a use still lasts. Nil if the window slides, has not begun or has no end.
    func untilWindowEnds(_ place: Int, at moment: Moment) -> Int64? {
        let rule = entries[place].rule
        switch rules[rule].limit.window.kind {
        case .none, .sliding, .manual, .prepaid, .unknown: return nil
        case .fixed:
            guard let start = entries[place].start, !isOver(place, at: moment.now) else { return nil }
            return max(0, rules[rule].limit.window.lengthMilliseconds - (moment.now - start))
        case .calendar: return untilCalendarEnds(rule, at: moment.wall)
        }
    }

    /// How long the current window of a calendar limit still lasts, used or not. Nil for other limits.
    func untilCalendarEnds(_ rule: Int, at wall: Timestamp) -> Int64? {
        rules[rule].calendar.map { untilEnd(of: $0, at: wall) }
    }

    /// How long the window of a calendar still lasts.
    ///
    /// If the wall clock has passed its end and the next window has not begun, the clock is in doubt. It counts once it
    /// has kept its time.
    private func untilEnd(of calendar: Int, at wall: Timestamp) -> Int64 {
        let left = calendars[calendar].end - wall
        return left > 0 ? left : Bounds.clockDoubtMilliseconds
    }

    /// Begins a new window, because the last one has ended or an operator has reset it. What is held stays.
    mutating func beginWindow(_ place: Int, at now: Timestamp) {
        entries[place].used = 0
        entries[place].dollars = 0
        forgetAssumed(place)
        entries[place].start = now
        entries[place].window &+= 1
        entries[place].fired = .none
        entries[place].firedAt = nil
        entries[place].firedDepletion = .none
        if let calendar = rules[entries[place].rule].calendar {
            entries[place].calendarWindow = calendars[calendar].number
        }
        if let slide = entries[place].slide { slides[slide] = SlidingUse(length: slides[slide].length) }
    }

    /// Counts a use in the current window.
    mutating func count(_ amount: Int64, _ place: Int, at now: Timestamp) {
        guard amount != 0 || profile.windowsBeginUnused else { return }
        // A window begins with its first use.
        if isOver(place, at: now) { beginWindow(place, at: now) }
        if let slide = entries[place].slide {
            slides[slide].add(amount, at: now)
        } else {
            addUse(Int128(amount), place)
        }
        watch(place)
        noteCrossing(place, at: now)
    }

    /// Corrects what was counted in the window of this number at this moment: in that window if it is the current one.
    /// Otherwise what was too much is forgotten, and what was too little counts now.
    mutating func correct(
        _ change: Int64, _ place: Int, countedIn window: UInt32, at then: Timestamp, now: Timestamp
    ) {
        guard change != 0 else { return }
        guard window == entries[place].window, !isOver(place, at: now) else {
            if change > 0 { count(change, place, at: now) }
            return
        }
        if let slide = entries[place].slide {
            slides[slide].correct(change, from: then, at: now)
        } else {
            // It does not go below zero; an import may have left it there.
            addUse(max(Int128(change), min(0, -entries[place].used)), place)
        }
        guard change > 0 else { return }
        watch(place)
        noteCrossing(place, at: now)
    }

    /// Takes an amount back that was counted too much, from the newest use backwards. What is assumed stays.
    mutating func takeBack(_ amount: Int64, _ place: Int, at now: Timestamp) {
        if let slide = entries[place].slide {
            slides[slide].takeBack(amount, keeping: entries[place].assumedSlide.map { slides[$0] }, at: now)
        } else {
            addUse(-min(Int128(amount), max(0, entries[place].used - entries[place].assumed)), place)
        }
    }

    /// Changes what was used in the current window, where that does not slide.
    private mutating func addUse(_ amount: Int128, _ place: Int) {
        entries[place].used += amount
        if profile.reckonsInDollars {
            entries[place].dollars += Money(nanodollars: Int64(clamping: amount)).dollars
        }
    }

    // MARK: Deciding

    /// What stands against a call.
    struct Obstacle: Sendable, Equatable {
        /// How long it lasts by time alone. Nil: for ever.
        var milliseconds: Int64?
        /// Whether the end of other calls can lift it before.
        var isLiftable: Bool
    }

    /// What stands against a call that needs so much of a limit. Nil if nothing does.
    ///
    /// - Parameter place: the use; nil for a template that the tag has not used yet
    func obstacle(_ need: Int64, _ rule: Int, _ place: Int?, at moment: Moment) -> Obstacle? {
        // A call that takes nothing passes a limit that is used up.
        guard need > 0 else { return nil }
        let amount = rules[rule].amount
        guard let place else {
            return need > amount ? Obstacle(milliseconds: nil, isLiftable: false) : nil
        }
        let held = entries[place].held
        let excess = used(place, at: moment.now) + held + Int128(need) - Int128(amount)
        guard excess > 0 else { return nil }
        guard need <= amount else { return Obstacle(milliseconds: nil, isLiftable: false) }
        // What is held or counted for calls in force may be given back when they end.
        let isLiftable = excess - held - entries[place].live <= 0
        if excess - held <= 0 { return Obstacle(milliseconds: 0, isLiftable: true) }
        switch rules[rule].limit.window.kind {
        case .none, .unknown: return Obstacle(milliseconds: 0, isLiftable: true)
        case .manual, .prepaid: return Obstacle(milliseconds: isLiftable ? 0 : nil, isLiftable: isLiftable)
        case .sliding:
            let wait = entries[place].slide.flatMap { slides[$0].wait(untilLeft: excess - held, at: moment.now) }
            return Obstacle(milliseconds: wait, isLiftable: isLiftable)
        case .fixed:
            let length = rules[rule].limit.window.lengthMilliseconds
            let wait = entries[place].start.map { max(0, length - (moment.now - $0)) }
            return Obstacle(milliseconds: wait, isLiftable: isLiftable)
        case .calendar:
            let wait = rules[rule].calendar.map { untilEnd(of: $0, at: moment.wall) }
            return Obstacle(milliseconds: wait, isLiftable: isLiftable)
        }
    }
}
