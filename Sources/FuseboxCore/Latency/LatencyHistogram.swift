import FuseboxWire

/// How often calls took how long, in buckets that are at most an eighth of their times wide.
struct LatencyHistogram: Sendable {
    /// Eight buckets of one millisecond, then eight for each power of two.
    static let bucketCount = 168
    /// The longest time that has a bucket of its own, in milliseconds: 2 hours and 20 minutes. A longer one counts as it.
    static let longest: Int64 = (1 << 23) - 1

    private var buckets = InlineArray<168, UInt32>(repeating: 0)
    /// The number of calls.
    private(set) var count = 0

    /// Adds a call.
    mutating func add(_ milliseconds: Int64) {
        buckets[Self.bucket(of: milliseconds)] &+= 1
        count += 1
    }

    /// Adds all calls of another one.
    mutating func add(_ other: borrowing LatencyHistogram) {
        guard other.count > 0 else { return }
        for bucket in 0..<Self.bucketCount { buckets[bucket] &+= other.buckets[bucket] }
        count += other.count
    }

    /// The figures; nil if there was no call.
    var figures: Latency? {
        guard count > 0 else { return nil }
        return Latency(
            count: UInt32(clamping: count), p50Milliseconds: percentile(50), p95Milliseconds: percentile(95),
            p99Milliseconds: percentile(99))
    }

    /// The time that at least this share of the calls did not exceed: the longest of its bucket, so it is never too short.
    private func percentile(_ share: Int) -> UInt32 {
        var left = (count * share + 99) / 100
        for bucket in 0..<Self.bucketCount {
            left -= Int(buckets[bucket])
            if left <= 0 { return UInt32(Self.longest(in: bucket)) }
        }
        return UInt32(Self.longest)
    }

    /// The bucket of a time. A negative one counts as 0.
    static func bucket(of milliseconds: Int64) -> Int {
        let time = Int(min(max(milliseconds, 0), longest))
        guard time >= 8 else { return time }
        let power = Int.bitWidth - 1 - time.leadingZeroBitCount
        return (power - 2) << 3 + (time >> (power - 3) & 7)
    }

    /// The longest time in a bucket.
    static func longest(in bucket: Int) -> Int64 {
        guard bucket >= 8 else { return Int64(bucket) }
        let shift = Int64(bucket >> 3 - 1)
        return (Int64(8 + bucket & 7) + 1) << shift - 1
    }
}
