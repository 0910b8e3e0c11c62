import FuseboxWire

/// What is to be known beside the days of the ledger's history.
public struct HistoryNotes: Sendable, Equatable {
    /// What could not be written or read. The days lack it.
    public var problems: [FuseboxWire.HistoryProblem] = []
    /// The records of closed days that are not on disk yet. The days lack them.
    public var waiting: UInt64 = 0
    /// The day on which use counts now, in days since 1970-01-01. It is not part of the history yet.
    public var openDay: Int64 = 0
    /// The number of tags that were forgotten and are not taken out of the files yet.
    public var erasing: UInt32 = 0

    /// Nothing.
    public init() {}

    fileprivate mutating func take(_ reply: FuseboxWire.LedgerHistory.Reply) {
        problems += reply.problems
        waiting = reply.waiting
        openDay = reply.openDay
        erasing = reply.erasing
    }
}

extension Ledger {
    /// Reads what accounts of one kind have used on days that are over, and passes each record to `sink`. An account may
    /// have several records of a day; they add up. For operators.
    ///
    /// - Parameters:
    ///   - kind: which accounts are told
    ///   - scope: what the accounts' scopes must name; a part that is absent may be any
    ///   - days: the first and the last day, in days since 1970-01-01
    ///   - sink: gets each record, in the order of the days
    public func history(
        _ kind: FuseboxClient.AccountKind, within scope: FuseboxClient.Scope = .host, days: ClosedRange<Int64>,
        into sink: (FuseboxWire.HistoryDay) -> Void
    ) throws(ClientError) -> HistoryNotes {
        var command = LedgerHistory(kind: kind, scope: scope, since: days.lowerBound, until: days.upperBound)
        var notes = HistoryNotes()
        while true {
            let reply = try client.call(command)
            notes.take(reply)
            reply.days.forEach(sink)
            guard reply.next != 0 else { return notes }
            try command.advance(to: reply.next)
        }
    }

    /// Reads what accounts of one kind have used on days that are over, and passes each record to `sink`. An account may
    /// have several records of a day; they add up. For operators.
    public func history(
        _ kind: FuseboxClient.AccountKind, within scope: FuseboxClient.Scope = .host, days: ClosedRange<Int64>,
        into sink: (FuseboxWire.HistoryDay) -> Void
    ) async throws(ClientError) -> HistoryNotes {
        var command = LedgerHistory(kind: kind, scope: scope, since: days.lowerBound, until: days.upperBound)
        var notes = HistoryNotes()
        while true {
            let reply = try await client.call(command)
            notes.take(reply)
            reply.days.forEach(sink)
            guard reply.next != 0 else { return notes }
            try command.advance(to: reply.next)
        }
    }

    /// The files of the history, oldest first. For operators.
    public func historyFiles() throws(ClientError) -> [HistoryFiles.File] { try client.call(HistoryFiles()).files }

    /// Reads a file of the history, and passes it to `sink` chunk by chunk, in order. For operators.
    ///
    /// - Throws: `ClientError`: `refused` with `notFound` if there is no such file. Also what `sink` throws.
    public func readHistory(_ file: String, into sink: ([UInt8]) throws -> Void) throws {
        var command = HistoryRead(file: file, offset: 0)
        while true {
            let reply = try client.call(command)
            guard !reply.chunk.contents.isEmpty else { return }
            try sink(reply.chunk.contents)
            command.offset += UInt64(reply.chunk.contents.count)
            if command.offset >= reply.length { return }
        }
    }
}

extension LedgerHistory {
    fileprivate mutating func advance(to next: UInt64) throws(ClientError) {
        // A faulty daemon that never ends the history must not cause an endless loop.
        guard next > cursor else {
            throw .protocolViolation("\(Self.declaration.name) does not advance beyond cursor \(cursor)")
        }
        cursor = next
    }
}
