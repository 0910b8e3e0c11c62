import FuseboxWire

/// The names of breakers, providers and their deployments.
enum NameSection: SnapshotSection {
    static let kind: UInt32 = 2
    static let name = "names"
    static let summary = "the names of breakers, providers and deployments, in the order of their numbers"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.names.write(to: &part) }

    static func add(_ image: NameImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.names.restore(image)
    }
}

/// The free numbers of names.
enum FreeNameSection: SnapshotSection {
    static let kind: UInt32 = 3
    static let name = "freeNames"
    static let summary = "the numbers that were used and are free, in the order in which they were freed"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.names.writeFree(to: &part) }

    static func add(_ image: FreeNumberImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.names.restoreFree(image.number)
    }
}

/// The names of models.
enum ModelSection: SnapshotSection {
    static let kind: UInt32 = 4
    static let name = "models"
    static let summary = "the names of models, in the order of their numbers"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.models.write(to: &part) }

    static func add(_ image: NameImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.models.restore(image)
    }
}

/// The free numbers of models.
enum FreeModelSection: SnapshotSection {
    static let kind: UInt32 = 5
    static let name = "freeModels"
    static let summary = "the numbers that were used and are free, in the order in which they were freed"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.models.writeFree(to: &part) }

    static func add(_ image: FreeNumberImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.models.restoreFree(image.number)
    }
}

/// The tags that limits or permits refer to.
enum TagSection: SnapshotSection {
    static let kind: UInt32 = 13
    static let name = "tags"
    static let summary = "the tags, in the order of their numbers"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.tags.write(to: &part) }

    static func add(_ image: NameImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.tags.restore(image)
    }
}

/// Numbers of tags that are free.
enum FreeTagSection: SnapshotSection {
    static let kind: UInt32 = 14
    static let name = "freeTags"
    static let summary = "numbers that stand for no tag, in the order in which they were freed"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.tags.writeFree(to: &part) }

    static func add(_ image: FreeNumberImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.tags.restoreFree(image.number)
    }
}

struct NameImage: VersionedRecord {
    var number: UInt32 = 0
    var user: UInt32 = 0
    var name = Name.blank
    var parent: UInt32?

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "the number that stands for the name")
        try visitor.field("user", &user, "the peer user that introduced it")
        try visitor.field("name", &name, "the name")
        try visitor.field(
            "parent", &parent, "the number of the provider whose deployment it is; absent if it is not a deployment")
    }
}

struct FreeNumberImage: VersionedRecord {
    var number: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "a number that stands for no name now")
    }
}

extension FreeNumberImage {
    init(_ number: UInt32) {
        self.init()
        self.number = number
    }
}
