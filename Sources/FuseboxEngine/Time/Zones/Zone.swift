import FuseboxWire

/// A time zone: its offset from universal time at every moment.
///
/// Moments are seconds since the epoch. A reading of the zone's clock is in seconds too: the moment plus the offset.
package struct Zone: Sendable, Equatable {
    /// The largest offset that a zone may have, in seconds either way. Those of the database are within 16 hours.
    static let largestOffset: Int64 = 26 * 3_600

    /// The zone's name.
    package let name: ZoneName
    /// The changes of the offset that the file lists, in increasing order.
    private let transitions: [Transition]
    /// The offset before the first transition.
    private let first: Int64
    /// The rule from the last transition on. Nil if the offset does not change any more.
    private let rule: ZoneRule?

    struct Transition: Sendable, Equatable {
        var at: Int64
        /// The offset from that moment on.
        var offset: Int64
    }

    /// Universal time.
    package static let utc = Zone(name: .utc, first: 0, transitions: [], rule: nil)

    /// A zone from the contents of its file.
    ///
    /// - Parameters:
    ///   - first: the offset before the first transition
    ///   - transitions: in increasing order; they may include transitions that change nothing
    ///   - rule: the rule from the last transition on, or at all times if there is no transition
    init(name: ZoneName, first: Int64, transitions: [Transition], rule: ZoneRule?) {
        self.name = name
        self.first = first
        self.rule = rule
        var kept: [Transition] = []
        for transition in transitions where transition.offset != kept.last?.offset ?? first { kept.append(transition) }
        // The rule begins with the last transition, even if that transition changes nothing.
        if rule != nil, let last = transitions.last, last != kept.last { kept.append(last) }
        self.transitions = kept
    }

    /// A period with one offset, from `start` to before `end`. `Int64.min` and `.max` stand for no start and no end.
    struct Span: Equatable {
        var start: Int64
        var end: Int64
        var offset: Int64
    }

    /// A span that contains a moment. The next one may have the same offset.
    func span(containing moment: Int64) -> Span {
        let following = index(after: moment)
        if following == transitions.count, let rule {
            let start = transitions.last?.at ?? .min
            let span = rule.span(containing: moment)
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

    /// The first moment at which the clock shows this reading or a later one.
    ///
    /// If a reading comes twice, this is the first of the two. If it is skipped, this is the first moment after the
    /// change.
    func firstMoment(reading: Int64) -> Int64 {
        // No offset is larger, so the clock shows an earlier reading before that.
        var span = span(containing: reading - Self.largestOffset)
        while true {
            let moment = max(span.start, reading - span.offset)
            if moment < span.end { return moment }
            span = self.span(containing: span.end)
        }
    }
}
