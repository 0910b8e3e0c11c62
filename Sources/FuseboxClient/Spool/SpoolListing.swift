import FuseboxWire
import Glibc

/// What lies in the spool, for a person.
package struct SpoolListing: Sendable {
    /// One file.
    package struct File: Sendable {
        /// What it is called.
        package var name: String
        /// Its folder.
        package var folder: String
        /// Its bytes.
        package var length: Int
        /// Why it cannot be read; nil: it can.
        package var damage: String?
        /// Where the daemon listens that its reports are for.
        package var socket = ""
        /// What the worker called itself.
        package var client = ""
        /// The worker's process.
        package var processID: UInt32 = 0
        /// The half of the worker's id that others may see.
        package var worker: UInt64 = 0
        /// When the reports were left, on the wall clock.
        package var at = Timestamp(milliseconds: 0)
        /// All of them, in their order.
        package var reports: [Item] = []

        /// Reports that will be delivered.
        package var pending: Int { reports.count { $0.state == .pending } }
        /// Reports that wait for a person.
        package var held: Int { reports.count { $0.state == .refused || $0.state == .inDoubt } }
    }

    /// One report.
    package struct Item: Sendable {
        package enum State: String, Sendable {
            case pending, delivered, refused, inDoubt
        }

        /// Its number.
        package var sequence: UInt64
        /// Its command.
        package var command: UInt16
        /// The command's fields.
        package var payload: [UInt8]
        /// What has become of it.
        package var state: State
        /// Why, where it was not delivered.
        package var reason: String
    }

    /// The folders that were looked into.
    package var folders: [String] = []
    /// Oldest first in each folder.
    package var files: [File] = []

    /// Looks at all files, also at those that are being worked on, and changes nothing.
    package init(_ place: FuseboxClient.SpoolPlace) {
        for path in SpoolFolder.paths(place) {
            folders.append(path)
            guard let folder = try? SpoolFolder(opening: path), let names = try? folder.names() else { continue }
            for name in names {
                do throws(SystemFailure) {
                    files.append(File(name, path, try SpoolFile.look(at: name, in: folder)))
                } catch {
                    // What has gone meanwhile, and what is no file of this user, is none of the spool's.
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

    /// One that cannot be read.
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

/// What a person decides about a file of the spool.
package enum SpoolDecision {
    /// What became of a decision.
    package enum Outcome: Sendable, Equatable {
        case done
        /// There is no such file, or another process works on it.
        case notFound
        /// Some of its reports are still to be delivered.
        case hasPending
    }

    /// Removes a file with what is in it.
    ///
    /// - Parameter evenPending: whether also reports are given up that could still be delivered
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

    /// Makes the reports that wait for a person new ones, of a worker that no daemon has met: they have not counted, the
    /// person says.
    package static func renew(_ name: String, in path: String) throws(SystemFailure) -> Outcome {
        let folder = try SpoolFolder(opening: path)
        guard SpoolFolder.isOwn(name), let file = try SpoolFile.open(name, in: folder),
            !file.isTooLong, let contents = try? SpoolContents(try file.read())
        else { return .notFound }
        guard contents.pending.isEmpty else { return .hasPending }
        var left = LeftReports(header: contents.header, reports: contents.held.map(\.record))
        left.becomeNew()
        _ = try SpoolFile.make(left.bytes, in: folder, replacing: name)
        return .done
    }
}
