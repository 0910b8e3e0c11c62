import FuseboxWire

/// The contents of a file of the spool: the reports and the result of each.
///
/// The same rules as for a journal apply. The header and the reports must be complete, because they were synced before
/// the file got its name. The last appended record may be torn. It was not synced then, and nothing was done that
/// depended on it. Anything else that is wrong is damage.
struct SpoolContents {
    /// The bytes of the length and the checksum before each record.
    static let headBytes = 8

    struct Report {
        var record: SpoolReport
        var result: SpoolResult.Kind?
        var reason = ""

        /// Whether the report is still to be delivered.
        var isPending: Bool { result == nil }
        /// Whether a person must decide about the report.
        var isUndecided: Bool { result == .refused || result == .inDoubt }
    }

    private(set) var header = SpoolHeader()
    private(set) var reports: [Report] = []
    /// The places of the reports without a result, by their present numbers.
    private var waiting: [UInt64: Int] = [:]
    /// What the daemon told of the worker at its last hello.
    private(set) var acquaintance: Acquaintance?
    /// Whether a delivery has begun.
    private(set) var hasBegun = false
    /// The offset after the last good record. The next record is appended there.
    private(set) var length = 0
    /// The highest sequence number in use.
    private(set) var lastSequence: UInt64 = 0

    /// Why a file cannot be read.
    struct Damage: Error, Equatable {
        var offset: Int
        var reason: String

        init(offset: Int, reason: String) {
            self.offset = offset
            self.reason = reason
        }

        /// The damage of a file whose version this program does not know. Nil: the file ends before its version.
        init(unknownVersion version: UInt8?) {
            let newest = SpoolHeader.version
            offset = SpoolHeader.magic.count
            reason =
                switch version {
                case .some(let version) where version > newest:
                    "a newer program wrote it (version \(version); this one knows \(newest)); deliver it with that program"
                case .some(let version): "no spool has the version \(version)"
                case nil: "it ends before its version"
                }
        }
    }

    init(_ bytes: [UInt8]) throws(Damage) {
        guard bytes.starts(with: SpoolHeader.magic) else {
            throw Damage(offset: 0, reason: "it is not a file of the spool")
        }
        let version = bytes.dropFirst(SpoolHeader.magic.count).first
        guard version == SpoolHeader.version else { throw Damage(unknownVersion: version) }
        length = SpoolHeader.prefix.count
        while length < bytes.count {
            guard let end = Self.endOfRecord(bytes, at: length) else {
                if isComplete, Self.isTorn(bytes, at: length) { break }
                throw Damage(offset: length, reason: "a record is damaged")
            }
            do throws(Refusal) { try take(bytes[(length + Self.headBytes)..<end]) } catch {
                throw Damage(offset: length, reason: error.message)
            }
            length = end
        }
        guard isComplete else { throw Damage(offset: length, reason: "it ends before its last report") }
    }

    /// Whether the header and all reports have been read.
    private var isComplete: Bool { length > SpoolHeader.prefix.count && reports.count == Int(header.reports) }

    /// Whether the bad record at `offset` is a torn append: no good record follows it.
    private static func isTorn(_ bytes: [UInt8], at offset: Int) -> Bool {
        !(offset + 1..<max(bytes.count - headBytes, offset + 1)).contains { endOfRecord(bytes, at: $0) != nil }
    }

    /// The offset of the end of the record at `offset`. Nil if the record is not whole.
    private static func endOfRecord(_ bytes: [UInt8], at offset: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { all in
            var reader = unsafe ByteReader(UnsafeRawBufferPointer(rebasing: all[offset...]))
            // No record is empty: a file system may have made the file longer, and not have written to it.
            guard let length = try? reader.read(UInt32.self), length > 0,
                let checksum = try? reader.read(UInt32.self),
                let body = try? unsafe reader.readBytes(Int(length)), unsafe Checksum.of(body) == checksum
            else { return nil }
            return offset + reader.position
        }
    }

    /// Reads the body of a record.
    private mutating func take(_ body: ArraySlice<UInt8>) throws(Refusal) {
        var refusal: Refusal?
        unsafe body.withUnsafeBytes { bytes in
            do throws(Refusal) {
                var contents = unsafe ByteReader(bytes)
                try note(try contents.read(UInt8.self), &contents)
                try contents.finish()
            } catch { refusal = error }
        }
        if let refusal { throw refusal }
    }

    private mutating func note(_ kind: UInt8, _ contents: inout ByteReader) throws(Refusal) {
        let isFirst = length == SpoolHeader.prefix.count
        guard let kind = SpoolKind(rawValue: kind), (kind == .header) == isFirst else {
            throw Refusal(.damagedData, "a record of kind \(kind) has no place here")
        }
        switch kind {
        case .header:
            try header.decode(from: &contents)
            lastSequence = header.lastSequence
            acquaintance = header.acquaintance.map { Acquaintance($0) }
        case .report:
            guard reports.count < Int(header.reports) else {
                throw Refusal(.damagedData, "there are more reports than \(header.reports)")
            }
            var report = SpoolReport()
            try report.decode(from: &contents)
            guard report.sequence > reports.last?.record.sequence ?? 0, report.sequence <= lastSequence else {
                throw Refusal(.damagedData, "report \(report.sequence) is out of order")
            }
            waiting[report.sequence] = reports.count
            reports.append(Report(record: report))
        case .beginning:
            var beginning = SpoolBeginning()
            try beginning.decode(from: &contents)
            begin(beginning)
        case .result:
            var result = SpoolResult()
            try result.decode(from: &contents)
            try note(result)
        }
    }

    // MARK: Deliveries

    /// Notes the beginning of a delivery.
    mutating func begin(_ beginning: SpoolBeginning) {
        hasBegun = true
        acquaintance = Acquaintance(beginning.acquaintance)
    }

    /// Notes the result of a report.
    mutating func note(_ result: SpoolResult) throws(Refusal) {
        guard let place = waiting[result.sequence] else {
            throw Refusal(.damagedData, "no report \(result.sequence) waits for a result")
        }
        switch result.kind {
        case .delivered, .refused, .inDoubt:
            waiting[result.sequence] = nil
            reports[place].result = result.kind
            reports[place].reason = result.reason
        case .renumbered, .substituted:
            guard result.newSequence > lastSequence else {
                throw Refusal(.damagedData, "the number \(result.newSequence) is not new")
            }
            waiting[result.sequence] = nil
            waiting[result.newSequence] = place
            reports[place].record.sequence = result.newSequence
            lastSequence = result.newSequence
            if result.kind == .substituted { reports[place].record.becomeSubstitute() }
        }
    }

    /// Notes that records were appended, up to this offset.
    mutating func extend(to length: Int) { self.length = length }

    /// The reports that are still to be delivered, in the order of their numbers.
    var pending: [SpoolReport] {
        reports.filter(\.isPending).map(\.record).sorted { $0.sequence < $1.sequence }
    }

    /// The bytes of an equivalent file without the delivered reports.
    var shortened: [UInt8] {
        let reports = reports.filter { $0.isPending || $0.isUndecided }.sorted {
            $0.record.sequence < $1.record.sequence
        }
        var header = header
        header.lastSequence = lastSequence
        header.acquaintance = acquaintance?.written
        header.reports = UInt32(reports.count)
        let left = reports.map { report in
            var record = report.record
            record.mayHaveLeft = record.mayHaveLeft || hasBegun
            return record
        }
        var writer = ByteWriter()
        writer.write(contentsOf: LeftReports(header: header, reports: left).bytes)
        for report in reports {
            guard let result = report.result else { continue }
            writer.writeSpool(.result, SpoolResult(report.record.sequence, result, report.reason))
        }
        return writer.bytes
    }

    /// The reports that a person must decide about.
    var undecided: [Report] { reports.filter(\.isUndecided) }
}

extension SpoolReport {
    /// Turns a settle into its substitute.
    mutating func becomeSubstitute() {
        guard let substitute else { return }
        command = Report.declaration.number
        payload = substitute
        self.substitute = nil
        permitEpoch = nil
    }
}

extension Acquaintance {
    init(_ written: SpoolAcquaintance) {
        epoch = written.epoch
        forgottenWorkers = written.forgottenWorkers
        isKnown = written.isKnown
        graceMilliseconds = 0
    }

    var written: SpoolAcquaintance {
        var written = SpoolAcquaintance()
        written.epoch = epoch
        written.forgottenWorkers = forgottenWorkers
        written.isKnown = isKnown
        return written
    }
}
