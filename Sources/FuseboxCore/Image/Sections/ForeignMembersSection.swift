import FuseboxWire

/// The unknown members of imported JSON.
enum ForeignMembersSection: SnapshotSection {
    static let kind: UInt32 = 21
    static let name = "foreignMembers"
    static let summary = "unknown members of imported JSON, which came with marks; an export writes them again"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for (id, members) in machine.exhaustion.foreignMembers.sorted(by: { $0.key.index < $1.key.index }) {
            part.add(ForeignMembersImage(members, of: machine.names[id]))
        }
    }

    static func add(_ image: ForeignMembersImage, to state: inout StateImage) throws(Refusal) {
        state.builder.machine.keepForeignMembers(image.members, ofMark: image.provider)
    }
}

struct ForeignMembersImage: VersionedRecord {
    var provider = Name.blank
    var members = ""

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider of the mark that they came with")
        try visitor.field("members", &members, "the members, as the text of a JSON object")
    }
}

extension ForeignMembersImage {
    fileprivate init(_ members: String, of provider: Name) {
        self.members = members
        self.provider = provider
    }
}
