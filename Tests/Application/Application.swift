import ApplicationNames
import FuseboxClient

/// A worker whose own names are also the protocol's. It imports the client beside them and qualifies none of them.
public struct Application {
    /// A question of a visitor.
    public struct Question: Command {
        /// What is asked.
        public var question: String
        /// This question.
        public init(_ question: String) { self.question = question }
    }

    /// Whether it is carrying out a command.
    public private(set) var status = Status.idle
    /// What it has noted, oldest first.
    public private(set) var events: [Event] = []
    private let client: FuseboxClient
    private let budget: Budget

    /// An application that asks this client. It sets the budget of its provider.
    ///
    /// - Throws: what the client throws
    public init(_ client: FuseboxClient, budget: Budget) throws {
        self.client = client
        self.budget = budget
        let amount = FuseboxClient.Money.cents(budget.money)
        try client.limits.set(
            [FuseboxClient.Limit(.cost, amount.nanodollars, .calendar(.month))],
            on: FuseboxClient.Scope(provider: FuseboxClient.Name("openai")))
    }

    /// Answers a visitor's command under a permit, at this price.
    public mutating func carryOut(_ command: some Command, for name: Name, price: Money) throws -> Page {
        status = .busy
        defer { status = .idle }
        let estimate = try Estimate.cost(.cents(price))
        let page = try client.withPermit(["openai"], estimate: estimate) { permit in
            let page = Page(title: "\(permit.provider) to \(name.text): \(command.question)", price: price)
            return .success(page, usage: Usage(cost: .cents(price)))
        }
        events.append(.answered(page))
        return page
    }

    /// What the provider has cost, as far as whole cents go.
    public func spent() throws -> Money {
        let usage = try client.ledger.provider("openai")?.usage
        return Money(cents: Int((usage?.spend.nanodollars ?? 0) / 10_000_000))
    }

    /// Whether the provider's breaker lets everything through.
    public func isHealthy() throws -> Bool { try client.overview().allSatisfy { $0.state == .closed } }
}

extension FuseboxClient.Money {
    fileprivate static func cents(_ money: Money) -> FuseboxClient.Money {
        FuseboxClient.Money(nanodollars: Int64(money.cents) * 10_000_000)
    }
}
