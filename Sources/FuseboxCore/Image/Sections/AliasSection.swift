import FuseboxWire

/// The names of models that stand for others.
enum AliasSection: SnapshotSection {
    static let kind: UInt32 = 22
    static let name = "aliases"
    static let summary = "the names of models that stand for others, by provider and name"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        for alias in machine.rules.sorted {
            var image = AliasImage()
            image.provider = alias.provider
            image.name = alias.name
            image.model = alias.model
            part.add(image)
        }
    }

    static func add(_ image: AliasImage, to state: inout StateImage) throws(Refusal) {
        let alias = ModelAlias(provider: image.provider, name: image.name, model: image.model)
        guard !state.builder.machine.rules.isAlias(alias.name, of: alias.provider) else {
            throw Refusal(.damagedData, "the alias \(alias.name) of \(alias.provider) comes twice")
        }
        try StateMachine.validate(alias, among: state.builder.machine.rules)
        state.builder.machine.rules.set(alias.name, of: alias.provider, to: alias.model)
    }
}

struct AliasImage: VersionedRecord {
    var provider = Name.blank
    var name = Name.blank
    var model = Name.blank

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider whose model it is")
        try visitor.field("name", &name, "the name that stands for another")
        try visitor.field("model", &model, "the model that is charged")
    }
}
