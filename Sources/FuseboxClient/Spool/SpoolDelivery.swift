import FuseboxCollections
import FuseboxWire
import Glibc

/// Delivers the spool in the background while a client is connected, one file after the other.
final class SpoolDelivery: Sendable {
    private struct State {
        var isRunning = false
        var isStopping = false
    }

    private let path: String
    private let configuration: FuseboxClient.Configuration
    private let state = Lock(State())
    private let parker = Parker()

    init(_ path: String, _ configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
    }

    /// Begins a delivery if the spool has files. Called when a connection has been made.
    func begin() {
        guard Self.mayHaveFiles(configuration.spool) else { return }
        let isFirst = state.withLock { state in
            guard !state.isRunning, !state.isStopping else { return false }
            state.isRunning = true
            return true
        }
        guard isFirst else { return }
        do throws(SystemFailure) { try Thread.start { self.run() } } catch {
            // The files stay for the next connection.
            state.withLock { $0.isRunning = false }
        }
    }

    private func run() {
        var round = SpoolRound(path, configuration)
        round.run { !state.withLock { $0.isStopping } }
        state.withLock { $0.isRunning = false }
        parker.wake()
    }

    /// Whether the spool has files. Usually there is not even a folder.
    private static func mayHaveFiles(_ place: FuseboxClient.SpoolPlace) -> Bool {
        SpoolFolder.paths(place).contains { path in
            guard let folder = try? SpoolFolder(opening: path), let names = try? folder.allNames() else { return false }
            return names.contains { SpoolFolder.isOwn($0) || SpoolFolder.isOwn($0, SpoolFolder.partSuffix) }
        }
    }

    /// Waits for the end of the delivery under way. Only one thread may wait.
    func wait(until deadline: Deadline) {
        while state.withLock({ $0.isRunning }), deadline.remainingMilliseconds > 0 { parker.park(until: deadline) }
    }

    /// Ends the delivery when the client is closed. Waits for it until the deadline. The rest is left to the next
    /// client.
    func end(by deadline: Deadline) {
        wait(until: deadline)
        state.withLock { $0.isStopping = true }
    }
}

/// One round through the spool. It takes every file that is for this daemon and that no other process works on.
package struct SpoolRound {
    private let path: String
    private let configuration: FuseboxClient.Configuration
    /// The number of reports that were delivered.
    package private(set) var delivered = 0
    /// The number of reports that have become undecided.
    package private(set) var undecided = 0
    /// Why the round was not completed. Nil: it was.
    package private(set) var failure: String?
    /// The number of files in a row that could not be delivered; see `ClientLimits.failedFiles`.
    private var failures = 0

    /// A round for the daemon at a socket path, through the spool of a configuration.
    package init(_ path: String, _ configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
    }

    /// Delivers files, oldest first.
    ///
    /// - Parameters:
    ///   - only: the name of the only file to deliver. Nil: all files.
    ///   - goesOn: called before each batch; the round ends if it returns false
    package mutating func run(only: String? = nil, while goesOn: () -> Bool = { true }) {
        for path in SpoolFolder.paths(configuration.spool) {
            guard let folder = try? SpoolFolder(opening: path), let names = try? folder.allNames() else { continue }
            for name in names.sorted() where only == nil || only == name {
                guard failures < ClientLimits.failedFiles, goesOn() else { return }
                if SpoolFolder.isOwn(name) { take(name, in: folder, goesOn) }
                if SpoolFolder.isOwn(name, SpoolFolder.partSuffix) { sweep(name, in: folder) }
            }
        }
    }

    /// Deals with a file that its writer did not name before it died. A complete file gets its name, any other is
    /// removed. The writer had not told anybody that its reports were kept. A file that was to replace one that is still
    /// there is removed too, because that one holds the reports.
    private func sweep(_ name: String, in folder: borrowing SpoolFolder) {
        // The writer of a young file is about to lock it.
        guard let age = folder.age(of: name), age >= ClientLimits.abandonedSeconds else { return }
        do throws(SystemFailure) {
            guard let file = try SpoolFile.open(name, in: folder), file.age >= ClientLimits.abandonedSeconds else {
                return
            }
            guard !file.isTooLong else { return }
            let hasFile = folder.length(of: SpoolFolder.file(of: name)) != nil
            if !hasFile, (try? SpoolContents(try file.read())) != nil {
                try file.adopt(in: folder)
            } else {
                try file.remove(from: folder)
            }
        } catch {
            // The file does no harm. The next round tries again.
        }
    }

    private mutating func take(_ name: String, in folder: borrowing SpoolFolder, _ goesOn: () -> Bool) {
        do throws(SystemFailure) {
            guard let file = try open(name, in: folder) else { return }
            // Files that are damaged or too long are left for `spool list` to show.
            guard !file.isTooLong, let contents = try? SpoolContents(try file.read()), contents.header.socket == path
            else { return }
            guard !contents.pending.isEmpty else {
                // A process died after it had noted that all is delivered.
                if contents.undecided.isEmpty { try file.remove(from: folder) }
                return
            }
            var transfer: SpoolTransfer
            do throws(ClientError) {
                transfer = try SpoolTransfer(file, contents, path, configuration)
            } catch {
                fail(error.description)
                return
            }
            let ending = try transfer.run(in: folder, while: goesOn)
            delivered += transfer.delivered
            undecided += transfer.undecided
            switch ending {
            case .cutShort(let reason): fail(reason)
            // The daemon may still take other files.
            case .waits(let reason): (failures, failure) = (0, reason)
            case .done, .stopped: failures = 0
            }
            try transfer.finish(in: folder)
        } catch {
            fail("\(name): \(error)")
        }
    }

    /// Opens a file to deliver it. One that is not a file of this user alone is left alone, which says nothing of the
    /// daemon.
    private mutating func open(
        _ name: String, in folder: borrowing SpoolFolder
    ) throws(SystemFailure) -> SpoolFile? {
        do throws(SystemFailure) { return try SpoolFile.open(name, in: folder) } catch {
            guard [EACCES, EISDIR, ELOOP, ENXIO, EPERM].contains(error.code) else { throw error }
            failure = "\(name): \(error)"
            return nil
        }
    }

    private mutating func fail(_ reason: String) {
        failures += 1
        failure = reason
    }
}
