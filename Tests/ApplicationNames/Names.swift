// What an application calls its own things. The protocol has all these names too.

/// What a visitor asks for.
public protocol Command {
    /// The question that a model answers.
    var question: String { get }
}

/// How the application is doing.
public enum Status: Sendable {
    case idle, busy
}

/// What a visitor gets to see.
public struct Page: Sendable, Equatable {
    /// What it is called.
    public var title: String
    /// What it costs.
    public var price: Money

    /// A page at this price.
    public init(title: String, price: Money) {
        self.title = title
        self.price = price
    }
}

/// What the application notes.
public enum Event: Sendable, Equatable {
    case answered(Page)
}

/// An amount in cents.
public struct Money: Sendable, Equatable {
    /// The number of cents.
    public var cents: Int
    /// So many cents.
    public init(cents: Int) { self.cents = cents }
}

/// Whom a page is for.
public struct Name: Sendable {
    /// The name as it is written.
    public var text: String
    /// The name that a text spells.
    public init(_ text: String) { self.text = text }
}

/// What a visitor may spend.
public struct Budget: Sendable {
    /// The most that may be spent.
    public var money: Money
    /// A budget of this amount.
    public init(_ money: Money) { self.money = money }
}
