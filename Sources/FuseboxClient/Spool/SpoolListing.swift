import FuseboxWire
import Glibc

/// The contents of the spool, for display.
package struct SpoolListing: Sendable {
    /// One file.
    package struct File: Sendable {
        /// The file's name.
        package var name: String
        /// The path of the folder that it is in.
        package var folder: String
        /// The file's length in bytes.
        package var length: Int
        /// Why the file cannot be read. Nil: it can.
        package var damage: String?
        /// The socket path of the daemon that the reports are for.
        package var socket = ""
        /// The client name of the worker.
        package var client = ""
        /// The process id of the worker.
        package var processID: UInt32 = 0
        /// The half of the worker's id that others may see.
        package var worker: UInt64 = 0
        /// When the reports were left, on the wall clock.
        package var at = Timestamp(milliseconds: 0)
        /// All reports, in their order.
        package var reports: [Item] = []

        /// The number of reports that will be delivered.
        package var pending: Int { reports.count { $0.state == .pending } }
        /// The number of reports that a person must decide about.
        package var undecided: Int { reports.count { $0.state == .refused || $0.state == .inDoubt } }
    }

    /// One report.
    package struct Item: Sendable {
        /// The states of a report: still to be delivered, delivered, or undecided for one of two reasons.
        package enum State: String, Sendable {
            case pending, delivered, refused, inDoubt
        }

        /// The report's sequence number.
        package var sequence: UInt64
        /// The number of the report's command.
        package var command: UInt16
        /// The encoded fields of the command.
        package var payload: [UInt8]
        /// What has become of the report.
        package var state: State
        /// Why the report is undecided. Empty otherwise.
        package var reason: String
    }

    /// The folders that were read.
    package var folders: [String] = []
    /// The files, oldest first within each folder.
    package var files: [File] = []

    /// Reads all files, also those that a process works on. Changes nothing.
    package init(_ place: FuseboxClient.SpoolPlace) {
        for path in SpoolFolder.paths(place) {
            folders.append(path)
            guard let folder = try? SpoolFolder(opening: path), let names = try? folder.names() else { continue }
            for name in names {
                do throws(SystemFailure) {
                    files.append(File(name, path, try SpoolFile.look(at: name, in: folder)))
                } catch {
                    // The file was removed meanwhile, or does not belong to this user.
                    guard ![ENOENT, ELOOP, EPERM].contains(error.code) else { continue }
                    files.append(File(name, path, unreadable: error, in: folder))
                }
            }
        }
    }
}

extension SpoolListing.File {
    init(_ name: String, _ folder: String, _ bytes: [UInt8]) {
        self.name = name
        self.folder = folder
        length = bytes.count
        do throws(SpoolContents.Damage) {
            let contents = try SpoolContents(bytes)
            socket = contents.header.socket
            client = contents.header.client
            processID = contents.header.processID
            worker = contents.header.workerHigh
            at = contents.header.at
            reports = contents.reports.map { SpoolListing.Item($0) }
        } catch { damage = "byte \(error.offset): \(error.reason)" }
    }

    /// A file that cannot be read.
    init(_ name: String, _ path: String, unreadable failure: SystemFailure, in folder: borrowing SpoolFolder) {
        self.name = name
        self.folder = path
        length = folder.length(of: name) ?? 0
        damage =
            failure.code == EFBIG
            ? "it is longer than \(ClientLimits.spoolReadBytes) bytes, which is the limit"
            : "it cannot be read: \(failure)"
    }
}

extension SpoolListing.Item {
    init(_ report: SpoolContents.Report) {
        sequence = report.record.sequence
        command = report.record.command
        payload = report.record.payload.contents
        reason = report.reason
        state =
            switch report.result {
            case .delivered: .delivered
            case .refused: .refused
            case .inDoubt: .inDoubt
            case .renumbered, .substituted, nil: .pending
            }
    }
}

/// The decisions that a person can make about a file of the spool.
package enum SpoolDecision {
    /// The result of a decision.
    package enum Outcome: Sendable, Equatable {
        case done
        /// The file does not exist, or another process works on it.
        case notFound
        /// Some reports of the file are still to be delivered.
        case hasPending
    }

    /// Removes a file with its reports.
    ///
    /// - Parameter evenPending: whether reports that could still be delivered are discarded too
    package static func discard(
        _ name: String, in path: String, evenPending: Bool
    ) throws(SystemFailure) -> Outcome {
        let folder = try SpoolFolder(opening: path)
        guard SpoolFolder.isOwn(name), let file = try SpoolFile.open(name, in: folder) else { return .notFound }
        let contents = file.isTooLong ? nil : try? SpoolContents(try file.read())
        guard evenPending || contents?.pending.isEmpty ?? true else { return .hasPending }
        try file.remove(from: folder)
        return .done
    }

    /// Turns the undecided reports into pending reports of a new worker. The person confirms that they have not
    /// counted.
    package static func renew(_ name: String, in path: String) throws(SystemFailure) -> Outcome {
        let folder = try SpoolFolder(opening: path)
        guard SpoolFolder.isOwn(name), let file = try SpoolFile.open(name, in: folder),
            !file.isTooLong, let contents = try? SpoolContents(try file.read())
        else { return .notFound }
        guard contents.pending.isEmpty else { return .hasPending }
        var left = LeftReports(header: contents.header, reports: contents.undecided.map(\.record))
        left.becomeNew()
        _ = try SpoolFile.make(left.bytes, in: folder, replacing: name)
        return .done
    }
}
