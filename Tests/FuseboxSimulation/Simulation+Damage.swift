import FuseboxCore
import FuseboxEngine
import FuseboxStore
import FuseboxWire

/// Damage to files between two lives.
extension Simulation {
    /// Recovers a copy of the files in which one bit is flipped, or the journal's end is lost or replaced. The recovery
    /// must refuse it, or lose no synced entry.
    func damage() {
        let copy = storage.copy()
        let honest: (sequence: UInt64, image: [UInt8], isContinuous: Bool)
        do throws(RecoveryRefusal) {
            let recovered = try recover(copy)
            honest = (recovered.sequence, recovered.machine.image, recovered.isJournalContinuous)
        } catch { return fail("the files are refused: \(error)") }
        let isFlip = random.once(in: 2)
        let known = syncedSequence(copy)
        guard let what = isFlip ? flipBit(copy) : loseEnd(copy) else { return }
        // After power loss, facts that only the lost entries contained are lost too.
        let safe = isFlip ? known : syncedSequence(copy)
        do throws(RecoveryRefusal) {
            let recovered = try recover(copy)
            if recovered.sequence == honest.sequence, recovered.machine.image == honest.image {
                if isFlip { result.flipsWithoutLoss += 1 } else { result.lossesWithoutLoss += 1 }
            } else if case .torn = recovered.situation.tail, recovered.sequence >= safe, isFlip {
                result.flipsTorn += 1
            } else if !isFlip, recovered.sequence >= safe {
                result.lossesOfUnsafe += 1
            } else if recovered.isWhole || honest.isContinuous || !isFlip {
                fail(
                    "\(what): the state is at \(recovered.sequence), not \(honest.sequence), \(safe) was safe, and it goes on: \(recovered.situation)"
                )
            }
        } catch { if isFlip { result.flipsRefused += 1 } else { result.lossesRefused += 1 } }
    }

    /// Flips one bit of a file. Returns its position; nil if there is none.
    private func flipBit(_ files: SimulatedStorage) -> String? {
        guard let (file, length) = pickFile(files) else { return nil }
        let bit = random.below(length * 8)
        files.flip(bit: bit, of: file)
        return "bit \(bit) of \(file) was flipped"
    }

    /// Deletes, empties, cuts or replaces a segment, as a person may by mistake. Returns the kind of damage; nil if
    /// there is no segment.
    private func loseEnd(_ files: SimulatedStorage) -> String? {
        guard let names = try? files.segments(), let last = names.last, let bytes = try? files.read(last.file) else {
            return nil
        }
        let zeros = [UInt8](repeating: 0, count: bytes.count)
        switch random.below(6) {
        case 0:
            try? files.remove(last.file)
            return "\(last.file) was deleted"
        case 1:
            files.put(zeros, as: last.file)
            return "\(last.file) was emptied"
        case 2:
            let end = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
            let cut = random.within(0...end)
            files.put(Array(bytes[..<cut] + zeros[cut...]), as: last.file)
            return "\(last.file) was cut at \(cut)"
        case 3:
            let other = random.pick(names)
            guard other != last, let old = try? files.read(other.file) else { return nil }
            files.put(old, as: last.file)
            return "\(other.file) took the place of \(last.file)"
        case 4:
            let stray = JournalName(firstSequence: last.firstSequence + UInt64(random.within(1...50)))
            guard let old = try? files.read(random.pick(names).file) else { return nil }
            files.put(old, as: stray.file)
            return "a segment was copied to \(stray.file)"
        default:
            for name in names { try? files.remove(name.file) }
            return "the journal was deleted"
        }
    }

    private func recover(_ files: SimulatedStorage) throws(RecoveryRefusal) -> Recovered {
        try Recovered.find(
            in: SnapshotStore(files), profile: .fusebox, bounds: options.bounds, newEpoch: 1,
            at: Moment(milliseconds: realtime))
    }

    /// A file, and the end of its written part.
    private func pickFile(_ files: SimulatedStorage) -> (name: String, length: Int)? {
        guard let names = try? files.list(), !names.isEmpty else { return nil }
        let name = random.pick(names)
        guard let bytes = try? files.read(name), let last = bytes.lastIndex(where: { $0 != 0 }) else { return nil }
        return (name, last + 1)
    }

    /// The highest sequence that must be recovered: what an entry knows to be on disk, and after the death of a
    /// process, everything that was acknowledged as durable.
    private func syncedSequence(_ files: SimulatedStorage) -> UInt64 {
        var highest: UInt64 = hasLostPower || durability == .snapshot ? 0 : durableFloor
        for mark in (try? SyncMark.all(in: files)) ?? [] { highest = max(highest, mark.sequence) }
        for name in (try? files.segments()) ?? [] {
            guard let bytes = try? files.read(name.file), let reader = try? JournalReader(bytes) else { continue }
            _ = reader.forEach { entry, _, _ in highest = max(highest, entry.synced) }
        }
        return highest
    }
}
