import FuseboxWire

/// The names of breakers and providers.
enum NameSection: SnapshotSection {
    static let kind: UInt32 = 2
    static let name = "names"
    static let summary = "the names of breakers and providers, in the order of their numbers"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.names.write(to: &part) }

    static func add(_ image: NameImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.names.restore(image)
    }
}

/// Numbers of names that are free.
enum FreeNameSection: SnapshotSection {
    static let kind: UInt32 = 3
    static let name = "freeNames"
    static let summary = "numbers below the highest that stand for no name, in the order in which they were freed"

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

/// Numbers of models that are free.
enum FreeModelSection: SnapshotSection {
    static let kind: UInt32 = 5
    static let name = "freeModels"
    static let summary = "numbers that stand for no model, in the order in which they were freed"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) { machine.models.writeFree(to: &part) }

    static func add(_ image: FreeNumberImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.machine.models.restoreFree(image.number)
    }
}

struct NameImage: VersionedRecord {
    var number: UInt32 = 0
    var user: UInt32 = 0
    var name = Name.blank

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "what stands for the name")
        try visitor.field("user", &user, "the peer user that introduced it")
        try visitor.field("name", &name, "the name")
    }
}

struct FreeNumberImage: VersionedRecord {
    var number: UInt32 = 0

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("number", &number, "a number that stands for no name")
    }
}

extension FreeNumberImage {
    init(_ number: UInt32) {
        self.init()
        self.number = number
    }
}

extension NameTable {
    /// Writes every name in use, in the order of their numbers.
    fileprivate func write(to part: inout SectionWriter) {
        for number in 0..<entries.count where entries[number].references > 0 {
            var image = NameImage()
            image.number = UInt32(number)
            image.user = entries[number].user
            image.name = entries[number].name
            part.add(image)
        }
    }

    /// Writes the numbers that are free, in the order in which they were freed.
    fileprivate func writeFree(to part: inout SectionWriter) {
        for number in free { part.add(FreeNumberImage(number)) }
    }

    /// Whether something refers to every name.
    var hasNoStrays: Bool {
        (0..<entries.count).allSatisfy { entries[$0].references > 0 || entries[$0].name.count == 0 }
    }

    /// Whether no number would be given to two names.
    var hasDistinctFreeNumbers: Bool { Set(free).count == free.count }

    /// The name that a number stands for; nil if it stands for none.
    func name(number: UInt32) -> Name? {
        guard number < entries.count, entries[Int(number)].name.count > 0 else { return nil }
        return entries[Int(number)].name
    }

    /// Gives a name the number that it had.
    ///
    /// - Throws: `damagedData` if the names do not come in the order of their numbers and before the free numbers, or one
    ///   comes twice
    fileprivate mutating func restore(_ image: NameImage) throws(Refusal) {
        guard image.number >= entries.count, Int(image.number) < entries.count + Limits.restoredGap,
            find(image.name) == nil, free.isEmpty
        else {
            throw Refusal(.damagedData, "the name \(image.name) with the number \(image.number) is out of order")
        }
        while entries.count < image.number { entries.append(Entry(name: .blank, references: 0, user: 0)) }
        let id = intern(image.name, by: image.user)
        precondition(id.index == image.number)
    }

    /// Makes a number free that stands for no name.
    ///
    /// - Throws: `damagedData` if it stands for one
    fileprivate mutating func restoreFree(_ number: UInt32) throws(Refusal) {
        guard Int(number) < entries.count + Limits.restoredGap, name(number: number) == nil else {
            throw Refusal(.damagedData, "the number \(number) cannot be free")
        }
        while entries.count <= number { entries.append(Entry(name: .blank, references: 0, user: 0)) }
        free.append(number)
    }
}

extension Limits {
    /// How far apart the numbers of two names in a snapshot may lie: a damaged one must not ask for all memory.
    fileprivate static let restoredGap = 1 << 24
}
