import FuseboxCore
import FuseboxStore
import FuseboxWire

/// A page of the history, read from the files of the months.
///
/// A request reads a bounded part of the files. Its reply says where the next one goes on, so no request takes long,
/// however long the history is.
struct HistoryPage {
    /// The bytes of a reply from which on no further entry is read. One entry more fits in a frame.
    private static let replyBytes = 64 * 1024
    /// The bytes of files that one request reads, about.
    private static let readBytes = 8 * 1024 * 1024
    private static let pieceBytes = 2 * HistoryEntry.batchBytes

    private let request: LedgerHistory
    private let generation: UInt32
    private(set) var reply = LedgerHistory.Reply()
    private var bytes = 0

    /// A page for a request.
    ///
    /// - Parameter generation: which the cursors of the page are good for
    init(_ request: LedgerHistory, _ generation: UInt32) {
        self.request = request
        self.generation = generation
    }

    /// Whether a cursor is good for this generation of the files.
    static func isOf(_ generation: UInt32, cursor: UInt64) -> Bool {
        Place(month: HistoryMonth(number: 0), offset: 0).cursor(generation) == cursor & ~Place.bits
    }

    /// Reads the page.
    mutating func read<Files: Storage>(from files: Files) throws(StorageError) {
        let (first, last) = (HistoryMonth(ofDay: request.since), HistoryMonth(ofDay: request.until))
        let start = Place(cursor: request.cursor)
        var offset = start.offset
        var left = Self.readBytes
        for month in try files.historyMonths() where month >= first && month <= last {
            if let reached = start.month, month < reached { continue }
            if month != start.month { offset = 0 }
            while true {
                guard bytes < Self.replyBytes, left > 0 else {
                    reply.next = Place(month: month, offset: offset).cursor(generation)
                    return
                }
                let before = offset
                let isMore: Bool
                do throws(StorageError) { isMore = try readPiece(of: month, at: &offset, from: files) } catch {
                    // The oldest file may be removed meanwhile.
                    if error.isNotFound { break }
                    throw error
                }
                left -= max(offset - before, 1)
                if !isMore { break }
            }
        }
    }

    /// - Returns: whether the file has more
    private mutating func readPiece<Files: Storage>(
        of month: HistoryMonth, at offset: inout Int, from files: Files
    ) throws(StorageError) -> Bool {
        var reader = HistoryReader(month, from: offset)
        if offset == 0,
            let newer = reader.checkHead(
                try files.read(month.file, at: 0, length: HistoryHeader.bytes))
        {
            add(problem: "\(newer); it is not read", in: month, at: 0)
            return false
        }
        let isMore = try reader.readPiece(from: files, length: Self.pieceBytes) { found, records in
            take(found, &records, of: month)
            return bytes < Self.replyBytes
        }
        for damage in reader.damage { add(problem: damage.what, in: month, at: damage.offset) }
        if reader.isTorn { add(problem: "the entry was not written completely", in: month, at: reader.end) }
        offset = reader.end
        return isMore
    }

    private mutating func add(problem: String, in month: HistoryMonth, at offset: Int) {
        // A file with very many damaged places says enough with some of them.
        guard reply.problems.count < 64 else { return }
        var told = HistoryProblem()
        told.file = month.file
        told.offset = UInt64(offset)
        told.what = problem
        reply.problems.append(told)
    }

    private mutating func take(_ found: HistoryReader.Found, _ records: inout ByteReader, of month: HistoryMonth) {
        do throws(Refusal) {
            if found.entry.isGap {
                let gap = try HistoryGap.read(version: HistoryGap.version, from: &records)
                return take(gap, of: month, at: found.offset)
            }
            while records.remaining > 0 {
                take(try HistoryRecord.read(version: HistoryRecord.version, from: &records), of: month)
            }
        } catch { add(problem: "the entry cannot be read: \(error.message)", in: month, at: found.offset) }
    }

    private mutating func take(_ gap: HistoryGap, of month: HistoryMonth, at offset: Int) {
        let days = (month.firstDay + Int64(gap.firstDay) - 1)...(month.firstDay + Int64(gap.lastDay) - 1)
        guard days.upperBound >= request.since, days.lowerBound <= request.until, reply.problems.count < 64 else {
            return
        }
        var told = HistoryProblem()
        told.file = month.file
        told.offset = UInt64(offset)
        told.firstDay = days.lowerBound
        told.lastDay = days.upperBound
        told.records = gap.records
        told.what = gap.reason
        reply.problems.append(told)
    }

    private mutating func take(_ record: HistoryRecord, of month: HistoryMonth) {
        let day = month.firstDay + Int64(record.day) - 1
        let scope = Scope(
            provider: record.provider, deployment: record.deployment, model: record.model, tag: record.tag)
        guard day >= request.since, day <= request.until, scope.accountKind == request.kind,
            request.scope.tag ?? scope.tag == scope.tag, request.scope.provider ?? scope.provider == scope.provider,
            request.scope.deployment ?? scope.deployment == scope.deployment,
            request.scope.model ?? scope.model == scope.model
        else { return }
        var told = HistoryDay()
        told.day = day
        told.scope = scope
        told.spend = Money(nanodollars: record.spend.value)
        told.requests = record.requests.value
        told.unpriced = record.unpriced.value
        told.inputTokens = record.input.value
        told.cachedInputTokens = record.cachedInput.value
        told.cacheWriteTokens = record.cacheWrite.value
        told.outputTokens = record.output.value
        told.reasoningTokens = record.reasoning.value
        told.reason = record.reason
        reply.days.append(told)
        bytes +=
            96
            + [scope.provider, scope.deployment, scope.model, scope.tag].reduce(0) {
                $0 + ($1?.count ?? 0)
            } + (record.reason?.utf8.count ?? 0)
    }

    /// The place in the files where a page begins.
    private struct Place {
        private static let offsetBits: UInt64 = 30
        private static let monthBits: UInt64 = 23
        /// The bits of a cursor that say the place. The others say the generation.
        static let bits: UInt64 = 1 << (offsetBits + monthBits) - 1

        /// The month. Nil: the first.
        var month: HistoryMonth?
        var offset = 0

        init(month: HistoryMonth, offset: Int) {
            self.month = month
            self.offset = offset
        }

        init(cursor: UInt64) {
            guard cursor != 0 else { return }
            month = HistoryMonth(number: Int64((cursor & Self.bits) >> Self.offsetBits))
            offset = Int(cursor & (1 << Self.offsetBits - 1))
        }

        func cursor(_ generation: UInt32) -> UInt64 {
            UInt64(generation) << (Self.offsetBits + Self.monthBits)
                | UInt64(month?.number ?? 0) << Self.offsetBits | UInt64(offset)
        }
    }
}

extension Scope {
    /// The kind of the account of this scope.
    var accountKind: AccountKind {
        if tag != nil { return .tag }
        if model != nil { return .model }
        if deployment != nil { return .deployment }
        return provider == nil ? .host : .provider
    }
}
