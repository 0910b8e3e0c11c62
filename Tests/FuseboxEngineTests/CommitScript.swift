import FuseboxCore
import FuseboxStore
import FuseboxWire
import Testing

@testable import FuseboxEngine

/// A commit, the inputs that are applied, and what has left.
final class CommitScript {
    var commit: Commit
    var time: Int64 = 1_000
    private var sequence: UInt64
    private var session = Session(id: 1, peer: Peer(processID: 1, user: 1, isOperator: false))
    private var names: [String] = []

    enum Outcome: Equatable {
        case journaled, unjournaled, storageFailed, limitReached, busy
    }

    init(
        _ durability: Durability = .commit, sequence: UInt64 = 0, journaled: UInt64? = nil, room: Int = 1 << 20,
        segmentLength: Int = 64 * 1024, spare: Commit.Spare = .ready
    ) {
        self.sequence = sequence
        let segment = SegmentRoom(room: room, capacity: 1 << 20, segmentLength: segmentLength, spare: spare)
        let now = Timestamp(milliseconds: time)
        let schedule = SnapshotSchedule(intervalMilliseconds: 60_000, newest: nil, at: now)
        commit = Commit(
            durability, sequence: sequence, journaled: journaled ?? sequence,
            segment: durability == .snapshot ? nil : segment, snapshots: schedule, at: now)
    }

    var next: Commit.Action? { commit.next(at: Timestamp(milliseconds: time)) }

    // What tests ask of it, as calls that a macro can take apart.

    var progress: Progress { commit.progress }
    var standing: JournalStanding { commit.standing }
    var failure: String? { commit.failure }
    var shortage: StorageError? { commit.shortage }
    var room: Int { commit.room }
    var capacity: Int { commit.capacity }
    var isContinuous: Bool { commit.isContinuous }
    var isQuiet: Bool { commit.isQuiet }
    var isAtRest: Bool { commit.isAtRest }
    var syncAge: Int64? { commit.syncAge(at: Timestamp(milliseconds: time)) }
    var replacement: Commit.Replacement { commit.replacement }
    var takesUnjournaledOutcomes: Bool { commit.takesUnjournaledOutcomes }
    func mustWait(for needed: Int, of user: UInt32? = nil) -> Bool { commit.mustWait(for: needed, of: user) }

    /// An input is applied and journaled, and its reply names it.
    func input(_ name: String, _ effect: CommandDeclaration.Effect, of user: UInt32? = nil) {
        guard placement() == .journaled else {
            // Without a journal.
            return unjournaled(name)
        }
        sequence += 1
        var entry = JournalEntry()
        entry.sequence = sequence
        Array(name.utf8).withUnsafeBytes { commit.append(entry, payload: $0, of: user) }
        sendAgain(name, effect)
    }

    /// An input is applied and answered that is in no journal.
    func unjournaled(_ name: String) {
        sequence += 1
        commit.appendNothing(sequence)
        names.append("\(name) at once")
    }

    func sendAgain(_ name: String, _ effect: CommandDeclaration.Effect) {
        let isDelayed = Array(name.utf8).withUnsafeBytes {
            commit.delay($0, for: &session, until: commit.durability.watermark(for: effect))
        }
        if !isDelayed { names.append("\(name) at once") }
    }

    func placement(payload: Int = 100, isOutcome: Bool = false) -> Outcome {
        do throws(Refusal) {
            switch try commit.reserve(payload: payload, mayGoUnjournaled: isOutcome) {
            case .journaled: return .journaled
            case .unjournaled: return .unjournaled
            }
        } catch {
            switch error.status {
            case .limitReached: return .limitReached
            case .busy: return .busy
            default: return .storageFailed
            }
        }
    }

    /// The disk does what is asked first, which is to write.
    func writes() {
        #expect(next == .write)
        commit.wrote()
    }

    func syncEnds() { commit.syncEnded(at: Timestamp(milliseconds: time), after: 1_000) }

    func snapshotEnds(_ sequence: UInt64 = 0, failure: StorageError? = nil) {
        var info = SnapshotInfo()
        info.sequence = sequence
        _ = commit.snapshotEnded(failure.map { .failure(.storage($0)) } ?? .success(info))
    }

    /// What has left since the last look.
    var left: [String] {
        commit.release { _, frame in names.append(String(decoding: frame, as: UTF8.self)) }
        defer { names = [] }
        return names
    }
}
