import FuseboxCollections
import FuseboxWire

/// Spend of one provider in a stretch of time. A stretch of no length with a count of 1 is a single record.
public struct SpendEntry: Sendable, Equatable {
    /// When the earliest of its records was made.
    public var start: Timestamp
    /// When the latest of its records was made.
    public var end: Timestamp
    /// The sum of its records, in nano-dollars.
    public var cost: Int64
    /// The number of its records.
    public var count: Int64

    /// A single record.
    public init(at moment: Timestamp, cost: Int64) {
        self.init(start: moment, end: moment, cost: cost, count: 1)
    }

    /// A number of records in a stretch of time, and their sum in nano-dollars.
    public init(start: Timestamp, end: Timestamp, cost: Int64, count: Int64) {
        self.start = start
        self.end = end
        self.cost = cost
        self.count = count
    }

    /// Whether it is one record, not a sum of several.
    public var isSingle: Bool { count == 1 && start == end }

    fileprivate static let none = SpendEntry(
        start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 0), cost: 0, count: 0)

    fileprivate mutating func merge(_ later: SpendEntry) {
        // Imported records may be out of order.
        start = min(start, later.start)
        end = max(end, later.end)
        // A history outlives the accounts whose sums are checked, so a sum stops at the end of its range. A sum of
        // what is spent is told no larger than that end either, so that it is the same whether stretches are merged or
        // not.
        cost = cost.saturatingAdd(later.cost)
        count = count.saturatingAdd(later.count)
    }
}

/// What was spent within a window.
public struct SpendSum: Sendable, Equatable {
    /// What was spent, in nano-dollars.
    public var cost: Int64 = 0
    /// The number of records.
    public var count: Int64 = 0
    /// Whether a stretch that began before the window is counted in full.
    public var isApproximate = false
    /// The cost as a sum of doubles, oldest first, if the profile adds doubles.
    var dollars: Double?
}

/// A sum of entries. Entries can be added, and added entries can be taken away.
///
/// It is wide enough to be exact: a list has fewer than 2⁶³ entries of less than 2⁶⁴ each. A sum that stops at the end
/// of its range could not be subtracted from.
struct RunningSum: Sendable {
    private var cost: Int128 = 0
    private var count: Int128 = 0
    var isApproximate = false

    mutating func add(_ entry: SpendEntry) {
        cost += Int128(entry.cost)
        count += Int128(entry.count)
    }

    mutating func subtract(_ entry: SpendEntry) {
        cost -= Int128(entry.cost)
        count -= Int128(entry.count)
    }

    /// The sum as it is reported. It stops at the end of its range.
    var told: SpendSum {
        SpendSum(cost: Int64(clamping: cost), count: Int64(clamping: count), isApproximate: isApproximate)
    }
}

extension Int64 {
    func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}

/// The spend history of every provider, in one pool of blocks.
///
/// At least the newest 2,000 records of a provider are kept one by one. Older records are summed into stretches of five
/// minutes, of an hour after a day, and of a day after a week. At the cap the two oldest stretches become one. A window
/// that cuts a stretch counts it in full, so a sum is never too small. Memory is bounded by the number of providers
/// times `entriesPerProvider`.
public struct SpendPool: Sendable {
    /// The number of single records at which the oldest `foldedAtOnce` become stretches.
    static let foldAt = Bounds.exactRecords + foldedAtOnce
    static let foldedAtOnce = 8 * SpendBlock.capacity
    static let entriesPerProvider = foldAt + Bounds.spendStretches

    /// The window of the burn rate that depletion is estimated with.
    static let rollingWindowMilliseconds: Int64 = 86_400_000

    /// The entries of all blocks, one block after the other, so that an entry is read without the rest of its block.
    private var entries = ChunkedArray<SpendEntry>()
    /// The next block of the list, for each block.
    private var following = SlotTable<Int>()

    /// A pool without a block.
    public init() {}

    /// The number of bytes in use, for tests of the bound.
    var footprint: Int { following.end * SpendBlock.bytes }

    mutating func removeAll() {
        entries.removeAll()
        following.removeAll()
    }

    // MARK: A provider's list

    /// Adds a record and brings the rolling sum up to date.
    mutating func record(_ entry: SpendEntry, in list: inout SpendList) {
        append(entry, to: &list)
        list.exact += 1
        list.rolling.add(entry)
        advanceEdge(of: &list, to: entry.start)
        if Self.needsFold(list) { fold(&list, at: entry.start) }
    }

    /// Whether a list is so long that its oldest records are summed. Imported lists may have more stretches than this
    /// pool makes.
    private static func needsFold(_ list: SpendList) -> Bool {
        list.exact >= foldAt || list.count > entriesPerProvider
    }

    /// Adds an entry of a restored history, stretches before single records. `finishRestoring` must follow the last.
    mutating func restore(_ entry: SpendEntry, isExact: Bool, in list: inout SpendList) {
        precondition(isExact || list.exact == 0, "stretches come before single records")
        append(entry, to: &list)
        if isExact { list.exact += 1 }
    }

    /// Ends a restore: computes the counts and the rolling sum.
    mutating func finishRestoring(_ list: inout SpendList, at now: Timestamp) {
        if Self.needsFold(list) { fold(&list, at: now) }
        recomputeRolling(&list, at: now)
    }

    /// What was spent from `cutoff` on.
    func sum(of list: SpendList, since cutoff: Timestamp) -> SpendSum {
        var sum = RunningSum()
        forEach(of: list) { entry in
            guard entry.end >= cutoff else { return }
            sum.add(entry)
            if entry.start < cutoff { sum.isApproximate = true }
        }
        return sum.told
    }

    /// What was spent in the 24 hours before `now`, without walking the history. `now` must not go backwards.
    func rollingSum(of list: inout SpendList, at now: Timestamp) -> SpendSum {
        advanceEdge(of: &list, to: now)
        return list.rolling.told
    }

    /// How much of the window that ends now a list covers: all of it if the list began before the window, otherwise the
    /// time since the list began.
    func observed(_ list: SpendList, windowMilliseconds: Int64, at now: Timestamp) -> Int64 {
        guard list.count > 0 else { return 0 }
        return min(max(now - list.since, 0), windowMilliseconds)
    }

    func forEach<Failure: Error>(
        of list: SpendList, _ body: (SpendEntry) throws(Failure) -> Void
    ) throws(Failure) {
        var block = list.head
        var offset = list.headOffset
        for _ in 0..<list.count {
            if offset == SpendBlock.capacity {
                block = following[block]
                offset = 0
            }
            try body(entries[SpendBlock.place(block, offset)])
            offset += 1
        }
    }

    /// Frees a provider's blocks.
    mutating func remove(_ list: inout SpendList) {
        var block = list.head
        while block != SpendBlock.none {
            block = following.remove(at: block)
        }
        list = SpendList()
    }

    // MARK: Blocks

    private mutating func append(_ entry: SpendEntry, to list: inout SpendList) {
        if list.tail == SpendBlock.none || list.tailOffset == SpendBlock.capacity {
            let block = allocate()
            if list.tail == SpendBlock.none {
                list.head = block
                list.headOffset = 0
                list.edge = SpendList.Edge(block: block, offset: 0)
            } else {
                following[list.tail] = block
            }
            list.tail = block
            list.tailOffset = 0
        }
        entries[SpendBlock.place(list.tail, list.tailOffset)] = entry
        list.tailOffset += 1
        list.count += 1
        list.since = min(list.since, entry.start)
    }

    private mutating func allocate() -> Int {
        let block = following.insert(SpendBlock.none)
        if SpendBlock.place(block, 0) == entries.count {
            for _ in 0..<SpendBlock.capacity { entries.append(.none) }
        }
        return block
    }

    // MARK: The rolling sum

    /// Moves the edge of the rolling window past the entries that have left it. Each entry is passed once.
    private func advanceEdge(of list: inout SpendList, to now: Timestamp) {
        let cutoff = now - Self.rollingWindowMilliseconds
        while list.edgeIndex < list.count {
            if list.edge.offset == SpendBlock.capacity {
                list.edge = SpendList.Edge(block: following[list.edge.block], offset: 0)
            }
            let entry = entries[SpendBlock.place(list.edge.block, list.edge.offset)]
            guard entry.end < cutoff else {
                list.rolling.isApproximate = entry.start < cutoff
                return
            }
            list.rolling.subtract(entry)
            list.edge.offset += 1
            list.edgeIndex += 1
        }
        list.rolling.isApproximate = false
    }

    private func recomputeRolling(_ list: inout SpendList, at now: Timestamp) {
        list.edge = SpendList.Edge(block: list.head, offset: list.headOffset)
        list.edgeIndex = 0
        list.rolling = RunningSum()
        forEach(of: list) { entry in list.rolling.add(entry) }
        advanceEdge(of: &list, to: now)
    }

    // MARK: Folding

    /// Sums the oldest records. This happens once in `foldedAtOnce` records, so the work for each record is small.
    private mutating func fold(_ list: inout SpendList, at now: Timestamp) {
        var all: [SpendEntry] = []
        all.reserveCapacity(list.count)
        forEach(of: list) { all.append($0) }
        let exact = min(list.exact, Bounds.exactRecords)
        let older = Self.summedUp(all.dropLast(exact), at: now)
        var folded = SpendList()
        remove(&list)
        for entry in older { append(entry, to: &folded) }
        for entry in all.suffix(exact) { append(entry, to: &folded) }
        folded.exact = exact
        recomputeRolling(&folded, at: now)
        list = folded
    }

    private static func summedUp(_ entries: ArraySlice<SpendEntry>, at now: Timestamp) -> [SpendEntry] {
        var stretches: [SpendEntry] = []
        for entry in entries {
            let width = stretchMilliseconds(age: now - entry.end)
            if let last = stretches.last, last.start.milliseconds / width == entry.end.milliseconds / width {
                stretches[stretches.count - 1].merge(entry)
            } else {
                stretches.append(entry)
            }
        }
        let excess = stretches.count - Bounds.spendStretches
        guard excess > 0 else { return stretches }
        var oldest = stretches[0]
        for stretch in stretches[1...excess] { oldest.merge(stretch) }
        return [oldest] + stretches[(excess + 1)...]
    }

    /// The length of a stretch that ended this long ago. A day holds 300 of the shortest, a week 168 hours.
    private static func stretchMilliseconds(age: Int64) -> Int64 {
        switch age {
        case ..<(25 * 3_600_000): 300_000
        case ..<(8 * 86_400_000): 3_600_000
        default: 86_400_000
        }
    }
}

/// A block of the pool: entries of one provider, and the block that follows. Blocks are numbered.
enum SpendBlock {
    static let capacity = 32
    static let none = -1
    static let bytes = capacity * MemoryLayout<SpendEntry>.stride + MemoryLayout<Int>.stride

    /// Where an entry of a block is among all entries.
    static func place(_ block: Int, _ offset: Int) -> Int { block * capacity + offset }
}

/// A provider's place in the pool, and its rolling sum.
public struct SpendList: Sendable {
    struct Edge: Sendable {
        var block: Int
        var offset: Int
    }

    var head = SpendBlock.none
    var headOffset = 0
    var tail = SpendBlock.none
    var tailOffset = 0
    /// The number of entries.
    var count = 0
    /// When the first entry began. Imported records may be out of order.
    var since = Timestamp(milliseconds: .max)
    /// The number of entries at the end that are single records.
    var exact = 0
    /// The first entry that the rolling sum counts.
    var edge = Edge(block: SpendBlock.none, offset: 0)
    /// The number of entries before it.
    var edgeIndex = 0
    var rolling = RunningSum()
}

/// The history that the reference library keeps: the newest 2,000 records of all providers together.
public struct SharedSpendHistory: Sendable {
    /// A record.
    public struct Entry: Sendable, Equatable {
        /// When it was made.
        public var at: Timestamp
        /// The provider that was charged.
        public var provider: NameID
        /// What it cost, in nano-dollars.
        public var cost: Int64

        /// A record of this cost in nano-dollars.
        public init(at: Timestamp, provider: NameID, cost: Int64) {
            self.at = at
            self.provider = provider
            self.cost = cost
        }
    }

    private var queue = Fifo<Entry>()

    /// A history without a record.
    public init() {}

    mutating func record(_ entry: Entry) { add(entry, capacity: Bounds.sharedRecords) }

    /// Adds an entry of a restored history. As in the reference, a restored history keeps its length even if it is
    /// longer than a history becomes by itself. Here memory and the time of a sum bound it.
    mutating func restore(_ entry: Entry) { add(entry, capacity: Bounds.restoredSharedRecords) }

    private mutating func add(_ entry: Entry, capacity: Int) {
        if queue.count >= capacity { queue.removeFirst() }
        queue.append(entry)
    }

    mutating func removeAll() { queue.removeAll() }

    /// Forgets a provider's entries.
    mutating func remove(_ provider: NameID) { queue.removeAll { $0.provider == provider } }

    /// The entries, oldest first.
    public var entries: [Entry] { Array(queue) }

    func sum(of provider: NameID, since cutoff: Timestamp) -> SpendSum {
        var sum = RunningSum()
        var dollars = 0.0
        // From the oldest on, because sums of doubles depend on their order.
        for index in 0..<queue.count {
            let entry = queue[index]
            guard entry.provider == provider, entry.at >= cutoff else { continue }
            sum.add(SpendEntry(at: entry.at, cost: entry.cost))
            dollars += Money(nanodollars: entry.cost).dollars
        }
        var told = sum.told
        told.dollars = dollars
        return told
    }

    func contains(_ provider: NameID) -> Bool { queue.contains { $0.provider == provider } }
}
