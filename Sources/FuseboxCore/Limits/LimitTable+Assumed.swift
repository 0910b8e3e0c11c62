import FuseboxCollections
import FuseboxWire

/// What is assumed of calls that were never settled. It is part of what was used until a late settle tells better, or an
/// operator gives it back. It is in no account, so a correction of one does not take it back.
extension LimitTable {
    /// The part of what was used in the current window that is assumed.
    func assumed(_ place: Int, at now: Timestamp) -> Int128 {
        if entries[place].slide != nil {
            return entries[place].assumedSlide.map { slides[$0].used(at: now) } ?? 0
        }
        return isOver(place, at: now) ? 0 : entries[place].assumed
    }

    /// Notes that an estimate is assumed, which counts in the window of this number since a moment; of a negative one that
    /// it is not any more. One that has left the window is not part of it.
    mutating func assume(_ amount: Int64, _ place: Int, countedIn window: UInt32, at then: Timestamp, now: Timestamp) {
        guard amount != 0, window == entries[place].window, !isOver(place, at: now) else { return }
        guard let slide = entries[place].slide else {
            entries[place].assumed += Int128(amount)
            return
        }
        let length = slides[slide].length
        guard now - then < length else { return }
        let assumed = entries[place].assumedSlide ?? slides.insert(SlidingUse(length: length))
        slides[assumed].correct(amount, from: then, at: now)
        entries[place].assumedSlide = assumed
        if slides[assumed].sum == 0 { forgetAssumed(place) }
    }

    /// Forgets what is assumed of a window that is over.
    mutating func forgetAssumed(_ place: Int) {
        entries[place].assumed = 0
        if let slide = entries[place].assumedSlide { slides.remove(at: slide) }
        entries[place].assumedSlide = nil
    }

    /// Gives back what is assumed of a call that was never settled; a late settle counts again.
    mutating func giveBackAssumed(_ first: Int?, estimate: CallNeed, at now: Timestamp) {
        forEachCharge(first) { table, place in
            let charge = table.charges[place]
            guard charge.state == .assumed else { return }
            let amount = estimate[table.dimension(of: place)]
            table.correctAssumed(charge, to: 0, from: amount, at: now)
            table.charges[place].state = .released
        }
    }

    /// Replaces what is assumed of a call by what it has used.
    mutating func correctAssumed(_ charge: LimitCharge, to actual: Int64, from estimate: Int64, at now: Timestamp) {
        let entry = Int(charge.entry)
        assume(-estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
        correct(actual - estimate, entry, countedIn: charge.window, at: charge.countedAt, now: now)
    }
}
