import FuseboxTestSupport
import FuseboxWire
import Glibc
import Testing

/// The requests of the tests of limits.
extension RawPeer {
    /// Sets limits, written as people write them.
    func set(
        _ limits: [String], on scope: Scope, mode: LimitMode = .deny, onLapse: LapseRule? = nil
    ) throws {
        let limits = try limits.map { text in
            let limit = try LimitText.limit(text)
            return Limit(limit.dimension, limit.amount, limit.window, mode: mode, onLapse: onLapse)
        }
        let frame = try ask(LimitSet(scope: scope, limits: limits))
        try #require(frame.status == .ok, "\(frame.message)")
    }

    /// The limits on a scope, or all that are set.
    func limits(on scope: Scope? = nil) throws -> [LimitEntry] {
        try ask(LimitList(scope: scope)).reply(LimitList.Reply.self).entries
    }

    /// The only limit of a dimension on a scope.
    func limit(_ dimension: LimitDimension, on scope: Scope) throws -> LimitEntry {
        let entries = try limits(on: scope).filter { $0.limit.dimension == dimension }
        try #require(entries.count == 1)
        return entries[0]
    }

    /// Asks for a call; nil if a limit stands against it.
    func permit(
        _ route: Candidate, tags: [String] = [], _ estimate: Estimate = Estimate(), ttlMilliseconds: Int64 = 3_600_000
    ) throws -> (number: UInt64, expiresAt: Timestamp)? {
        var told = WireLimits.TagList()
        for tag in tags { told.append(try Name(tag)) }
        let admit = Admit(
            candidates: try Candidates([route]), tags: told, estimate: estimate, ttlMilliseconds: ttlMilliseconds)
        let reply = try ask(admit).reply(Admit.Reply.self)
        if let permit = reply.permit { return (permit, reply.expiresAt) }
        try #require(reply.decision.denials.array.map(\.reason) == [.limit])
        return nil
    }

    /// Makes a call; false if a limit stands against it.
    func call(_ provider: String, cost: Money) throws -> Bool {
        guard let permit = try permit(Candidate(provider: Name(provider)), Estimate(cost: cost)) else { return false }
        try settle(permit.number, cost: cost)
        return true
    }

    /// Tells that a call succeeded.
    func settle(_ permit: UInt64, cost: Money, input: UInt32 = 0, output: UInt32 = 0) throws {
        let usage = CallUsage(cost: cost, inputTokens: input, outputTokens: output)
        let frame = try ask(Settle(permit: permit, outcome: .success, usage: usage))
        try #require(frame.status == .ok, "\(frame.message)")
    }
}

/// Windows of the calendar that do not end while a test runs.
enum LongWindow {
    private static var utc: tm {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return parts
    }

    /// A zone in which it is noon, or a part of an hour later.
    static var zoneAtNoon: String {
        let offset = 12 - Int(utc.tm_hour)
        // These zones have the sign of POSIX: the positive ones lie west of Greenwich.
        return offset == 0 ? "Etc/GMT" : "Etc/GMT\(offset > 0 ? "-" : "+")\(abs(offset))"
    }

    /// A day that began some twelve hours ago.
    static var day: String { "per day in \(zoneAtNoon)" }

    /// A month that began some two weeks ago.
    static var month: String { "per month from the \((Int(utc.tm_mday) + 13) % 28 + 1)" }

    /// A year that began some six months ago.
    static var year: String {
        let months =
            ["January", "February", "March", "April", "May", "June", "July"]
            + ["August", "September", "October", "November", "December"]
        return "per year from \(months[(Int(utc.tm_mon) + 6) % 12]) 1"
    }
}
