import FuseboxEngine
import FuseboxLoop
import FuseboxWire
import Glibc

/// Who is let in.
extension Server: ListenerDelegate {
    public func connectionWaits(at listener: Listener) {
        // libuv asks for no other one until this one is taken.
        guard acceptsLeft > 0 else {
            hasCallers = true
            return loop.runAgain()
        }
        acceptsLeft -= 1
        do throws(LoopError) {
            if let stream = try listener.accept() { try admit(stream) }
        } catch {
            log(.error, "a connection could not be accepted: \(error)")
        }
    }

    public func listener(_ listener: Listener, didFail error: LoopError) {
        log(.error, "a connection could not be accepted: \(error)")
    }

    /// Goes on with those whom the last turn has left waiting.
    func admitCallers() {
        acceptsLeft = limits.acceptsPerTurn
        guard hasCallers, let listener else { return }
        hasCallers = false
        connectionWaits(at: listener)
    }

    private func admit(_ stream: Stream) throws(LoopError) {
        let peer = try peer(of: stream)
        switch quotas.arrival(of: peer.user, isOperator: peer.isOperator) {
        case .admitted: break
        case .insteadOf(let session):
            guard let other = connection(session) else { break }
            let reason = "it had not said hello, and another connection needs the place"
            other.tell(Refusal(.tooManyConnections, reason))
            drop(other, reason)
        case .refused(let reason): return turnAway(stream, reason)
        }
        let session = Session(id: nextSerial << 32 | UInt64(connections.nextSlot), peer: peer)
        nextSerial += 1
        let connection = Connection(stream, session, quotas.add(session.id, of: peer.user), self)
        _ = connections.insert(connection)
        takeCensus()
        do throws(LoopError) { try connection.startReading() } catch { drop(connection, "reading failed: \(error)") }
    }

    /// Tells a client for which there is no room why, as far as its socket takes it.
    private func turnAway(_ stream: Stream, _ reason: String) {
        var output = ByteWriter()
        output.writeRefusal(Refusal(.tooManyConnections, reason), command: 0, correlation: 0)
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
}
