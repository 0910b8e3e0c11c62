/// How long a call took, as its worker measured it on a clock that does not step.
///
/// The worker measures, because a settle may reach the daemon long after its call has ended: once the worker is connected
/// again.
public struct CallTiming: WireRecord, Equatable {
    /// From the permit until the first token of the answer, in milliseconds; nil: nobody told it.
    public var firstTokenMilliseconds: UInt32?
    /// From the permit until the end of the call, in milliseconds; nil: until its settle was applied.
    public var durationMilliseconds: UInt32?
    /// Every field has its default.
    @inlinable public init() {}
    /// A call that was answered, and ended, after these times.
    @inlinable
    public init(firstTokenMilliseconds: UInt32? = nil, durationMilliseconds: UInt32? = nil) {
        self.firstTokenMilliseconds = firstTokenMilliseconds
        self.durationMilliseconds = durationMilliseconds
    }

    /// The fields in the order of the wire.
    @inlinable
    public mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field(
            "firstTokenMilliseconds", &firstTokenMilliseconds,
            "from the permit until the first token of the answer; absent: nobody told it")
        try visitor.field(
            "durationMilliseconds", &durationMilliseconds,
            "from the permit until the end of the call; absent: until its settle was applied")
    }
}
