import FuseboxCollections
import FuseboxWire

/// What was used in any stretch of one length, in memory that does not grow.
///
/// Time is cut into grains of a sixtieth of the length. Uses of one grain leave the window together, when the last
/// moment of the grain has left it. So the window never holds less than what was used in its length, and never more
/// than what was used in a length and a sixtieth.
struct SlidingUse: Sendable, Equatable {
    /// A place for each grain of a window. The most have lengths of 1,019 ms: 63.7 grains of 16 ms.
    typealias Grains = InlineArray<65, Int64>
    static let grainLimit = Grains.count

    /// How many grains a window of this length has at once, the begun ones at both ends included.
    static func grains(in length: Int64) -> Int {
        let grain = grain(of: length)
        return Int((length - 1 + grain - 1) / grain) + 1
    }

    private static func grain(of length: Int64) -> Int64 { max(1, length / 60) }

    /// In milliseconds.
    let grain: Int64
    let length: Int64
    /// What was used in each grain; grain n is at n modulo the number of places.
    private var grains = Grains(repeating: 0)
    /// The newest grain that was reached.
    private(set) var newest: Int64 = 0
    /// The oldest grain that was not removed.
    private var first: Int64 = 0
    /// The sum of the grains that are in the window.
    private(set) var sum: Int128 = 0
    private let passedByAddress = PassedByAddress()

    /// An unused window.
    ///
    /// - Parameter length: in milliseconds, within `ValueRanges.windowLength`
    init(length: Int64) {
        self.length = length
        grain = Self.grain(of: length)
    }

    /// Restores a window. Nil if there can be no such window.
    ///
    /// - Parameters:
    ///   - newest: the newest grain that was reached
    ///   - grains: the numbers of the grains in increasing order, and what was used in each
    init?(length: Int64, newest: Int64, grains: [(number: Int64, amount: Int64)]) {
        self.init(length: length)
        guard newest >= 0, newest <= Timestamp.latest.milliseconds else { return nil }
        self.newest = newest
        var last = newest - Int64(Self.grainLimit)
        for (number, amount) in grains {
            guard number > last, number >= 0, number <= newest, amount > 0 else { return nil }
            last = number
            self.grains[Self.place(number)] = amount
            sum += Int128(amount)
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        left.length == right.length && left.newest == right.newest && left.sum == right.sum
            && left.grains.indices.allSatisfy { left.grains[$0] == right.grains[$0] }
    }

    private func number(of moment: Timestamp) -> Int64 { moment.milliseconds / grain }

    /// The oldest grain that is still in the window at a moment.
    private func oldest(at now: Timestamp) -> Int64 {
        // Grain n is in it while now < (n + 1) × grain - 1 + length.
        max(0, (now.milliseconds + 1 - length) / grain)
    }

    private static func place(_ number: Int64) -> Int { Int(number % Int64(grainLimit)) }

    /// The numbers of the grains that have left the window since the last change.
    private func leaving(at now: Timestamp) -> Range<Int64> {
        let first = max(self.first, newest - Int64(Self.grainLimit) + 1)
        return first..<max(first, min(oldest(at: now), newest + 1))
    }

    /// Removes what has left the window.
    private mutating func advance(to now: Timestamp) {
        let leaving = leaving(at: now)
        if sum != 0 {
            for number in leaving {
                let place = Self.place(number)
                sum -= Int128(grains[place])
                grains[place] = 0
            }
        }
        first = leaving.upperBound
        newest = max(newest, number(of: now))
    }

    /// What is used at a moment, which is not before the last change.
    func used(at now: Timestamp) -> Int128 {
        var used = sum
        if used != 0 { for number in leaving(at: now) { used -= Int128(grains[Self.place(number)]) } }
        return used
    }

    /// Counts a use now. A negative use is given back, and never takes the grain below zero.
    mutating func add(_ amount: Int64, at now: Timestamp) {
        advance(to: now)
        change(number(of: now), by: amount)
    }

    /// Corrects what was counted at an earlier moment.
    ///
    /// If that moment is less than the length ago, its grain is corrected. Otherwise an excess is forgotten, and a
    /// shortfall counts now.
    mutating func correct(_ change: Int64, from then: Timestamp, at now: Timestamp) {
        advance(to: now)
        add(change, from: then, at: now)
    }

    /// Corrects what was counted at an earlier moment, after an advance to this one.
    @inline(__always)
    private mutating func add(_ amount: Int64, from then: Timestamp, at now: Timestamp) {
        if now - then < length {
            change(number(of: then), by: amount)
        } else if amount > 0 {
            change(number(of: now), by: amount)
        }
    }

    /// Counts what an account has used lately, as far as it is in the window.
    mutating func add(
        _ past: RecentUse, of dimension: LimitDimension, in recents: borrowing RecentUsePool, at moment: Moment
    ) {
        advance(to: moment.now)
        recents.forEachStretch(of: past, since: moment.wall - length) { stretch in
            let amount = stretch.sums[dimension]
            guard amount > 0 else { return }
            let age = max(0, moment.wall - stretch.end)
            add(amount, from: Timestamp(milliseconds: max(0, moment.now.milliseconds - age)), at: moment.now)
        }
    }

    @inline(__always)
    private mutating func change(_ number: Int64, by amount: Int64) {
        let place = Self.place(number)
        let before = grains[place]
        // A grain at the end of the range stays there: no limit is above it.
        grains[place] = max(0, before.saturatingAdd(amount))
        sum += Int128(grains[place]) - Int128(before)
    }

    /// Takes an amount from the newest use backwards; the window does not go below zero.
    ///
    /// - Parameter part: a part of what was used, which stays
    mutating func takeBack(_ amount: Int64, keeping part: SlidingUse?, at now: Timestamp) {
        advance(to: now)
        var part = part
        part?.advance(to: now)
        var left = amount
        var number = newest
        while left > 0, number >= 0, number > newest - Int64(Self.grainLimit) {
            let place = Self.place(number)
            let taken = min(left, max(0, grains[place] - (part?.grains[place] ?? 0)))
            grains[place] -= taken
            sum -= Int128(taken)
            left -= taken
            number -= 1
        }
    }

    /// How long it takes until so much has left the window. Nil if the window has less.
    func wait(untilLeft amount: Int128, at now: Timestamp) -> Int64? {
        var left = amount
        guard left > 0 else { return 0 }
        guard sum > 0 else { return nil }
        var number = max(oldest(at: now), newest - Int64(Self.grainLimit) + 1)
        while number <= newest {
            left -= Int128(grains[Self.place(number)])
            if left <= 0 { return (number + 1) * grain - 1 + length - now.milliseconds }
            number += 1
        }
        return nil
    }

    /// Calls `body` with every grain that something was used in, oldest first: its number and how much.
    func forEachGrain(_ body: (Int64, Int64) -> Void) {
        for number in max(0, newest - Int64(Self.grainLimit) + 1)...max(0, newest) {
            let amount = grains[Self.place(number)]
            if amount != 0 { body(number, amount) }
        }
    }
}
