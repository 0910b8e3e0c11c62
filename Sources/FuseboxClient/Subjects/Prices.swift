import FuseboxWire

extension FuseboxClient {
    /// What calls cost where nobody tells it.
    public var prices: Prices { Prices(client: self) }
}

/// The prices of models.
///
/// Every method throws `ClientError`: `invalidArgument` for what is no name, `refused` with the daemon's reason,
/// `unavailable` and the like. Changing prices needs an operator's rights.
public struct Prices: Sendable {
    let client: FuseboxClient

    /// The prices, by provider and model. Those of every provider, or model, come first.
    public func list() throws(ClientError) -> [FuseboxClient.PriceEntry] { try client.all(PriceList()) }

    /// The prices, by provider and model. Those of every provider, or model, come first.
    public func list() async throws(ClientError) -> [FuseboxClient.PriceEntry] { try await client.all(PriceList()) }

    /// Sets prices, each in the place of the one before. They count for calls that are settled from now on.
    ///
    /// - Parameter prices: any number. 128 at a time are set, all of them or none.
    /// - Returns: how many replaced another
    @discardableResult
    public func set(_ prices: [FuseboxClient.PriceEntry]) throws(ClientError) -> Int {
        var replaced = 0
        for request in PriceSet.requests(for: prices) { replaced += Int(try client.call(request).replaced) }
        return replaced
    }

    /// Sets prices, each in the place of the one before. They count for calls that are settled from now on.
    @discardableResult
    public func set(_ prices: [FuseboxClient.PriceEntry]) async throws(ClientError) -> Int {
        var replaced = 0
        for request in PriceSet.requests(for: prices) { replaced += Int(try await client.call(request).replaced) }
        return replaced
    }

    /// Removes the price of a model with a provider; nil: that of every one.
    ///
    /// - Throws: `refused` with `notFound` if there is none
    public func remove(provider: String?, model: String?) throws(ClientError) {
        _ = try client.call(PriceRemove(provider: try .optional(provider), model: try .optional(model)))
    }

    /// Removes the price of a model with a provider; nil: that of every one.
    ///
    /// - Throws: `refused` with `notFound` if there is none
    public func remove(provider: String?, model: String?) async throws(ClientError) {
        _ = try await client.call(PriceRemove(provider: try .optional(provider), model: try .optional(model)))
    }
}

extension PriceSet {
    /// Requests that set all of these prices.
    fileprivate static func requests(for prices: [PriceEntry]) -> [PriceSet] {
        stride(from: 0, to: prices.count, by: longest).map { first in
            PriceSet(prices: Array(prices[first..<min(first + longest, prices.count)]))
        }
    }
}
