import FuseboxStore

/// Reads what a daemon journals while it runs.
struct JournalTail {
    struct Input {
        let entry: JournalEntry
        let payload: [UInt8]
    }

    /// The sequence of the last entry that was read. A start that has lost entries sets it back.
    var sequence: UInt64 = 0

    /// The entries that were written since the last time.
    mutating func read(_ files: SimulatedStorage) -> [Input] {
        var found: [Input] = []
        // A turn begins at most one segment.
        for name in ((try? files.segments()) ?? []).suffix(2) {
            guard let bytes = try? files.read(name.file), let reader = try? JournalReader(bytes) else { continue }
            _ = reader.forEach { entry, payload, _ in
                guard entry.command != JournalEntry.seal, entry.sequence > sequence else { return }
                sequence = entry.sequence
                found.append(Input(entry: entry, payload: Array(payload)))
            }
        }
        return found
    }
}
