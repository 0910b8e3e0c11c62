import ArgumentParser
import FuseboxEngine
import FuseboxInterop
import FuseboxStore

/// The report of `fusebox check` about a directory of backups.
struct BackupReport {
    private struct Backup {
        let name: String
        let bytes: Int
        let header: SnapshotHeader?
        /// Why the backup cannot be restored; nil if it can.
        let problem: String?
    }

    private let directory: String
    private let backups: [Backup]
    private let history: [Inspection.HistoryFile]

    /// Loads every backup in a directory by the rules of a start, and reads the files of the history beside them.
    ///
    /// - Throws: `usage` if there are no backups, because then it is not a directory of Fusebox
    init(_ names: [String], in files: DirectoryStorage, _ directory: String) throws {
        let snapshots = names.filter { BackupName(file: $0) != nil }.sorted()
        guard !snapshots.isEmpty else { throw DataDirectory.isNone(directory) }
        self.directory = directory
        backups = snapshots.map { Self.look(at: $0, in: directory) }
        history = try Inspection.HistoryFile.all(in: files)
    }

    private static func look(at name: String, in directory: String) -> Backup {
        var length = 0
        var header: SnapshotHeader?
        do throws(Failure) {
            let bytes = try LocalFile.read("\(directory)/\(name)")
            length = bytes.count
            let file = try SnapshotFile(bytes, name)
            header = file.reader.header
            try file.tryStart()
            return Backup(name: name, bytes: length, header: header, problem: nil)
        } catch { return Backup(name: name, bytes: length, header: header, problem: error.message) }
    }

    private var isGood: Bool {
        backups.allSatisfy { $0.problem == nil } && history.allSatisfy(\.problems.isEmpty)
    }

    func deliver(asJSON: Bool) throws {
        try Answer(json: json, text: text).deliver(asJSON: asJSON)
        if !isGood { throw ExitCode(Failure.Status.damagedData.rawValue) }
    }

    private var text: String {
        let table = Table(
            [.left("BACKUP"), .right("SIZE"), .right("CHANGES"), .left("EPOCH"), .left("STATE")],
            rows: backups.map { backup in
                [
                    backup.name, Formatting.bytes(UInt64(backup.bytes)), backup.header.map { "\($0.sequence)" } ?? "-",
                    backup.header.map { Formatting.epoch($0.epoch) } ?? "-",
                    backup.problem == nil ? "whole" : "damaged",
                ]
            }
                + history.map { file in
                    [
                        file.month.file, Formatting.bytes(UInt64(file.bytes)), "-", "-",
                        DirectoryReport.ending(file),
                    ]
                })
        var lines = ["\(directory) is a directory of backups and not a data directory", table.text(ifEmpty: ""), ""]
        lines += backups.compactMap(\.problem).map { "WRONG \($0)" }
        lines += history.flatMap(\.problems).map { "WRONG \($0)" }
        if isGood { lines.append("OK") }
        return lines.joined(separator: "\n")
    }

    private var json: JSONValue {
        [
            "directory": .string(directory), "kind": "backups", "good": JSONValue(isGood),
            "files": .array(
                backups.map { backup in
                    [
                        "file": .string(backup.name), "bytes": JSONValue(backup.bytes),
                        "sequence": backup.header.map { JSONValue($0.sequence) } ?? .null,
                        "wall": backup.header.map { JSONValue($0.wall.milliseconds) } ?? .null,
                        "intact": JSONValue(backup.problem == nil),
                        "problem": backup.problem.map { .string($0) } ?? .null,
                    ]
                } + history.map(DirectoryReport.json)),
        ]
    }
}
