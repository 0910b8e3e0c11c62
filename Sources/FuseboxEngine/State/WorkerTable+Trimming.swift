import FuseboxCore
import FuseboxWire

extension WorkerTable {
    /// Forgets workers until the table is within its bounds, because a start may have lower bounds than the one before.
    /// No worker is connected at that time.
    ///
    /// Workers are forgotten in this order:
    ///
    /// 1. workers with more kept replies than one worker may have
    /// 2. for each user with too much, the workers that have been quiet for the longest
    /// 3. workers of the user with the most, until all bounds hold
    ///
    /// - Returns: the number of forgotten workers
    mutating func trim(to bounds: Bounds) -> Int {
        guard !fits(bounds) else { return 0 }
        let before = count
        var tooLarge: [WorkerID] = []
        forEach { worker in
            if worker.kept.byteCount > bounds.keptBytesPerWorker || worker.kept.count > bounds.keptReplies {
                tooLarge.append(worker.id)
            }
        }
        for worker in tooLarge { forget(worker, isEvicted: true) }
        var queues = Queues(self)
        for share in shares {
            while self.share(of: share.user).bytes > bounds.keptBytesPerUser {
                guard let next = queues.next(of: share.user, keptOnly: true, in: self) else { break }
                forget(next, isEvicted: true)
            }
        }
        while bytes > bounds.keptBytes, let user = largest(by: \.bytes),
            let next = queues.next(of: user, keptOnly: true, in: self)
        {
            forget(next, isEvicted: true)
        }
        queues = Queues(self)
        while count > bounds.workers, let user = largest(by: \.workers),
            let next = queues.next(of: user, keptOnly: false, in: self)
        {
            forget(next, isEvicted: true)
        }
        return before - count
    }

    private func fits(_ bounds: Bounds) -> Bool {
        guard count <= bounds.workers, bytes <= bounds.keptBytes,
            shares.allSatisfy({ $0.bytes <= bounds.keptBytesPerUser })
        else { return false }
        var fits = true
        forEach { worker in
            fits =
                fits && worker.kept.byteCount <= bounds.keptBytesPerWorker && worker.kept.count <= bounds.keptReplies
        }
        return fits
    }

    private func largest(by amount: KeyPath<Share, Int>) -> UInt32? {
        shares.max { ($0[keyPath: amount], $1.user) < ($1[keyPath: amount], $0.user) }?.user
    }

    /// The workers of each user. Those that have been quiet for the longest come last.
    private struct Queues {
        private var ofUser: [UInt32: [WorkerID]] = [:]

        init(_ table: WorkerTable) {
            var all: [(seen: Timestamp, place: Int, id: WorkerID, user: UInt32)] = []
            table.forEach { all.append(($0.lastSeen, all.count, $0.id, $0.user)) }
            all.sort { ($0.seen, $0.place) > ($1.seen, $1.place) }
            for worker in all { ofUser[worker.user, default: []].append(worker.id) }
        }

        mutating func next(of user: UInt32, keptOnly: Bool, in table: WorkerTable) -> WorkerID? {
            while let id = ofUser[user]?.popLast() {
                guard let slot = table.find(id) else { continue }
                if !keptOnly || table[slot].kept.byteCount > 0 { return id }
            }
            return nil
        }
    }
}
