import FuseboxSimulation
import Glibc

/// Flips every bit of a journal and of a snapshot, and cuts the journal at every byte, on all processors.
struct DamageReport {
    private let length: Int
    private let threads = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// - Parameter length: the length of the journal in bytes
    init(journalLength length: Int) { self.length = length }

    /// Prints the result for each file.
    ///
    /// - Returns: whether no damage was accepted silently
    func run() async throws -> Bool {
        var isGood = true
        for file in DamageSweep.File.allCases { isGood = try await flip(file) && isGood }
        for isZeroed in [true, false] { isGood = try await cut(isZeroed: isZeroed) && isGood }
        return isGood
    }

    private func flip(_ file: DamageSweep.File) async throws -> Bool {
        let counts = try await onAllProcessors { thread in
            let sweep = try DamageSweep(file, journalLength: length)
            return (sweep.bits, sweep.flip(stride(from: thread, to: sweep.bits, by: threads)))
        }
        let sum = counts.map(\.1).reduce(DamageSweep.Counts(), +)
        print(
            "\(file.rawValue): \(counts[0].0) bits turned, each alone: \(sum.refused) refused,",
            "\(sum.withoutLoss) without loss, \(sum.torn) torn at the last entry, \(sum.wrong) wrong")
        return sum.wrong == 0 && sum.all == counts[0].0
    }

    private func cut(isZeroed: Bool) async throws -> Bool {
        let failures = try await onAllProcessors { thread in
            let sweep = try DamageSweep(.openJournal, journalLength: length)
            return try sweep.cut(at: stride(from: thread, through: sweep.length, by: threads), isZeroed: isZeroed)
        }.flatMap { $0 }
        print(
            "openJournal: cut at every byte and \(isZeroed ? "zeroed from there" : "ended there"):",
            failures.isEmpty ? "the exact prefix each time" : "something else at \(failures.sorted())")
        return failures.isEmpty
    }

    private func onAllProcessors<Part: Sendable>(
        _ body: @escaping @Sendable (_ thread: Int) throws -> Part
    ) async throws -> [Part] {
        try await withThrowingTaskGroup(of: Part.self) { group in
            for thread in 0..<threads { group.addTask { try body(thread) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
