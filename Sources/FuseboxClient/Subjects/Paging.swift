import FuseboxWire

/// A command that answers one page of a list.
protocol PagedCommand: Command {
    associatedtype Element: Sendable
    /// The place in the list. 0 is the beginning and, in a reply, the end.
    associatedtype Cursor: FixedWidthInteger
    var cursor: Cursor { get set }
    static func page(_ reply: Reply) -> (elements: [Element], next: Cursor)
}

extension PagedCommand {
    /// Takes one page. Returns whether there is another.
    mutating func take(_ reply: Reply, into elements: inout [Element]) throws(ClientError) -> Bool {
        let page = Self.page(reply)
        elements += page.elements
        guard page.next != 0 else { return false }
        // A faulty daemon that never ends a list must not cause an endless loop.
        guard page.next != cursor else {
            throw .protocolViolation("\(Self.declaration.name) does not advance beyond cursor \(cursor)")
        }
        cursor = page.next
        return true
    }
}

extension FuseboxClient {
    /// Every element of a list, page after page. An element that changes while the list is read may be missing or
    /// listed twice.
    func all<C: PagedCommand>(_ command: C) throws(ClientError) -> [C.Element] {
        var command = command
        var elements: [C.Element] = []
        while try command.take(try call(command), into: &elements) {}
        return elements
    }

    /// Every element of a list, page after page.
    func all<C: PagedCommand>(_ command: C) async throws(ClientError) -> [C.Element] {
        var command = command
        var elements: [C.Element] = []
        while try command.take(try await call(command), into: &elements) {}
        return elements
    }
}

extension BreakerList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [Entry], next: UInt64) { (reply.entries, reply.next) }
}

extension ExhaustionList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [ExhaustionEntry], next: UInt32) { (reply.entries, reply.next) }
}

extension AliasList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [ModelAlias], next: UInt32) { (reply.aliases, reply.next) }
}

extension PriceList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [PriceEntry], next: UInt32) { (reply.prices, reply.next) }
}

extension LimitList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [LimitEntry], next: UInt64) { (reply.entries, reply.next) }
}

extension LedgerProviders: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [ProviderAccount], next: UInt32) { (reply.accounts, reply.next) }
}

extension LedgerModels: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [ModelAccount], next: UInt32) { (reply.accounts, reply.next) }
}

extension LedgerAccounts: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [ScopeAccount], next: UInt32) { (reply.accounts, reply.next) }
}

extension LedgerSummaries: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [SpendSummary], next: UInt32) { (reply.summaries, reply.next) }
}

extension Overview: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [Entry], next: UInt32) { (reply.entries, reply.next) }
}

extension PermitList: PagedCommand {
    static func page(_ reply: Reply) -> (elements: [PermitEntry], next: UInt64) { (reply.permits, reply.next) }
}
