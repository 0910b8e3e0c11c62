/// The ranges of what requests carry where their types allow more: the state machine refuses what lies outside, and the
/// command line does so before it asks.
public enum ValueRanges {
    /// The longest duration that a configuration or a mark may name: 366 days.
    public static let longestMilliseconds: Int64 = 366 * 86_400_000

    // In milliseconds.

    public static let resetTimeout: ClosedRange<Int64> = 1...longestMilliseconds
    public static let monitoringPeriod: ClosedRange<Int64> = 0...longestMilliseconds
    /// Of a mark, told with it or by default, and after how long a provider takes calls again.
    public static let cooldown: ClosedRange<Int64> = 0...longestMilliseconds
    /// Of a permit.
    public static let timeToLive: ClosedRange<Int64> = 1...WireLimits.permitMilliseconds
    /// How long a limit is raised for.
    public static let raise: ClosedRange<Int64> = 1...longestMilliseconds
    /// Of a limit's sliding or fixed window.
    public static let windowLength: ClosedRange<Int64> = 1_000...longestMilliseconds
    /// How much of a history is looked at.
    public static let window: ClosedRange<Int64> = 0 ... .max

    // Counts and ratios.

    /// Of what a breaker keeps. A change takes 0 for 1.
    public static let minWorkers: ClosedRange<UInt32> = 1...WireLimits.minWorkers
    /// Each point of a degradation curve. A change brings others into it.
    public static let share: ClosedRange<Double> = 0...1
    public static let curveLength: ClosedRange<Int> = 1...WireLimits.curveLength
    /// Spend over budget at which a threshold event fires.
    public static let threshold: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude
}
