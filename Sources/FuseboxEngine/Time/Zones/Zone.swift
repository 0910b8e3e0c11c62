import FuseboxWire

/// What the clocks of a place have shown and will show: by how much they are ahead of universal time, and when.
///
/// Moments are seconds since the epoch, and readings of a clock are counted in the same way, as if the place were at Greenwich.
public struct Zone: Sendable, Equatable {
    /// The largest offset that a zone may have either way. The database stays within 16 hours.
    static let largestOffset: Int64 = 26 * 3_600

    public let name: ZoneName
    /// When the offset changes, in increasing order; and the offset from there on, as long as the table reaches.
    private let transitions: [Transition]
    /// The offset before the first transition.
    private let first: Int64
    /// What holds from the last transition on; nil if that lasts for ever.
    private let rule: ZoneRule?

    struct Transition: Sendable, Equatable {
        var at: Int64
        var offset: Int64
    }

    /// Universal time.
    public static let utc = Zone(name: .utc, first: 0, transitions: [], rule: nil)

    /// - Parameters:
    ///   - first: the offset before the first transition
    ///   - transitions: in increasing order. Those that change nothing may be among them
    ///   - rule: what holds from the last transition on; if there is none, for all times
    init(name: ZoneName, first: Int64, transitions: [Transition], rule: ZoneRule?) {
        self.name = name
        self.first = first
        self.rule = rule
        var kept: [Transition] = []
        for transition in transitions where transition.offset != kept.last?.offset ?? first { kept.append(transition) }
        // The rule begins where the table ends, be it with a transition that changes nothing.
        if rule != nil, let last = transitions.last, last != kept.last { kept.append(last) }
        self.transitions = kept
    }

    /// A stretch of time with one offset: from `start` to before `end`, which are `Int64.min` and `.max` where it has none.
    struct Span: Equatable {
        var start: Int64
        var end: Int64
        var offset: Int64
    }

    /// A stretch that holds a moment. The offset may be the same in the next one.
    func span(holding moment: Int64) -> Span {
        let following = index(after: moment)
        if following == transitions.count, let rule {
            let start = transitions.last?.at ?? .min
            let span = rule.span(holding: moment)
            return Span(start: max(start, span.start), end: span.end, offset: span.offset)
        }
        let start = following == 0 ? .min : transitions[following - 1].at
        let end = following == transitions.count ? .max : transitions[following].at
        return Span(start: start, end: end, offset: following == 0 ? first : transitions[following - 1].offset)
    }

    /// The index of the first transition after a moment.
    private func index(after moment: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].at <= moment { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first moment at which the clock shows a reading or a later one.
    ///
    /// So a reading that comes twice is the first, and one that is skipped is the first moment after.
    func firstMoment(reading: Int64) -> Int64 {
        // Before that the clock cannot be so far.
        var span = span(holding: reading - Self.largestOffset)
        while true {
            let moment = max(span.start, reading - span.offset)
            if moment < span.end { return moment }
            span = self.span(holding: span.end)
        }
    }
}
