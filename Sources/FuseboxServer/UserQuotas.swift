import FuseboxCollections
import FuseboxCore
import FuseboxWire

/// What each user takes of the server's connections and memory, and who is refused or must go.
///
/// A part of the places is for operators, to whom the bounds on one user do not apply. Connections that have not said hello
/// are bounded apart; they make room for others, the oldest first. It holds no sockets: sessions are numbers, users are
/// dealt small ones. It is not copied: its owner looks at it in every turn.
struct UserQuotas: ~Copyable {
    /// What becomes of a connection that arrives.
    enum Arrival: Equatable {
        case admitted
        /// It is admitted once this session, which has not said hello, is gone.
        case insteadOf(UInt64)
        case refused(String)
    }

    private struct User {
        let id: UInt32
        var connections = 0
        /// Sessions that have not said hello, oldest first.
        var unopened: [UInt64] = []
        /// Memory for what is not read and what is not complete, in bytes.
        var bytes = 0
    }

    private let limits: Limits
    /// Connections that one user may have.
    let connectionsPerUser: Int
    private var users = SlotTable<User>()
    private var numberOfUser: [UInt32: Int] = [:]
    private(set) var connections = 0
    private var unopened = 0
    private(set) var bytes = 0

    /// - Parameter limits: those in force, the connections as the descriptors allow them
    init(_ limits: Limits) {
        var limits = limits
        connectionsPerUser = limits.connectionsPerUser ?? max(1, Limits.open(limits.connections) / 2)
        // However few the places are, those who say nothing leave some.
        limits.unopenedConnections = min(limits.unopenedConnections, max(1, limits.connections / 2))
        limits.unopenedConnectionsPerUser = min(limits.unopenedConnectionsPerUser, max(1, connectionsPerUser / 2))
        self.limits = limits
    }

    // MARK: Connections

    /// Says whether there is a place for one more connection of a user.
    func arrival(of id: UInt32, isOperator: Bool) -> Arrival {
        let own = numberOfUser[id].map { users[$0] } ?? User(id: id)
        if !isOperator {
            if own.connections >= connectionsPerUser {
                return own.unopened.first.map(Arrival.insteadOf)
                    ?? .refused(
                        "user \(id) has \(Quantity.count(own.connections, "connection")), which is the limit for one user; close some, or raise --max-connections-per-user"
                    )
            }
            if own.unopened.count >= limits.unopenedConnectionsPerUser, let oldest = own.unopened.first {
                return .insteadOf(oldest)
            }
        }
        let places = isOperator ? limits.connections : Limits.open(limits.connections)
        if connections >= places {
            return oldestUnopened(before: own, isOperator: isOperator).map(Arrival.insteadOf)
                ?? .refused(
                    "\(Quantity.count(connections, "client is", plural: "clients are")) connected, which is the limit\(places < limits.connections ? " but for operators" : ""); try again later, or raise --max-connections"
                )
        }
        if unopened >= limits.unopenedConnections {
            return oldestUnopened(before: own, isOperator: isOperator).map(Arrival.insteadOf)
                ?? .refused(
                    "\(Quantity.count(unopened, "client has", plural: "clients have")) not said hello, which is the limit; try again later"
                )
        }
        return .admitted
    }

    /// The oldest session without hello of the user who has the most of them. Nobody with fewer connections makes room
    /// for one who has more, unless that is an operator.
    private func oldestUnopened(before own: User, isOperator: Bool) -> UInt64? {
        let may = users.filter { user in
            !user.unopened.isEmpty && (isOperator || user.id == own.id || user.connections > own.connections)
        }
        return may.max { $0.unopened.count < $1.unopened.count }?.unopened.first
    }

    /// Counts a connection; returns its user's number.
    mutating func add(_ session: UInt64, of id: UInt32) -> Int {
        let user = number(of: id)
        users[user].connections += 1
        users[user].unopened.append(session)
        connections += 1
        unopened += 1
        return user
    }

    /// Notes that a session has said hello.
    mutating func opened(_ session: UInt64, of user: Int) {
        guard let place = users[user].unopened.firstIndex(of: session) else { return }
        users[user].unopened.remove(at: place)
        unopened -= 1
    }

    /// Forgets a connection; what it held must have been given back.
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
        return number
    }

    // MARK: Memory

    /// Counts memory that a user's connection holds more, or less; returns the user who must lose a connection, if one must.
    mutating func hold(_ change: Int, of user: Int) -> Int? {
        users[user].bytes += change
        bytes += change
        guard change > 0 else { return nil }
        if users[user].bytes > limits.bufferBytesPerUser { return user }
        guard bytes > limits.bufferBytes else { return nil }
        return numberOfUser.values.max { users[$0].bytes < users[$1].bytes }
    }

    /// Whether a user holds so much that connections with something to read are asked for no more.
    func isTight(_ user: Int) -> Bool {
        if users[user].bytes > limits.bufferBytesPerUser / 2 { return true }
        return bytes > limits.bufferBytes / 2 && users[user].bytes > limits.bufferBytes / 2 / numberOfUser.count
    }

    /// What a user is told, and the log, of a connection that has to go.
    func reason(_ held: Int, of user: Int) -> String {
        users[user].bytes > limits.bufferBytesPerUser
            ? "\(held) bytes wait in it, the most of user \(users[user].id), who may have \(limits.bufferBytesPerUser) in all connections"
            : "\(held) bytes wait in it, the most of user \(users[user].id), who has the most of \(limits.bufferBytes) for all"
    }
}
