import FuseboxEngine
import FuseboxLoop
import FuseboxWire
import Glibc

/// Who is let in, and who goes.
extension Server: ListenerDelegate {
    public func connectionWaits(at listener: Listener) {
        do throws(LoopError) {
            while let stream = try listener.accept() { try admit(stream) }
        } catch {
            log(.error, "a connection could not be accepted: \(error)")
        }
    }

    public func listener(_ listener: Listener, didFail error: LoopError) {
        log(.error, "a connection could not be accepted: \(error)")
    }

    private func admit(_ stream: Stream) throws(LoopError) {
        guard connectionCount < limits.connections else { return turnAway(stream) }
        let peer = try peer(of: stream)
        let slot = freeSlots.popLast() ?? connections.count
        if slot == connections.count { connections.append(nil) }
        let session = Session(id: nextSerial << 32 | UInt64(slot), peer: peer)
        nextSerial += 1
        let connection = Connection(stream, session, self)
        connections[slot] = connection
        connectionCount += 1
        takeCensus()
        do throws(LoopError) { try connection.startReading() } catch { drop(connection, "reading failed: \(error)") }
    }

    /// Tells a client for which there is no room why, as far as its socket takes it.
    private func turnAway(_ stream: Stream) {
        var output = ByteWriter()
        output.writeRefusal(
            Refusal(
                .tooManyConnections, "\(limits.connections) clients are connected, which is the limit; try again later"),
            command: 0, correlation: 0)
        _ = try? unsafe output.withBytes { try unsafe stream.tryWrite($0) }
        stream.close()
    }

    private func peer(of stream: Stream) throws(LoopError) -> Peer {
        let credentials = try stream.peer
        let isAdmin = configuration.adminGroup.map { credentials.groupID == $0 || stream.peerGroups.contains($0) }
        return Peer(
            processID: credentials.processID, user: credentials.userID,
            isOperator: credentials.userID == 0 || credentials.userID == geteuid() || isAdmin == true)
    }

    private func takeCensus() {
        keeper.engine.census.connections = UInt32(connectionCount)
        keeper.engine.census.connectionLimit = UInt32(limits.connections)
    }

    /// The connection of a session, if it is still there.
    func connection(_ session: UInt64) -> Connection? {
        let slot = Int(session & 0xFFFF_FFFF)
        guard slot < connections.count, let connection = connections[slot], connection.session.id == session else {
            return nil
        }
        return connection
    }

    /// Closes a connection because something is wrong with it.
    func drop(_ connection: Connection, _ reason: String) {
        log(.info, "dropped \(connection.session.client) (process \(connection.session.peer.processID)): \(reason)")
        remove(connection)
    }

    /// Closes a connection.
    func remove(_ connection: Connection) {
        guard connection.stream.isOpen else { return }
        connection.stream.close()
        keeper.engine.sessionEnded(
            connection.session, processIsGone: Processes.hasEnded(connection.session.peer.processID))
        let slot = Int(connection.session.id & 0xFFFF_FFFF)
        connections[slot] = nil
        freeSlots.append(slot)
        connectionCount -= 1
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
