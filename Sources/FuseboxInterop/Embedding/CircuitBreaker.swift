import FuseboxCore

/// A provider's circuit breaker as a value, for programs that keep their state themselves.
///
/// It decides as the daemon's breakers do; nothing of it needs the daemon. Operations take the time. `serialize()` and
/// `deserialize(_:)` turn it into JSON text and back, the same text that llm-providers' `CircuitBreaker` writes and reads.
///
/// A program that imports FuseboxCore too writes `FuseboxInterop.CircuitBreaker`.
public struct CircuitBreaker: Sendable, Equatable {
    /// The provider's name.
    public var name: String { checkedName.text }
    /// The semantics by which it decides.
    public let profile: Profile

    private let checkedName: Name
    private var breaker: FuseboxCore.CircuitBreaker

    /// A closed breaker.
    ///
    /// - Parameters:
    ///   - name: the provider's name, 1 to 127 bytes without control characters
    ///   - now: the time, from which its monitoring window runs
    /// - Throws: `badName`, or `outOfRange` for a configuration that is none
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

    /// Decides on one call.
    ///
    /// - Parameter draw: a random number from 0 to below 1, for the share of a degraded breaker under the profile
    ///   `llm-providers`; without one, and under `fusebox`, the share is exact over all calls
    public mutating func acquire(at now: Timestamp, draw: Double? = nil) -> BreakerAcquire.Reply {
        breaker.acquire(at: now, under: profile, draw: draw)
    }

    /// Notes that a call succeeded.
    public mutating func recordSuccess(at now: Timestamp) { breaker.recordSuccess(at: now, under: profile) }

    /// Notes that a call failed.
    public mutating func recordFailure(at now: Timestamp) { breaker.recordFailure(at: now, under: profile) }

    // MARK: Operators

    /// Opens it by hand. Decay closes it again.
    public mutating func forceOpen(at now: Timestamp) { breaker.forceOpen(at: now) }

    /// Closes it and forgets failures and statistics; the configuration stays.
    public mutating func reset(at now: Timestamp) { breaker.reset(at: now) }

    /// How it reacts.
    public var configuration: BreakerConfiguration { breaker.configuration }

    /// Changes how it reacts; the failures stay.
    ///
    /// - Throws: `outOfRange`; then nothing has changed
    public mutating func configure(_ configuration: BreakerConfiguration, at now: Timestamp) throws(Refusal) {
        try configuration.validate()
        breaker.configure(configuration, at: now, under: profile)
    }

    // MARK: Reading

    /// The state, health and statistics at a moment. Changes nothing.
    public func status(at now: Timestamp) -> BreakerStatus { breaker.status(at: now) }

    // MARK: Persistence

    /// All it remembers, as JSON text: what llm-providers' `CircuitBreaker.deserialize` reads.
    ///
    /// It is as of the last operation. Decay since then is not lost: the text says from when on it runs. What is saved
    /// up of a share, by which shares are exact over all instances, is a member `shareCredit` that the library passes
    /// over. `maxProbes` and `minWorkers`, which are about many workers, are left out.
    public func serialize() -> String {
        let record = breaker.record(name: checkedName, isConfigured: true)
        return LLMProvidersSnapshot.breaker(record, keepingShareCredit: true).text()
    }

    /// The breaker that a JSON text describes: one of `serialize()`, here or in llm-providers.
    ///
    /// - Throws: `JSONError` for a text that is no JSON, `JSONFieldError` for one that is no breaker, `Refusal` for one
    ///   that is out of range
    public static func deserialize(_ json: String, profile: Profile) throws -> CircuitBreaker {
        let document = try JSONValue(parsing: json.utf8)
        return try CircuitBreaker(try LLMProvidersSnapshot.breakerRecord(from: document), profile: profile)
    }

    /// The breaker that a JSON text describes, under the profile `fusebox`.
    ///
    /// - Throws: as `deserialize(_:profile:)`
    public static func deserialize(_ json: String) throws -> CircuitBreaker {
        try deserialize(json, profile: .fusebox)
    }
}
