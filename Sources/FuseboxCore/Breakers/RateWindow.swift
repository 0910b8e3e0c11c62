import FuseboxWire

/// How the calls of the last monitoring period went: the failed and the slow among them.
///
/// The period is cut into twentieths, which begin at fixed moments. A call counts for the whole period, and until the
/// twentieth in which it ended is over: at most a twentieth of the period longer. Twentieths are whole milliseconds,
/// rounded up. The memory is fixed, and there is none unless a rate is configured.
struct RateWindow: Sendable, Equatable {
    /// The parts of a period.
    static let parts = 20
    /// The buckets that are kept: those of a period, and the one that has begun.
    static let length = parts + 1

    /// The calls that ended within a twentieth of the period.
    struct Bucket: Sendable, Equatable {
        /// The moment at which it begins, divided by its length.
        var number: Int64
        var calls: UInt32 = 0
        var failures: UInt32 = 0
        /// Those of which it is known how long they took.
        var timed: UInt32 = 0
        var slow: UInt32 = 0
    }

    /// The calls of a period.
    struct Sums: Sendable, Equatable {
        var calls: UInt64 = 0
        var failures: UInt64 = 0
        var timed: UInt64 = 0
        var slow: UInt64 = 0
    }

    /// Each at its number modulo `length`. Empty if no rate is configured.
    private var buckets: [Bucket]
    /// Whether what the buckets have does not count any more. They are emptied by the next call, because a copy of the
    /// breaker that is only looked at must not copy them.
    private var isEmptied = false

    /// An empty window.
    ///
    /// - Parameter isKept: whether a rate is configured
    init(isKept: Bool) {
        buckets = isKept ? [Bucket](repeating: Bucket(number: .min), count: Self.length) : []
    }

    // MARK: Counting

    /// Counts a call.
    ///
    /// - Parameter isSlow: nil if it is not known how long the call took
    mutating func count(isFailure: Bool, isSlow: Bool?, at now: Timestamp, over period: Int64) {
        guard !buckets.isEmpty else { return }
        if isEmptied {
            for place in buckets.indices { buckets[place] = Bucket(number: .min) }
            isEmptied = false
        }
        let number = Self.number(of: now, period)
        let place = Self.place(of: number)
        if buckets[place].number != number { buckets[place] = Bucket(number: number) }
        // A bucket that is full keeps its rates.
        guard buckets[place].calls < .max else { return }
        buckets[place].calls += 1
        if isFailure { buckets[place].failures += 1 }
        if let isSlow {
            buckets[place].timed += 1
            if isSlow { buckets[place].slow += 1 }
        }
    }

    /// Forgets every call.
    mutating func empty() { isEmptied = !buckets.isEmpty }

    /// The calls of the period that ends now.
    func sums(at now: Timestamp, over period: Int64) -> Sums {
        var sums = Sums()
        guard !isEmptied, !buckets.isEmpty else { return sums }
        let last = Self.number(of: now, period)
        let first = last - (period + Self.bucketLength(of: period) - 1) / Self.bucketLength(of: period)
        for bucket in buckets where first <= bucket.number && bucket.number <= last {
            sums.calls += UInt64(bucket.calls)
            sums.failures += UInt64(bucket.failures)
            sums.timed += UInt64(bucket.timed)
            sums.slow += UInt64(bucket.slow)
        }
        return sums
    }

    // MARK: Buckets

    /// The length of a bucket in milliseconds, rounded up.
    private static func bucketLength(of period: Int64) -> Int64 { max(1, (period + Int64(parts) - 1) / Int64(parts)) }

    private static func number(of moment: Timestamp, _ period: Int64) -> Int64 {
        let length = bucketLength(of: period)
        let (number, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: length)
        return rest < 0 ? number - 1 : number
    }

    private static func place(of number: Int64) -> Int {
        let rest = Int(number % Int64(length))
        return rest < 0 ? rest + length : rest
    }
}

extension RateWindow {
    /// The buckets that have calls, oldest first.
    func records(over period: Int64) -> [RateBucket] {
        guard !isEmptied else { return [] }
        return buckets.filter { $0.calls > 0 }.sorted { $0.number < $1.number }.map { bucket in
            var record = RateBucket()
            record.startedAt = Timestamp(milliseconds: bucket.number * Self.bucketLength(of: period))
            record.calls = bucket.calls
            record.failures = bucket.failures
            record.timed = bucket.timed
            record.slow = bucket.slow
            return record
        }
    }

    /// The window of these buckets.
    ///
    /// - Throws: `outOfRange` if the buckets are not those of one window, or if no rate is configured and there are some
    init(_ records: [RateBucket], isKept: Bool, over period: Int64) throws(Refusal) {
        self.init(isKept: isKept)
        guard isKept || records.isEmpty else {
            throw Refusal(.outOfRange, "a breaker without rates has no buckets of calls")
        }
        var last: Int64?
        for record in records {
            try validateMoment(record.startedAt, "the start of a bucket of calls")
            let number = Self.number(of: record.startedAt, period)
            guard record.startedAt.milliseconds == number * Self.bucketLength(of: period) else {
                throw Refusal(
                    .outOfRange, "a bucket of calls must begin at a multiple of \(Self.bucketLength(of: period)) ms")
            }
            guard last.map({ $0 < number }) ?? true else {
                throw Refusal(.outOfRange, "buckets of calls must follow one another")
            }
            guard record.failures <= record.calls, record.timed <= record.calls, record.slow <= record.timed,
                record.calls > 0
            else {
                throw Refusal(.outOfRange, "a bucket of calls has more failed, timed or slow calls than calls, or none")
            }
            let place = Self.place(of: number)
            guard buckets[place].number == .min else {
                throw Refusal(.outOfRange, "two buckets of calls take the same place of \(Self.length)")
            }
            buckets[place] = Bucket(
                number: number, calls: record.calls, failures: record.failures, timed: record.timed, slow: record.slow)
            last = number
        }
    }
}
