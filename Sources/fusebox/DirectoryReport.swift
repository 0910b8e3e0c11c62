import FuseboxEngine
import FuseboxInterop
import FuseboxStore
import FuseboxWire

/// The report of `fusebox check` about a data directory.
struct DirectoryReport {
    let inspection: Inspection
    let directory: String
    let isInUse: Bool
    /// Why there is no room for the journal's next segment; nil if there is room.
    let shortage: String?

    // MARK: For people

    var text: String {
        let rows =
            inspection.snapshots.map(Self.row) + inspection.segments.map(Self.row)
            + (inspection.spare.map { [Self.row(spare: $0)] } ?? []) + inspection.history.map(Self.row)
        let table = Table(
            [.left("FILE"), .right("SIZE"), .right("CHANGES"), .left("EPOCH"), .left("ENDS")], rows: rows)
        var lines = [table.text(ifEmpty: "There are neither snapshots nor segments.")]
        if !inspection.others.isEmpty {
            lines.append("not examined: \(inspection.others.joined(separator: ", "))")
        }
        if isInUse { lines.append("\(directory) is in use: a daemon writes to it") }
        lines.append("")
        lines += inspection.problems.map { "WRONG \($0)" }
        if let refusal = inspection.refusal {
            lines.append("WRONG a daemon would not start: \(refusal)")
        } else if let (situation, sequence, _) = inspection.recovery {
            lines.append(
                "a start would find \(Self.sentence(situation)), in all \(Quantity.count(sequence, "change"))")
            lines.append(
                situation.marked == 0
                    ? "no mark says how far the journal was on disk"
                    : "the journal was on disk up to change \(situation.marked), according to \(SyncMark.fileName)"
            )
        }
        if let shortage { lines.append("FULL \(shortage)") }
        if let permits = inspection.permits, permits.granted > 0 { lines.append(PermitsCommands.sentence(permits)) }
        if inspection.isGood, shortage == nil { lines.append("OK") }
        return lines.joined(separator: "\n")
    }

    private static func row(_ snapshot: Inspection.SnapshotFile) -> [String] {
        [
            snapshot.name.file, Formatting.bytes(UInt64(snapshot.bytes)), "\(snapshot.name.sequence)",
            snapshot.header.map { Formatting.epoch($0.epoch) } ?? "-", snapshot.header == nil ? "damaged" : "whole",
        ]
    }

    private static func row(_ segment: Inspection.SegmentFile) -> [String] {
        [
            segment.name.file, Formatting.bytes(UInt64(segment.bytes)),
            segment.lastSequence.map { "\(segment.name.firstSequence)-\($0)" } ?? "none",
            segment.header.map { Formatting.epoch($0.epoch) } ?? "-",
            segment.end.map(Self.ending) ?? "damaged",
        ]
    }

    private static func row(_ history: Inspection.HistoryFile) -> [String] {
        [history.month.file, Formatting.bytes(UInt64(history.bytes)), "-", "-", ending(history)]
    }

    static func ending(_ history: Inspection.HistoryFile) -> String {
        if !history.problems.isEmpty { return "damaged" }
        let missing =
            history.missing > 0 ? ", \(Quantity.count(history.missing, "record")) could not be written" : ""
        return (history.torn.map { "torn at byte \($0)" } ?? "whole") + missing
    }

    private static func row(spare bytes: Int) -> [String] {
        [
            JournalName.spare, Formatting.bytes(UInt64(bytes)), "-", "-",
            "reserved for the next segment",
        ]
    }

    private static func ending(_ end: JournalEnd) -> String {
        end.name + (end.offset.map { " at byte \($0)" } ?? "")
    }

    private static func sentence(_ situation: RecoveryCase) -> String {
        var parts = [base(situation.base).sentence]
        switch situation.tail {
        case .none: parts.append("no journal to replay")
        case .whole: parts.append("\(Quantity.count(situation.replayed, "entry", plural: "entries")) to replay")
        case .torn:
            parts.append("\(Quantity.count(situation.replayed, "entry", plural: "entries")) to replay")
            if let torn = situation.tornSentence { parts.append(torn) }
        case .unacknowledged(let file):
            parts.append("\(file) to drop, from which nothing was acknowledged")
        }
        if !situation.foreign.isEmpty {
            parts.append("\(situation.foreign.joined(separator: ", ")) of another epoch to set aside")
        }
        return parts.joined(separator: ", ")
    }

    private static func base(_ base: RecoveryCase.Base) -> (name: String, sentence: String) {
        switch base {
        case .empty: ("empty", "an empty state")
        case .newest(let name): ("newest", name.file)
        case .fellBack(let name, _): ("fellBack", "\(name.file) instead of a damaged one")
        }
    }

    // MARK: For programs

    var json: JSONValue {
        [
            "directory": .string(directory), "inUse": JSONValue(isInUse), "good": JSONValue(inspection.isGood),
            "files": .array(
                inspection.snapshots.map(Self.json) + inspection.segments.map(Self.json)
                    + (inspection.spare.map { [Self.json(spare: $0)] } ?? [])
                    + inspection.history.map(Self.json)),
            "others": .array(inspection.others.map { .string($0) }), "recovery": Self.recovery(inspection),
            "permits": inspection.permits.map { JSONValue(record: $0) } ?? .null,
            "problems": .array(inspection.problems.map(Self.json)),
            "shortage": shortage.map { .string($0) } ?? .null,
        ]
    }

    private static func json(_ problem: Inspection.Problem) -> JSONValue {
        [
            "file": .string(problem.file), "offset": problem.offset.map { JSONValue($0) } ?? .null,
            "what": .string(problem.what),
        ]
    }

    private static func json(_ snapshot: Inspection.SnapshotFile) -> JSONValue {
        [
            "file": .string(snapshot.name.file), "kind": "snapshot", "bytes": JSONValue(snapshot.bytes),
            "sequence": JSONValue(snapshot.name.sequence), "epoch": epoch(snapshot.header?.epoch),
            "wall": snapshot.header.map { JSONValue($0.wall.milliseconds) } ?? .null,
            "intact": JSONValue(snapshot.problems.isEmpty),
        ]
    }

    private static func json(_ segment: Inspection.SegmentFile) -> JSONValue {
        [
            "file": .string(segment.name.file), "kind": "journal", "bytes": JSONValue(segment.bytes),
            "epoch": epoch(segment.header?.epoch), "firstSequence": JSONValue(segment.name.firstSequence),
            "lastSequence": segment.lastSequence.map { JSONValue($0) } ?? .null, "entries": JSONValue(segment.entries),
            "rebased": segment.header.map { JSONValue($0.isRebased) } ?? .null,
            "end": .string(segment.end?.name ?? "damaged"),
            "offset": segment.end?.offset.map { JSONValue($0) } ?? (segment.end == nil ? 0 : .null),
            "intact": JSONValue(segment.problems.isEmpty),
        ]
    }

    static func json(_ history: Inspection.HistoryFile) -> JSONValue {
        [
            "file": .string(history.month.file), "kind": "history", "bytes": JSONValue(history.bytes),
            "entries": JSONValue(history.entries), "missing": JSONValue(history.missing),
            "offset": history.torn.map { JSONValue($0) } ?? .null, "intact": JSONValue(history.problems.isEmpty),
        ]
    }

    private static func json(spare bytes: Int) -> JSONValue {
        ["file": .string(JournalName.spare), "kind": "spare", "bytes": JSONValue(bytes)]
    }

    private static func epoch(_ epoch: UInt64?) -> JSONValue { epoch.map { .string(Formatting.epoch($0)) } ?? .null }

    private static func recovery(_ inspection: Inspection) -> JSONValue {
        guard let (situation, sequence, life) = inspection.recovery else {
            return ["possible": false, "refusal": .string(inspection.refusal?.description ?? "")]
        }
        return [
            "possible": true, "base": .string(base(situation.base).name), "tail": .string(situation.tail.name),
            "replayed": JSONValue(situation.replayed), "sequence": JSONValue(sequence), "epoch": epoch(life),
            "foreign": .array(situation.foreign.map { .string($0) }), "marked": JSONValue(situation.marked),
        ]
    }
}

extension RecoveryCase.Tail {
    /// The case's label in the table of recovery.
    var name: String {
        switch self {
        case .none: "none"
        case .whole: "whole"
        case .torn: "torn"
        case .unacknowledged: "unacknowledged"
        }
    }
}

extension JournalEnd {
    var name: String {
        switch self {
        case .sealed: "sealed"
        case .open: "open"
        case .torn: "torn"
        case .damaged: "damaged"
        }
    }

    /// The byte at which the intact entries end; nil if the segment is sealed.
    var offset: Int? {
        switch self {
        case .sealed: nil
        case .open(let offset), .torn(let offset), .damaged(let offset): offset
        }
    }
}
