import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// Bits that flip on the disk between two lives.
extension Simulation {
    /// Recovers a copy of the files with one bit flipped: it has to be refused, or to lose nothing that was safe.
    func flipBit() {
        let copy = storage.copy()
        let honest: (sequence: UInt64, image: [UInt8], isContinuous: Bool)
        do throws(RecoveryRefusal) {
            let recovered = try recover(copy)
            honest = (recovered.sequence, recovered.machine.image, recovered.isJournalContinuous)
        } catch { return fail("the files are refused: \(error)") }
        guard let (file, length) = pickFile(copy) else { return }
        let safe = Self.syncedSequence(copy)
        let bit = random.below(length * 8)
        copy.flip(bit: bit, of: file)
        do throws(RecoveryRefusal) {
            let recovered = try recover(copy)
            if recovered.sequence == honest.sequence, recovered.machine.image == honest.image {
                result.flipsWithoutLoss += 1
            } else if case .torn = recovered.situation.tail, recovered.sequence >= safe {
                result.flipsTorn += 1
            } else if recovered.isWhole || honest.isContinuous {
                fail(
                    "bit \(bit) of \(file) was flipped: the state is at \(recovered.sequence), not \(honest.sequence), and it goes on: \(recovered.situation)"
                )
            }
        } catch { result.flipsRefused += 1 }
    }

    private func recover(_ files: SimulatedStorage) throws(RecoveryRefusal) -> Recovered {
        try Recovered.find(
            in: SnapshotStore(files), profile: .fusebox, limits: options.limits, newEpoch: 1,
            at: Moment(milliseconds: realtime))
    }

    /// A file, and up to where something is written in it.
    private func pickFile(_ files: SimulatedStorage) -> (name: String, length: Int)? {
        guard let names = try? files.list(), !names.isEmpty else { return nil }
        let name = random.pick(names)
        guard let bytes = try? files.read(name), let last = bytes.lastIndex(where: { $0 != 0 }) else { return nil }
        return (name, last + 1)
    }

    /// The highest sequence that an entry knows to be on the disk.
    private static func syncedSequence(_ files: SimulatedStorage) -> UInt64 {
        var highest: UInt64 = 0
        for name in (try? files.segments()) ?? [] {
            guard let bytes = try? files.read(name.file), let reader = try? JournalReader(bytes) else { continue }
            _ = reader.forEach { entry, _, _ in highest = max(highest, entry.synced) }
        }
        return highest
    }
}
