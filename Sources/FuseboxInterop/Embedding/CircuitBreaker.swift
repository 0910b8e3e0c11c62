import FuseboxCore

/// A provider's circuit breaker as a value, for programs that keep their state themselves.
///
/// It makes the same decisions as the daemon's breakers, and does not need the daemon. Operations take the time as an
/// argument. `serialize()` and `deserialize(_:)` convert it to JSON text and back. The text has the format of
/// llm-providers' `CircuitBreaker`.
///
/// A program that also imports FuseboxCore must write `FuseboxInterop.CircuitBreaker`.
public struct CircuitBreaker: Sendable, Equatable {
    /// The provider's name.
    public var name: String { checkedName.text }
    /// The semantics of the breaker's decisions.
    public let profile: Profile

    private let checkedName: Name
    private var breaker: FuseboxCore.CircuitBreaker

    /// A closed breaker.
    ///
    /// - Parameters:
    ///   - name: the provider's name, 1 to 127 bytes without control characters
    ///   - now: the current time, at which the monitoring window begins
    /// - Throws: `badName`, or `outOfRange` for an invalid configuration
    public init(
        _ name: String, _ configuration: BreakerConfiguration = BreakerConfiguration(), profile: Profile = .fusebox,
        at now: Timestamp
    ) throws(Refusal) {
        checkedName = try Name(name)
        try configuration.validate()
        self.profile = profile
        breaker = FuseboxCore.CircuitBreaker(configuration, at: now)
    }

    private init(_ record: BreakerRecord, profile: Profile) throws(Refusal) {
        checkedName = record.name
        self.profile = profile
        breaker = try FuseboxCore.CircuitBreaker(record, under: profile)
    }

    // MARK: Traffic

    /// Decides about one call.
    ///
    /// - Parameter draw: a random number from 0 to below 1. Under the profile `llm-providers` it decides whether a
    ///   degraded breaker lets the call through. Without it, and under `fusebox`, the share is exact over all calls
    public mutating func acquire(at now: Timestamp, draw: Double? = nil) -> BreakerAcquire.Reply {
        breaker.acquire(at: now, under: profile, draw: draw)
    }

    /// Records that a call succeeded.
    public mutating func recordSuccess(at now: Timestamp) { breaker.recordSuccess(at: now, under: profile) }

    /// Records that a call failed.
    public mutating func recordFailure(at now: Timestamp) { breaker.recordFailure(at: now, under: profile) }

    // MARK: Operators

    /// Opens the breaker by hand. Time without traffic closes it again.
    public mutating func forceOpen(at now: Timestamp) { breaker.forceOpen(at: now) }

    /// Closes the breaker and resets failures and statistics. The configuration stays.
    public mutating func reset(at now: Timestamp) { breaker.reset(at: now) }

    /// The breaker's configuration.
    public var configuration: BreakerConfiguration { breaker.configuration }

    /// Changes the configuration. The failures stay.
    ///
    /// - Throws: `outOfRange`; nothing has changed then
    public mutating func configure(_ configuration: BreakerConfiguration, at now: Timestamp) throws(Refusal) {
        try configuration.validate()
        breaker.configure(configuration, at: now, under: profile)
    }

    // MARK: Reading

    /// State, health and statistics at a time. Changes nothing.
    public func status(at now: Timestamp) -> BreakerStatus { breaker.status(at: now) }

    // MARK: Persistence

    /// The whole breaker as JSON text. llm-providers' `CircuitBreaker.deserialize` reads it.
    ///
    /// The text has the state after the last operation. Decay since then is not lost, because the text has its start.
    /// The remainder of the share, which keeps shares exact, is a member `shareCredit` that the library ignores.
    /// What llm-providers does not know is left out: `maxProbes` and `minWorkers`, which concern several workers, the
    /// rates and the growing reset timeout.
    public func serialize() -> String {
        let record = breaker.record(name: checkedName, isConfigured: true)
        return LLMProvidersSnapshot.breaker(record, keepingShareCredit: true).text()
    }

    /// The breaker in a JSON text that `serialize()` wrote, here or in llm-providers.
    ///
    /// - Throws: `JSONError` if the text is not JSON, `JSONFieldError` if it is not a breaker, `Refusal` if a value is
    ///   out of range
    public static func deserialize(_ json: String, profile: Profile) throws -> CircuitBreaker {
        let document = try JSONValue(parsing: json.utf8)
        return try CircuitBreaker(try LLMProvidersSnapshot.breakerRecord(from: document), profile: profile)
    }

    /// The breaker in a JSON text, under the profile `fusebox`.
    ///
    /// - Throws: as `deserialize(_:profile:)`
    public static func deserialize(_ json: String) throws -> CircuitBreaker {
        try deserialize(json, profile: .fusebox)
    }
}
