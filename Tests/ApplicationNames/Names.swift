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
    public var title: String
    public var price: Money

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
    public var cents: Int
    public init(cents: Int) { self.cents = cents }
}

/// Whom a page is for.
public struct Name: Sendable {
    public var text: String
    public init(_ text: String) { self.text = text }
}

/// What a visitor may spend.
public struct Budget: Sendable {
    public var money: Money
    public init(_ money: Money) { self.money = money }
}
