import FuseboxWire

/// Every mark.
enum MarkSection: SnapshotSection {
    static let kind: UInt32 = 7
    static let name = "marks"
    static let summary = "every mark"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        var index = 0
        while let (id, mark) = machine.exhaustion.next(from: index) {
            var image = MarkImage()
            image.provider = machine.names[id]
            image.exhaustedAt = mark.exhaustedAt
            image.resetsAt = mark.resetsAt
            part.add(image)
            index = id.index + 1
        }
    }

    static func add(_ image: MarkImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertMark(
            ExhaustionEntry(provider: image.provider, exhaustedAt: image.exhaustedAt, resetsAt: image.resetsAt))
    }
}

struct MarkImage: VersionedRecord {
    var provider = Name.blank
    var exhaustedAt = Timestamp(milliseconds: 0)
    var resetsAt = Timestamp(milliseconds: 0)

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("exhaustedAt", &exhaustedAt, "when it was marked")
        try visitor.field("resetsAt", &resetsAt, "when the mark expires")
    }
}
