import FuseboxWire

/// The unknown members of imported JSON.
enum ForeignMembersSection: SnapshotSection {
    static let kind: UInt32 = 21
    static let name = "foreignMembers"
    static let summary = "unknown members of imported JSON, which came with marks; an export writes them again"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.exhaustion.forEach { route, mark in
            guard let members = mark.foreignMembers else { return }
            part.add(ForeignMembersImage(members, of: machine.names[route.place]))
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
