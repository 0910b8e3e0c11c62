import FuseboxLoop
import FuseboxWire

/// Sees to it that clients find the daemon although others remove or replace its socket file.
struct SocketFileWatch {
    private var lookedAt: Timestamp?
    var complaint = Complaint()

    private static let lookMilliseconds: Int64 = 1_000

    /// Whether it is time to look again.
    mutating func isDue(at now: Timestamp) -> Bool {
        if let lookedAt, now - lookedAt < Self.lookMilliseconds { return false }
        lookedAt = now
        return true
    }
}

extension Server {
    /// Looks whether new clients still reach this daemon, and makes its socket file again if they do not.
    func watchSocketFile() {
        guard let listener, socketFileWatch.isDue(at: moment.now) else { return }
        switch listener.lookAtPath() {
        case .asItWas:
            if socketFileWatch.complaint.isWellAgain() { log(.notice, "the socket file is the daemon's own again") }
        case .missing(let path): mend(listener, path, "was removed")
        case .replaced(let path): mend(listener, path, "was replaced")
        }
    }

    private func mend(_ listener: Listener, _ path: String, _ what: String) {
        guard listener.path != nil else {
            return complain(
                "the socket file \(path) \(what): no new client reaches this daemon. It belongs to the service manager and cannot be made again from here: restart the socket unit and the daemon (`systemctl restart fuseboxd.socket fuseboxd.service`)"
            )
        }
        do throws(LoopError) {
            // Nobody is robbed: a path at which somebody answers is left to him.
            let successor = try listener.makeAnew()
            successor.delegate = self
            try successor.start()
            // Whoever had connected before is let in; those who are in stay.
            connectionWaits(at: listener)
            listener.close()
            self.listener = successor
            _ = socketFileWatch.complaint.isWellAgain()
            log(.warning, "the socket file \(path) \(what); it was made again")
        } catch {
            complain("the socket file \(path) \(what): no new client reaches this daemon, and \(error)")
        }
    }

    private func complain(_ text: String) {
        if socketFileWatch.complaint.isNews(text, at: moment.now) { log(.critical, text) }
    }
}
