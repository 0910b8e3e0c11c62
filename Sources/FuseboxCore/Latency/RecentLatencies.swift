import FuseboxWire

/// How long successful calls of each route have taken lately: in the present stretch of five minutes and in the one
/// before it.
///
/// It is no part of a snapshot. After a start from one it begins anew, as after five quiet minutes. So it refers to no
/// name: a route is told by the names themselves, and its numbers only find it.
struct RecentLatencies: Sendable {
    /// How long a stretch is, in milliseconds.
    static let stretch: Int64 = 300_000

    /// The names of a route.
    struct Names: Sendable, Equatable {
        var provider: Name
        var deployment: Name?
        var model: Name?
    }

    /// The figures of calls: from the permit to the end, and to the first token.
    struct Figures: Sendable {
        var duration: Latency?
        var firstToken: Latency?
    }

    /// The times of both kinds in a stretch.
    struct Times: Sendable {
        fileprivate var durations = LatencyHistogram()
        fileprivate var firstTokens = LatencyHistogram()

        fileprivate mutating func add(_ other: borrowing Times) {
            durations.add(other.durations)
            firstTokens.add(other.firstTokens)
        }

        var figures: Figures { Figures(duration: durations.figures, firstToken: firstTokens.figures) }
    }

    /// The times of a route.
    private struct Route: Sendable {
        let provider: NameID
        let names: Names
        /// The number of the stretch of the last call.
        var stretch: Int64
        var current = Times()
        var previous = Times()

        init(_ provider: NameID, _ names: Names, _ stretch: Int64) {
            self.provider = provider
            self.names = names
            self.stretch = stretch
        }

        /// Begins the stretch of a moment.
        mutating func advance(to stretch: Int64) {
            guard stretch != self.stretch else { return }
            previous = stretch == self.stretch + 1 ? current : Times()
            current = Times()
            self.stretch = stretch
        }

        /// Adds what is recent at a moment.
        func addRecent(at stretch: Int64, to times: inout Times) {
            guard stretch <= self.stretch + 1 else { return }
            times.add(current)
            if stretch == self.stretch { times.add(previous) }
        }
    }

    private var routes = RecentRoutes<Route>()

    /// The number of routes.
    var count: Int { routes.count }

    /// Adds a call that has succeeded.
    ///
    /// - Parameters:
    ///   - timing: how long it took, in milliseconds; the first token may not be known
    ///   - route: the numbers of the route, and of its provider
    ///   - names: its names
    ///   - user: who introduces the route, if it is new
    ///   - bounds: how many routes are remembered, of all users and of one
    mutating func add(
        duration: Int64, firstToken: Int64?, of route: ScopeKey, provider: NameID, _ names: Names, by user: UInt32,
        at now: Timestamp, _ bounds: Bounds
    ) {
        let stretch = now.milliseconds / Self.stretch
        let place: Int
        if let found = routes.find(route) {
            place = found
            routes.use(place)
            // The numbers may have been given to other names.
            if routes[place].names == names {
                routes[place].advance(to: stretch)
            } else {
                routes[place] = Route(provider, names, stretch)
            }
        } else {
            _ = routes.makeRoom(for: user, limit: bounds.latencyRoutes, limitPerUser: bounds.latencyRoutesPerUser)
            place = routes.insert(route, by: user, Route(provider, names, stretch))
        }
        routes[place].current.durations.add(duration)
        if let firstToken { routes[place].current.firstTokens.add(firstToken) }
    }

    /// The figures of a route.
    func figures(of route: ScopeKey, _ names: Names, at now: Timestamp) -> Figures {
        guard let place = routes.find(route), routes[place].names == names else { return Figures() }
        return figures(at: place, now)
    }

    /// The figures of all routes of a provider together.
    func figures(ofProvider id: NameID, _ provider: Name, at now: Timestamp) -> Figures {
        var times = Times()
        var slot = routes.next(from: 0)
        while let place = slot {
            if routes[place].provider == id, routes[place].names.provider == provider {
                routes[place].addRecent(at: now.milliseconds / Self.stretch, to: &times)
            }
            slot = routes.next(from: place + 1)
        }
        return times.figures
    }

    /// The first route with recent calls, from a place on: its place, its names and its figures.
    func next(from place: Int, at now: Timestamp) -> (place: Int, names: Names, figures: Figures)? {
        var slot = routes.next(from: place)
        while let place = slot {
            let figures = figures(at: place, now)
            if figures.duration != nil { return (place, routes[place].names, figures) }
            slot = routes.next(from: place + 1)
        }
        return nil
    }

    /// Forgets the routes of a provider.
    mutating func forget(_ provider: Name) {
        var gone: Set<ScopeKey> = []
        routes.forEach { entry, _ in if entry.value.names.provider == provider { gone.insert(entry.route) } }
        if !gone.isEmpty { _ = routes.remove { gone.contains($0) } }
    }

    private func figures(at place: Int, _ now: Timestamp) -> Figures {
        var times = Times()
        routes[place].addRecent(at: now.milliseconds / Self.stretch, to: &times)
        return times.figures
    }
}
