import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// Who is there, and who goes.
extension Server {
    func takeCensus() {
        keeper.engine.census.connections = UInt32(quotas.connections)
        keeper.engine.census.connectionLimit = UInt32(limits.connections)
    }

    /// The connection of a session, if it is still there.
    func connection(_ session: UInt64) -> Connection? {
        let slot = slot(of: session)
        guard connections.contains(slot), let connection = connections[slot], connection.session.id == session else {
            return nil
        }
        return connection
    }

    private func slot(of session: UInt64) -> Int { Int(session & 0xFFFF_FFFF) }

    /// Closes a connection because something is wrong with it.
    func drop(_ connection: Connection, _ reason: String) {
        log(.info, "dropped \(connection.session.client) (process \(connection.session.peer.processID)): \(reason)")
        remove(connection)
    }

    /// Closes a connection.
    func remove(_ connection: Connection) {
        guard connection.stream.isOpen else { return }
        connection.letGo()
        connection.stream.close()
        keeper.engine.sessionEnded(
            connection.session, processIsGone: Processes.hasEnded(connection.session.peer.processID))
        let slot = slot(of: connection.session.id)
        connections[slot] = nil
        connections.remove(at: slot)
        quotas.remove(connection.session.id, of: connection.user)
        takeCensus()
    }

    func bytesArrived() { turnsUntilQuiet = 2 }

    /// Ends the connections whose worker has connected anew.
    func endFenced() {
        guard !keeper.engine.fenced.isEmpty else { return }
        let fenced = keeper.engine.fenced
        keeper.engine.fencingDone()
        let refusal = Refusal(.fenced, "the same worker has connected anew; this connection is over")
        for session in fenced { connection(session)?.finish(refusal) }
    }
}
