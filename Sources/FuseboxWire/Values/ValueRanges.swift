/// The ranges of values in requests whose types allow more. The state machine refuses a value outside its range. The
/// command line refuses it before it asks the daemon.
public enum ValueRanges {
    /// The longest duration of a configuration or a mark: 366 days.
    public static let longestMilliseconds: Int64 = 366 * 86_400_000

    /// A breaker's reset timeout, in milliseconds.
    public static let resetTimeout: ClosedRange<Int64> = 1...longestMilliseconds
    /// A breaker's monitoring period, in milliseconds.
    public static let monitoringPeriod: ClosedRange<Int64> = 0...longestMilliseconds
    /// From how long on a call is slow, in milliseconds; 0: none is.
    public static let slowCall: ClosedRange<Int64> = 0...longestMilliseconds
    /// Up to where a breaker's reset timeout doubles, in milliseconds; 0: it stays.
    public static let maxResetTimeout: ClosedRange<Int64> = 0...longestMilliseconds
    /// How long a mark lasts, and a retry-after, in milliseconds.
    public static let cooldown: ClosedRange<Int64> = 0...longestMilliseconds
    /// A permit's time to live, in milliseconds.
    public static let timeToLive: ClosedRange<Int64> = 1...WireLimits.permitMilliseconds
    /// How long a call waits for its turn, in milliseconds; 0: it does not wait.
    public static let wait: ClosedRange<Int64> = 0...WireLimits.permitMilliseconds
    /// The priority of a waiting call; 0 is the most urgent.
    public static let priority: ClosedRange<UInt8> = 0...UInt8(WireLimits.priorities - 1)
    /// How long a limit is raised for.
    public static let raise: ClosedRange<Int64> = 1...longestMilliseconds
    /// Of a limit's sliding or fixed window.
    public static let windowLength: ClosedRange<Int64> = 1_000...longestMilliseconds
    /// How far back a query looks into a spend history, in milliseconds.
    public static let window: ClosedRange<Int64> = 0 ... .max

    /// A breaker's `minWorkers`. A change of the configuration takes 0 as 1.
    public static let minWorkers: ClosedRange<UInt32> = 1...WireLimits.minWorkers
    /// A point of a degradation curve, and a rate that opens a breaker. A change of the configuration clamps points of
    /// the curve to this range.
    public static let share: ClosedRange<Double> = 0...1
    /// The number of points of a degradation curve.
    public static let curveLength: ClosedRange<Int> = 1...WireLimits.curveLength
    /// The share of a limit's amount at which a threshold event fires.
    public static let threshold: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude
    /// A day of the history, in days since 1970-01-01.
    public static let historyDays: ClosedRange<Int64> = -366...100_000_000
}
