import FuseboxCore
import FuseboxStore
import FuseboxWire

/// What was found in a data directory, and what to make of it. One labelled row a case:
///
/// | case | found | done |
/// |---|---|---|
/// | `empty` | no snapshot | an empty state, a new epoch |
/// | `newest` | the newest snapshot is good | its state |
/// | `fellBack` | the newest is damaged, an older one is good | the older state; the damaged file is kept under another name, and the log says loudly what is lost |
/// | `allDamaged` | snapshots, and none can be read | refused: nothing is touched |
/// | `newerVersion` | the newest was written by a version of another format | refused: nothing is touched |
/// | `unreadable` | the directory or a file cannot be read at all | refused: nothing is touched |
///
/// Finding out changes nothing; `settle` then removes what a crash left half-written and sets damaged files aside.
public enum RecoveryCase: Sendable, Equatable {
    case empty
    case newest(SnapshotName)
    case fellBack(to: SnapshotName, damaged: [SnapshotFailure])
}

/// Why a data directory cannot be recovered. The files are as they were.
public enum RecoveryRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case allDamaged([SnapshotFailure])
    case newerVersion(file: String, SnapshotDamage)
    case unreadable(SnapshotFailure)

    public var description: String {
        switch self {
        case .allDamaged(let failures):
            "none of the \(failures.count) snapshots can be read (\(failures.map(\.description).joined(separator: "; "))). Restore a backup with `fusebox snapshot restore FILE --data DIR`, or move the files away to begin with an empty state"
        case .newerVersion(let file, let damage):
            "\(file): \(damage). Start the version that wrote it, or move the file away to begin with an older one"
        case .unreadable(let failure):
            "the data directory cannot be read: \(failure)"
        }
    }
}

/// The state that a data directory holds.
public struct Recovered: Sendable {
    public let situation: RecoveryCase
    public let machine: StateMachine
    /// The last moment that the state knows; nil if it is new.
    public let recorded: Moment?
    public let epoch: UInt64
    public let sequence: UInt64
    /// The newest snapshot that is good.
    public let snapshot: SnapshotInfo?
    private let damaged: [SnapshotName]
}

extension Recovered {
    /// Finds the state of a data directory, and changes nothing there.
    ///
    /// - Parameters:
    ///   - profile: the semantics to go on with
    ///   - newEpoch: the epoch if the state is new
    ///   - moment: when a new state begins
    public init<Files: Storage>(
        from store: SnapshotStore<Files>, profile: Profile, limits: Limits, newEpoch: UInt64, at moment: Moment
    ) throws(RecoveryRefusal) {
        let names: [SnapshotName]
        do throws(StorageError) { names = try store.list() } catch { throw .unreadable(.storage(error)) }
        var damaged: [(name: SnapshotName, failure: SnapshotFailure)] = []
        for name in names {
            do throws(SnapshotFailure) {
                let (header, machine) = try Self.read(name, from: store, limits: limits)
                self.init(
                    good: name, header, machine.under(profile), damaged: damaged, newest: names[0],
                    info: try store.info(name))
                return
            } catch {
                if case .damaged(let file, let damage) = error, case .unknownVersion = damage {
                    throw .newerVersion(file: file, damage)
                }
                if case .storage = error { throw .unreadable(error) }
                damaged.append((name, error))
            }
        }
        guard damaged.isEmpty else { throw .allDamaged(damaged.map(\.failure)) }
        self.init(fresh: StateMachine(profile: profile, limits: limits, at: moment), epoch: newEpoch)
    }

    private init(fresh machine: StateMachine, epoch: UInt64) {
        situation = .empty
        self.machine = machine
        recorded = nil
        self.epoch = epoch
        sequence = 0
        snapshot = nil
        damaged = []
    }

    private init(
        good name: SnapshotName, _ header: SnapshotHeader, _ machine: StateMachine,
        damaged: [(name: SnapshotName, failure: SnapshotFailure)], newest: SnapshotName, info: SnapshotInfo
    ) {
        situation = damaged.isEmpty ? .newest(name) : .fellBack(to: name, damaged: damaged.map(\.failure))
        self.machine = machine
        recorded = header.moment
        epoch = header.epoch
        // Sequences go on above every one that was ever written, so that a newer snapshot has a newer name.
        sequence = damaged.isEmpty ? header.sequence : newest.sequence + 1
        snapshot = info
        self.damaged = damaged.map(\.name)
    }

    private static func read<Files: Storage>(
        _ name: SnapshotName, from store: SnapshotStore<Files>, limits: Limits
    ) throws(SnapshotFailure) -> (SnapshotHeader, StateMachine) {
        let reader = try store.load(name)
        do throws(SnapshotDamage) {
            return (reader.header, try reader.stateMachine(limits: limits))
        } catch { throw .damaged(name.file, error) }
    }

    /// Removes what a crash left half-written, and sets the damaged snapshots aside. Call it before the first write.
    public func settle<Files: Storage>(_ store: SnapshotStore<Files>) throws(StorageError) {
        try store.removePartials()
        for name in damaged { try store.setAside(name) }
    }

    /// Whether nothing was lost.
    public var isWhole: Bool {
        if case .fellBack = situation { return false }
        return true
    }

    /// One sentence for the log.
    public func report(of directory: String) -> String {
        let contents =
            "\(machine.breakers.count) breakers, \(machine.exhaustion.count) marks, \(machine.ledger.providerCount) providers"
        return switch situation {
        case .empty: "no snapshot in \(directory): the state begins empty"
        case .newest(let name): "recovered \(name.file): \(contents)"
        case .fellBack(let name, let damaged):
            "FELL BACK to \(name.file): \(contents); what changed after it is lost. Damaged and kept as *.damaged: \(damaged.map(\.description).joined(separator: "; "))"
        }
    }
}
