import FuseboxWire

// MARK: Limits

extension StateMachine.Builder {
    /// Adds a calendar of limits.
    ///
    /// - Throws: `damagedData` if it is not a calendar, or comes twice
    mutating func insertCalendar(_ calendar: LimitTable.Calendar) throws(Refusal) {
        guard calendar.window.kind == .calendar, machine.limitTable.findCalendar(calendar.window) == nil else {
            throw Refusal(.damagedData, "the calendar '\(calendar.window)' is not valid or comes twice")
        }
        _ = machine.limitTable.calendars.insert(calendar)
    }

    /// Adds a limit, in the order of their numbers.
    ///
    /// - Throws: `damagedData` if it is out of order, has the identity of another limit, or its calendar is missing;
    ///   `outOfRange`
    mutating func insertLimit(
        number: UInt64, _ scope: Scope, _ limit: Limit, _ raise: LimitTable.Raise?
    ) throws(Refusal) {
        try limit.validate()
        try scope.validate()
        let target = try machine.intern(scope, by: 0)
        let calendar = machine.limitTable.findCalendar(limit.window)
        guard number > lastLimit, number <= machine.limitTable.newestNumber,
            machine.limitTable.findRule(target.key, target.prefix, limit) == nil,
            limit.window.kind != .calendar || calendar != nil
        else {
            throw Refusal(
                .damagedData,
                "the limit \(number), \(limit) on \(scope), is out of order, comes twice or lacks its calendar")
        }
        lastLimit = number
        if let calendar { machine.limitTable.calendars[calendar].references += 1 }
        machine.retainNames(of: target.key)
        let place = machine.limitTable.insert(
            LimitTable.Rule(
                number: number, key: target.key, prefix: target.prefix, limit: limit, raise: raise, calendar: calendar))
        limits[number] = place
    }

    /// Adds what was used of a limit, in the order of their numbers.
    ///
    /// - Throws: `damagedData` if it is out of order, its limit is missing, or it does not match its limit
    mutating func insertLimitUse(_ image: LimitUseImage) throws(Refusal) {
        guard image.generation > lastLimitUse, image.generation <= machine.limitTable.newestGeneration,
            let rule = limits[image.limit]
        else {
            throw Refusal(
                .damagedData, "the use \(image.generation) of the limit \(image.limit) is out of order or has no limit")
        }
        lastLimitUse = image.generation
        let limit = machine.limitTable.rules[rule]
        var key = limit.key
        if let tag = image.tag { key.tag = machine.tags.intern(tag, by: 0) }
        guard (key.tag == nil) == (limit.key.tag == nil && limit.prefix == nil),
            limit.prefix != nil || key == limit.key, machine.limitTable.findEntry(like: limit.limit, in: key) == nil
        else { throw Refusal(.damagedData, "the use \(image.generation) does not match the limit \(image.limit)") }
        for moment in [image.start, image.firedAt] {
            if let moment { try validateMoment(moment, "a moment of a limit's use") }
        }
        var entry = LimitTable.Entry(rule: rule, key: key, generation: image.generation)
        entry.used = Int128(high: image.usedHigh, low: image.usedLow)
        entry.assumed = Int128(high: image.assumedHigh, low: image.assumedLow)
        let bound = Int128(1) << 100
        // Imported refunds can make the use negative.
        guard (-bound..<bound).contains(entry.used), (0..<bound).contains(entry.assumed) else {
            throw Refusal(.damagedData, "the use \(image.generation) of the limit \(image.limit) is out of range")
        }
        if limit.limit.window.kind == .sliding {
            entry.slide = try insertSlide(image.grains, upTo: image.newestGrain, of: limit.limit, image.generation)
            if !image.assumedGrains.isEmpty {
                entry.assumedSlide = try insertSlide(
                    image.assumedGrains, upTo: image.newestAssumedGrain, of: limit.limit, image.generation)
            }
        }
        entry.start = image.start
        entry.window = image.window
        entry.calendarWindow = image.calendarWindow
        entry.fired = image.fired.value
        entry.firedDepletion = image.firedDepletion.value
        entry.dollars = image.dollars ?? 0
        entry.firedAt = image.firedAt
        entry.isDenying = image.isDenying
        entry.wouldHaveDenied = image.wouldHaveDenied
        limitUses[image.generation] = machine.limitTable.insert(entry, &machine.tags)
    }

    /// Adds what was used in a window that slides.
    ///
    /// - Returns: its place
    /// - Throws: `damagedData` if it cannot have been so
    private mutating func insertSlide(
        _ grains: [LimitUseImage.Grain], upTo newest: Int64, of limit: Limit, _ generation: UInt64
    ) throws(Refusal) -> Int {
        let grains = grains.map { ($0.number, $0.amount) }
        guard let slide = SlidingUse(length: limit.window.lengthMilliseconds, newest: newest, grains: grains) else {
            throw Refusal(.damagedData, "the grains of the use \(generation) are not possible")
        }
        return machine.limitTable.slides.insert(slide)
    }

    /// Adds the charges of a permit; what they hold follows from its estimate.
    ///
    /// - Returns: the first
    /// - Throws: `damagedData` if the use of one is missing
    mutating func insertCharges(_ images: [ChargeImage], _ need: CallNeed) throws(Refusal) -> Int? {
        var first: Int?
        for image in images.reversed() {
            guard let entry = limitUses[image.generation] else {
                throw Refusal(.damagedData, "a permit was charged to the use \(image.generation), which is missing")
            }
            try validateMoment(image.countedAt, "the moment of a charge")
            first = machine.limitTable.insert(
                LimitCharge(
                    entry: UInt32(entry), generation: image.generation, window: image.window, state: image.state.value,
                    countedAt: image.countedAt, next: first),
                need)
        }
        return first
    }

    /// Sets the numbers of limits and uses that were ever made, before any is added.
    ///
    /// - Throws: `damagedData` for numbers that no daemon reaches
    mutating func setLimitCounters(limits: UInt64, uses: UInt64) throws(Refusal) {
        // A million a second for a hundred thousand years.
        guard limits < 1 << 62, uses < 1 << 62 else {
            throw Refusal(.damagedData, "\(limits) limits with \(uses) uses are more than any daemon makes")
        }
        machine.limitTable.newestNumber = limits
        machine.limitTable.newestGeneration = uses
    }
}
