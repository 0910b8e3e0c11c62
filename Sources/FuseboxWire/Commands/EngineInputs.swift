/// Time has passed: expires marks, rolls the period over.
public struct Advance: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            240, "engine.advance", .written, .engine, "Time has passed: marks expire, the period rolls over.")
    }
    public typealias Reply = Done
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}
}

/// Makes room for new names.
public struct EvictIdleBreakers: Command {
    @inlinable public static var declaration: CommandDeclaration {
        CommandDeclaration(
            241, "engine.evictIdleBreakers", .written, .engine,
            "Forgets breakers that are closed, unconfigured and idle, and are no provider of the ledger.")
    }
    @inlinable public init() {}
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {}

    public struct Reply: WireRecord {
        public var forgotten: UInt32 = 0
        @inlinable public init() {}
        @inlinable
        public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
            try visitor.field("forgotten", &forgotten, "how many")
        }
    }
}
