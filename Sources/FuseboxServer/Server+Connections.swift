import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The open connections.
extension Server {
    /// Tells the engine the number of connections, for `status`.
    func takeCensus() {
        keeper.engine.census.connections = UInt32(quotas.connections)
        keeper.engine.census.connectionLimit = UInt32(bounds.connections)
    }

    /// The connection of a session; nil if it is closed.
    func connection(_ session: UInt64) -> Connection? {
        let slot = slot(of: session)
        guard connections.contains(slot), let connection = connections[slot], connection.session.id == session else {
            return nil
        }
        return connection
    }

    private func slot(of session: UInt64) -> Int { Int(session & 0xFFFF_FFFF) }

    /// Closes a connection because of a problem, and logs the reason.
    func drop(_ connection: Connection, _ reason: String) {
        log(.info, "dropped \(connection.session.client) (process \(connection.session.peer.processID)): \(reason)")
        remove(connection)
    }

    /// Closes a connection.
    func remove(_ connection: Connection) {
        guard connection.stream.isOpen else { return }
        connection.uncountMemory()
        let processIsGone = processIsGone(of: connection)
        connection.stream.close()
        keeper.engine.sessionEnded(connection.session, processIsGone: processIsGone)
        leaveProcess(connection)
        let slot = slot(of: connection.session.id)
        connections[slot] = nil
        connections.remove(at: slot)
        quotas.remove(connection.session.id, of: connection.user)
        takeCensus()
    }

    func bytesArrived() { turnsUntilQuiet = 2 }

    /// Ends the connections whose workers have opened newer ones.
    func endFenced() {
        guard !keeper.engine.fenced.isEmpty else { return }
        let fenced = keeper.engine.fenced
        keeper.engine.fencingDone()
        let refusal = Refusal(.fenced, "a newer connection of the same worker has replaced this one")
        for session in fenced { connection(session)?.finish(refusal) }
    }
}
