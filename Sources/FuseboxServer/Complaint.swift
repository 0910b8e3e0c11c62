import FuseboxWire

/// Something wrong that is looked at every second, and said when it is news and then once a minute.
struct Complaint {
    private var said: (text: String, at: Timestamp)?

    private static let repeatMilliseconds: Int64 = 60_000

    /// Whether this is to be said now.
    mutating func isNews(_ text: String, at now: Timestamp) -> Bool {
        if let said, said.text == text, now - said.at < Self.repeatMilliseconds { return false }
        said = (text, now)
        return true
    }

    /// Forgets what was wrong; returns whether anything was.
    mutating func isWellAgain() -> Bool {
        defer { said = nil }
        return said != nil
    }
}
