import FuseboxEngine
import FuseboxLoop
import FuseboxWire
import Glibc

/// The acceptance of connections, within the limits of `UserQuotas`.
extension Server: ListenerDelegate {
    /// Accepts a connection, or leaves it for the next turn if this turn has accepted enough.
    package func connectionWaits(at listener: Listener) {
        // The listener reports no other connection until this one is accepted.
        guard acceptsLeft > 0 else {
            hasUnaccepted = true
            return loop.runAgain()
        }
        acceptsLeft -= 1
        do throws(LoopError) {
            if let stream = try listener.accept() { try open(stream) }
        } catch {
            log(.error, "a client was not connected: \(error)")
        }
    }

    /// Logs that the kernel did not hand over a connection.
    package func listener(_ listener: Listener, didFail error: LoopError) {
        log(.error, "a client was not connected: \(error)")
    }

    /// Continues with the connections that the last turn left in the kernel's queue.
    func acceptWaiting() {
        acceptsLeft = bounds.acceptsPerTurn
        guard hasUnaccepted, let listener else { return }
        hasUnaccepted = false
        connectionWaits(at: listener)
    }

    private func open(_ stream: Stream) throws(LoopError) {
        let peer = try peer(of: stream)
        switch quotas.arrival(of: peer.user, isOperator: peer.isOperator) {
        case .accepted: break
        case .acceptedInPlaceOf(let session):
            guard let other = connection(session) else { break }
            let reason = "the limit of connections is reached, and this one has not said hello; connect again"
            other.sendNow(Refusal(.tooManyConnections, reason))
            drop(other, reason)
        case .refused(let reason): return refuse(stream, reason)
        }
        let session = Session(id: nextSerial << 32 | UInt64(connections.nextSlot), peer: peer)
        nextSerial += 1
        let process = process(peer.processID, connectedBy: stream)
        let connection = Connection(stream, session, quotas.add(session.id, of: peer.user), process, self)
        _ = connections.insert(connection)
        process?.add(connection)
        takeCensus()
        do throws(LoopError) { try connection.startReading() } catch { drop(connection, "\(error)") }
    }

    /// Closes a connection for which there is no room. The client gets the reason if its socket takes it at once.
    private func refuse(_ stream: Stream, _ reason: String) {
        var output = ByteWriter()
        output.writeRefusal(Refusal(.tooManyConnections, reason), command: 0, correlation: 0)
        _ = try? unsafe output.withBytes { try unsafe stream.tryWrite($0) }
        stream.close()
    }

    private func peer(of stream: Stream) throws(LoopError) -> Peer {
        let credentials = try stream.peer
        func isMember(of group: UInt32?) -> Bool {
            group.map { credentials.groupID == $0 || stream.peerGroups.contains($0) } ?? false
        }
        return Peer(
            processID: credentials.processID, user: credentials.userID,
            isOperator: credentials.userID == 0 || credentials.userID == geteuid()
                || isMember(of: configuration.adminGroup),
            isReader: configuration.opensLedger || isMember(of: configuration.readersGroup))
    }
}
