import FuseboxWire

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

    /// A connection has been made: begins if there is anything to deliver.
    func begin() {
        guard Self.mayHaveFiles(configuration.spool) else { return }
        let isFirst = state.withLock { state in
            guard !state.isRunning, !state.isStopping else { return false }
            state.isRunning = true
            return true
        }
        guard isFirst else { return }
        do throws(SystemFailure) { try Thread.start { self.run() } } catch {
            // It stays where it is, for the next connection.
            state.withLock { $0.isRunning = false }
        }
    }

    private func run() {
        var round = SpoolRound(path, configuration)
        round.run { !state.withLock { $0.isStopping } }
        state.withLock { $0.isRunning = false }
        parker.wake()
    }

    /// Whether a look is worth while. Usually there is no folder.
    private static func mayHaveFiles(_ place: FuseboxClient.SpoolPlace) -> Bool {
        SpoolFolder.paths(place).contains { path in
            guard let folder = try? SpoolFolder(opening: path), let names = try? folder.allNames() else { return false }
            return names.contains { SpoolFolder.isOwn($0) || SpoolFolder.isOwn($0, SpoolFolder.partSuffix) }
        }
    }

    /// Waits for the end of what is under way. For one thread.
    func wait(until deadline: Deadline) {
        while state.withLock({ $0.isRunning }), deadline.remainingMilliseconds > 0 { parker.park(until: deadline) }
    }

    /// The client is closed: what is under way is given its time, and what is left then waits for the next client.
    func end(by deadline: Deadline) {
        wait(until: deadline)
        state.withLock { $0.isStopping = true }
    }
}

/// One round through the spool: every file that is for this daemon and that nobody else works on.
package struct SpoolRound {
    private let path: String
    private let configuration: FuseboxClient.Configuration
    /// Reports that have counted.
    package private(set) var delivered = 0
    /// Reports that now wait for a person.
    package private(set) var held = 0
    /// Why it did not come to its end.
    package private(set) var failure: String?
    /// Files in a row that could not be delivered. One may have a reason of its own; several have the daemon's.
    private var failures = 0

    package init(_ path: String, _ configuration: FuseboxClient.Configuration) {
        self.path = path
        self.configuration = configuration
    }

    /// - Parameters:
    ///   - only: the file that is delivered, and no other; nil: all
    ///   - goesOn: asked before each batch
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

    /// A writer that died left a file without its name. It has told nobody that it is kept: what is whole is, the rest goes.
    private func sweep(_ name: String, in folder: borrowing SpoolFolder) {
        do throws(SystemFailure) {
            guard let file = try SpoolFile.open(name, in: folder), file.age >= ClientLimits.abandonedSeconds else {
                return
            }
            guard !file.isTooLong else { return }
            if (try? SpoolContents(try file.read())) != nil {
                try file.adopt(in: folder)
            } else {
                try file.remove(from: folder)
            }
        } catch {
            // It does no harm where it is.
        }
    }

    private mutating func take(_ name: String, in folder: borrowing SpoolFolder, _ goesOn: () -> Bool) {
        do throws(SystemFailure) {
            guard let file = try SpoolFile.open(name, in: folder) else { return }
            // A damaged file is shown to a person, and so is one that is too long.
            guard !file.isTooLong, let contents = try? SpoolContents(try file.read()), contents.header.socket == path,
                !contents.pending.isEmpty
            else { return }
            var transfer: SpoolTransfer
            do throws(ClientError) {
                transfer = try SpoolTransfer(file, contents, path, configuration)
            } catch {
                fail(error.description)
                return
            }
            failures = 0
            let ending = try transfer.run(in: folder, while: goesOn)
            delivered += transfer.delivered
            held += transfer.held
            switch ending {
            case .cutShort(let reason): fail(reason)
            // The others may be taken all the same.
            case .waits(let reason): failure = reason
            case .done, .stopped: break
            }
            try transfer.finish(in: folder)
        } catch {
            fail("\(name): \(error)")
        }
    }

    private mutating func fail(_ reason: String) {
        failures += 1
        failure = reason
    }
}
