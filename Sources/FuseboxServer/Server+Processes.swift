import FuseboxEngine
import FuseboxLoop
import FuseboxWire

/// The peer processes. Their ends show whether workers are gone.
///
/// A worker is gone when its connection is closed and the process that connected has ended. The kernel closes the
/// descriptors of a process before it reports the end. So if a process ends while its connection is open, another
/// process has the connection, such as a child, and continues as the same worker. Neither the end of the first process
/// nor that of the connection then shows that the worker is gone, and the worker has the whole grace.
extension Server {
    /// Watches the process that connected a stream. Nil if the process cannot be watched.
    func process(_ number: Int32, connectedBy stream: Stream) -> PeerProcess? {
        // The number is 0 for a process in a PID namespace that cannot be seen from here.
        guard number > 0 else { return nil }
        if let known = processes[number] {
            // Streams are accepted in the order in which they were connected. While the known process is alive, no
            // other one has had its number.
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

    /// Whether the worker of a connection cannot come back. Call it before the connection is closed.
    func processIsGone(of connection: Connection) -> Bool {
        guard let process = connection.peerProcess else {
            return Processes.hasEnded(connection.session.peer.processID)
        }
        if process.isOver { processEnded(process) }
        return process.isOver && !connection.outlivesProcess
    }

    /// Removes a connection from its process. Call it when the engine has ended the session.
    func leaveProcess(_ connection: Connection) {
        guard let process = connection.peerProcess else { return }
        process.sessions.remove(connection.session.id)
        if process.watcher != nil, keeper.engine.awaits(connection.session.worker, since: connection.session.id) {
            process.lost[connection.session.worker] = connection.session.id
        }
        forget(process)
    }

    /// Handles the end of a process: other processes have the connections that are open, and lost workers are gone.
    private func processEnded(_ process: PeerProcess) {
        guard process.watcher != nil else { return }
        process.watcher = nil
        for session in process.sessions { connection(session).map(process.leave) }
        for (worker, session) in process.lost { keeper.engine.processEnded(of: worker, since: session) }
        process.lost = [:]
        forget(process)
    }

    /// Forgets lost workers that came back or whose grace is over, and processes without lost workers and connections.
    /// Call it about once a second.
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

/// A process that connected, with its connections.
final class PeerProcess {
    let number: Int32
    /// The watcher. Nil once the process has ended.
    var watcher: ProcessWatcher?
    /// The sessions of its open connections.
    var sessions: Set<UInt64> = []
    /// The workers that may come back, with their last sessions.
    var lost: [WorkerID: UInt64] = [:]

    init(_ number: Int32) { self.number = number }

    /// Asks the kernel whether the process has ended.
    var isOver: Bool { watcher?.hasEnded ?? true }

    func add(_ connection: Connection) {
        sessions.insert(connection.session.id)
        if watcher == nil { leave(connection) }
    }

    /// Handles a connection of an ended process. If it is not hung up, another process has it.
    func leave(_ connection: Connection) {
        if !connection.stream.isHungUp { connection.outlivesProcess = true }
    }
}
