import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// The bounds on the connections and the memory of each user, and on those of all users.
///
/// Some connections are reserved for operators, to whom the bounds on one user do not apply. Connections that have not
/// said hello have a bound of their own. At that bound the oldest of them is closed for a new connection. Sessions are
/// numbers, and users get small numbers. The value is not copyable, because a copy in each turn would cost time.
struct UserQuotas: ~Copyable {
    /// The decision about a new connection.
    enum Arrival: Equatable {
        case accepted
        /// The connection is accepted after this session is closed, which has not said hello.
        case acceptedInPlaceOf(UInt64)
        /// The connection is refused for this reason.
        case refused(String)
    }

    private struct User {
        let id: UInt32
        var connections = 0
        /// Sessions that have not said hello, oldest first.
        var unopened: [UInt64] = []
    }

    private let bounds: Bounds
    /// The number of connections that one user may have.
    let connectionsPerUser: Int
    private var users = SlotTable<User>()
    private var numberOfUser: [UInt32: Int] = [:]
    /// The memory of unread output and incomplete requests of each user, in bytes. It stands apart from the table,
    /// because every turn looks at it several times.
    private var bytesOfUser: [Int] = []
    private(set) var connections = 0
    private var unopened = 0
    private(set) var bytes = 0

    /// Quotas for a start without connections.
    ///
    /// - Parameter limits: the limits in force; the descriptor limit has been applied to `connections`
    init(_ bounds: Bounds) {
        var bounds = bounds
        connectionsPerUser = bounds.connectionsPerUser ?? max(1, Bounds.open(bounds.connections) / 2)
        // Connections without hello get half of the places at most.
        bounds.unopenedConnections = min(bounds.unopenedConnections, max(1, bounds.connections / 2))
        bounds.unopenedConnectionsPerUser = min(bounds.unopenedConnectionsPerUser, max(1, connectionsPerUser / 2))
        self.bounds = bounds
    }

    // MARK: Connections

    /// Decides about one more connection of a user.
    func arrival(of id: UInt32, isOperator: Bool) -> Arrival {
        let own = numberOfUser[id].map { users[$0] } ?? User(id: id)
        if !isOperator {
            if own.connections >= connectionsPerUser {
                return own.unopened.first.map(Arrival.acceptedInPlaceOf)
                    ?? .refused(
                        "user \(id) has \(Quantity.count(own.connections, "connection")), which is the limit for one user; close some, or raise --max-connections-per-user"
                    )
            }
            if own.unopened.count >= bounds.unopenedConnectionsPerUser, let oldest = own.unopened.first {
                return .acceptedInPlaceOf(oldest)
            }
        }
        let places = isOperator ? bounds.connections : Bounds.open(bounds.connections)
        if connections >= places {
            return oldestUnopened(before: own, isOperator: isOperator).map(Arrival.acceptedInPlaceOf)
                ?? .refused(
                    "\(Quantity.count(connections, "client is", plural: "clients are")) connected, which is the limit\(places < bounds.connections ? " for users that are not operators" : ""); try again later, or raise --max-connections"
                )
        }
        if unopened >= bounds.unopenedConnections {
            return oldestUnopened(before: own, isOperator: isOperator).map(Arrival.acceptedInPlaceOf)
                ?? .refused(
                    "\(Quantity.count(unopened, "client has", plural: "clients have")) not said hello, which is the limit; try again later"
                )
        }
        return .accepted
    }

    /// The oldest session without hello of the user that has the most of them.
    ///
    /// Only the user itself and users with more connections are considered, except for an operator's connection.
    private func oldestUnopened(before own: User, isOperator: Bool) -> UInt64? {
        let eligible = users.filter { user in
            !user.unopened.isEmpty && (isOperator || user.id == own.id || user.connections > own.connections)
        }
        return eligible.max { $0.unopened.count < $1.unopened.count }?.unopened.first
    }

    /// Counts a connection. Returns the number of its user.
    mutating func add(_ session: UInt64, of id: UInt32) -> Int {
        let user = number(of: id)
        users[user].connections += 1
        users[user].unopened.append(session)
        connections += 1
        unopened += 1
        return user
    }

    /// Records that a session has said hello.
    mutating func opened(_ session: UInt64, of user: Int) {
        guard let place = users[user].unopened.firstIndex(of: session) else { return }
        users[user].unopened.remove(at: place)
        unopened -= 1
    }

    /// Removes a connection. Its memory must have been uncounted.
    mutating func remove(_ session: UInt64, of user: Int) {
        opened(session, of: user)
        users[user].connections -= 1
        connections -= 1
        guard users[user].connections == 0 else { return }
        numberOfUser[users.remove(at: user).id] = nil
    }

    private mutating func number(of id: UInt32) -> Int {
        if let known = numberOfUser[id] { return known }
        let number = users.insert(User(id: id))
        numberOfUser[id] = number
        if number == bytesOfUser.count { bytesOfUser.append(0) } else { bytesOfUser[number] = 0 }
        return number
    }

    // MARK: Memory

    /// Counts a change of the memory of a user's connections, in bytes. Returns the user of whom a connection must be
    /// closed; nil if no bound is exceeded.
    mutating func countMemory(_ change: Int, of user: Int) -> Int? {
        bytesOfUser[user] += change
        bytes += change
        guard change > 0 else { return nil }
        if bytesOfUser[user] > bounds.bufferBytesPerUser { return user }
        guard bytes > bounds.bufferBytes else { return nil }
        return bytesOfUser.indices.max { bytesOfUser[$0] < bytesOfUser[$1] }
    }

    /// Whether a user's memory is near its bound. Then connections with unread output get no further requests handled.
    func isTight(_ user: Int) -> Bool {
        if bytesOfUser[user] > bounds.bufferBytesPerUser / 2 { return true }
        return bytes > bounds.bufferBytes / 2 && bytesOfUser[user] > bounds.bufferBytes / 2 / numberOfUser.count
    }

    /// Why a connection with this many bytes is closed, for its peer and the log.
    func reason(_ bytes: Int, of user: Int) -> String {
        let largest = "it buffers \(bytes) bytes, the most of user \(users[user].id)'s connections"
        return bytesOfUser[user] > bounds.bufferBytesPerUser
            ? "\(largest), which may buffer \(bounds.bufferBytesPerUser) together"
            : "\(largest), and that user has the most of the \(bounds.bufferBytes) bytes for all users; see --max-buffers"
    }
}
