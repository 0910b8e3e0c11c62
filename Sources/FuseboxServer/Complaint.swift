import FuseboxWire

/// A problem that is checked every second. It is logged when its text changes, and then once a minute.
struct Complaint {
    private var logged: (text: String, at: Timestamp)?

    private static let repeatMilliseconds: Int64 = 60_000

    /// Whether there is a problem.
    var isOpen: Bool { logged != nil }

    /// Whether the caller should log this text now.
    mutating func shouldLog(_ text: String, at now: Timestamp) -> Bool {
        if let logged, logged.text == text, now - logged.at < Self.repeatMilliseconds { return false }
        logged = (text, now)
        return true
    }

    /// Ends the problem. Returns whether there was one.
    mutating func clear() -> Bool {
        defer { logged = nil }
        return logged != nil
    }
}
