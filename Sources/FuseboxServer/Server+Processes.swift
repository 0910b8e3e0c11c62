import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// Which processes are at the other ends, and what their ends mean.
///
/// A worker is known to be gone when its connection is closed and the process that connected has ended, in either order:
/// the kernel closes a process's descriptors before it says that the process has ended. A process that ends while its
/// connection is open has left that to another, a child for instance, which goes on with the worker's id. The end of the
/// first one says nothing of the worker then, and neither does the end of that connection: the worker has the whole grace.
extension Server {
    /// The process that has connected a stream, watched from now on; nil if it cannot be.
    func process(_ number: Int32, connectedBy stream: Stream) -> PeerProcess? {
        // 0 is what the kernel gives for a peer in a place that cannot be seen from here.
        guard number > 0 else { return nil }
        if let known = processes[number] {
            // Streams are accepted in the order of their connects: as long as it lives, nobody else has had its number.
            if !known.isOver { return known }
            processEnded(known)
        }
        guard processes.count < processLimit else { return nil }
        let process = PeerProcess(number)
        do throws(LoopError) {
            let watcher = try ProcessWatcher(on: loop, peerOf: stream) { [unowned self, unowned process] in
                processEnded(process)
            }
            watcher.keepsLoopRunning = false
            process.watcher = watcher
            processes[number] = process
        } catch {
            guard error.isProcessGone else { return nil }
        }
        return process
    }

    /// Whether the worker of a connection that is about to be closed cannot come back.
    func processIsGone(of connection: Connection) -> Bool {
        guard let process = connection.peerProcess else {
            return Processes.hasEnded(connection.session.peer.processID)
        }
        if process.isOver { processEnded(process) }
        return process.isOver && !connection.outlivesProcess
    }

    /// Notes that a process has no longer this connection, whose session the engine has ended.
    func leaveProcess(_ connection: Connection) {
        guard let process = connection.peerProcess else { return }
        process.sessions.remove(connection.session.id)
        if process.watcher != nil, keeper.engine.awaits(connection.session.worker, since: connection.session.id) {
            process.lost[connection.session.worker] = connection.session.id
        }
        forget(process)
    }

    /// A process has ended: its connections that are still open are another's, and its lost workers are gone.
    private func processEnded(_ process: PeerProcess) {
        guard process.watcher != nil else { return }
        process.watcher = nil
        for session in process.sessions { connection(session).map(process.leave) }
        for (worker, session) in process.lost { keeper.engine.processEnded(of: worker, since: session) }
        process.lost = [:]
        forget(process)
    }

    /// Forgets workers that have come back or are waited for no more, and processes that have neither those nor connections.
    /// Called now and then.
    func forgetProcesses() {
        for process in processes.values where !process.lost.isEmpty {
            process.lost = process.lost.filter { keeper.engine.awaits($0.key, since: $0.value) }
            forget(process)
        }
    }

    private func forget(_ process: PeerProcess) {
        guard process.watcher == nil || (process.sessions.isEmpty && process.lost.isEmpty) else { return }
        if processes[process.number] === process { processes[process.number] = nil }
    }
}

/// A process that has connected, with all of its connections.
final class PeerProcess {
    let number: Int32
    /// Nil once it has ended.
    var watcher: ProcessWatcher?
    /// Its connections that are open.
    var sessions: Set<UInt64> = []
    /// Its workers that may come back, with the session that they had.
    var lost: [WorkerID: UInt64] = [:]

    init(_ number: Int32) { self.number = number }

    /// Whether it has ended, as the kernel says now.
    var isOver: Bool { watcher?.hasEnded ?? true }

    func add(_ connection: Connection) {
        sessions.insert(connection.session.id)
        if watcher == nil { leave(connection) }
    }

    /// It has ended: a connection that is not hung up is another's.
    func leave(_ connection: Connection) {
        if !connection.stream.isHungUp { connection.outlivesProcess = true }
    }
}
