import FuseboxWire

/// The routes that operators have paused.
///
/// Unlike a mark a pause is no claim: nothing but its time and an operator ends it.
struct PauseTable: Sendable {
    /// A pause of a route.
    struct Pause: Sendable, Equatable {
        /// Since when the route is paused.
        var since: Timestamp
        /// The first moment at which it is not in force. Nil: it lasts until it is resumed.
        var until: Timestamp?
        /// The operator who paused it last.
        var user: UInt32
        /// Why, in the operator's words.
        var reason: String

        /// Whether it keeps calls away.
        func isInForce(at now: Timestamp) -> Bool { until.map { now < $0 } ?? true }
    }

    /// A place in the table.
    typealias Place = RouteTable<Pause>.Place

    var table = RouteTable<Pause>()

    /// Whether no route is paused.
    @inline(__always)
    var isEmpty: Bool { table.isEmpty }
    /// The number of pauses.
    var count: Int { table.count }

    /// The pause of a route. Nil if none is in force.
    func pause(_ route: RouteKey, at now: Timestamp) -> Pause? {
        guard let pause = table[route], pause.isInForce(at: now) else { return nil }
        return pause
    }
}
