import FuseboxLoop
import FuseboxWire

/// The schedule of checks of the socket file, and the problem that the last check found.
struct SocketFileWatch {
    private var checkedAt: Timestamp?
    var complaint = Complaint()

    private static let checkMilliseconds: Int64 = 1_000

    /// Whether the next check is due. If so, it counts as made.
    mutating func isDue(at now: Timestamp) -> Bool {
        if let checkedAt, now - checkedAt < Self.checkMilliseconds { return false }
        checkedAt = now
        return true
    }
}

extension Server {
    /// Checks whether new clients still reach this daemon. If the socket file was removed or replaced, it is made
    /// again.
    func watchSocketFile() {
        guard let listener, socketFileWatch.isDue(at: moment.now) else { return }
        switch listener.checkPath() {
        case .unchanged:
            guard socketFileWatch.complaint.clear() else { return }
            log(.notice, "new clients reach this daemon again")
            watchDirectories()
        case .missing(let path): restoreSocketFile(listener, path, "was removed")
        case .replaced(let path): restoreSocketFile(listener, path, "was replaced")
        }
    }

    private func restoreSocketFile(_ listener: Listener, _ path: String, _ what: String) {
        guard listener.path != nil else {
            return complain(
                "the socket file \(path) \(what): no new client reaches this daemon. The service manager must make the file again: run `systemctl restart fuseboxd.socket fuseboxd.service`"
            )
        }
        do throws(LoopError) {
            // `rebind` fails if another process answers at the path.
            let successor = try listener.rebind()
            successor.delegate = self
            try successor.start()
            // A client may wait at the old socket. Accepted connections stay open.
            connectionWaits(at: listener)
            listener.close()
            self.listener = successor
            _ = socketFileWatch.complaint.clear()
            log(.warning, "the socket file \(path) \(what); it was made again")
            // Its directory may be another one.
            watchDirectories()
        } catch {
            complain(
                "the socket file \(path) \(what): no new client reaches this daemon. It cannot be made again: \(error)")
        }
    }

    private func complain(_ text: String) {
        if socketFileWatch.complaint.shouldLog(text, at: moment.now) { log(.critical, text) }
    }
}
