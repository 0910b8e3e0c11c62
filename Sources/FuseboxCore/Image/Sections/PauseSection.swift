import FuseboxWire

/// Every pause.
enum PauseSection: SnapshotSection {
    static let kind: UInt32 = 27
    static let name = "pauses"
    static let summary = "the routes that operators have paused, in the order of the numbers of their names"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.pauses.table.forEach { route, place in
            let entry = machine.entry(route, machine.pauses.table[place])
            var image = PauseImage()
            image.provider = entry.provider
            image.deployment = entry.deployment
            image.model = entry.model
            image.since = entry.since
            image.until = entry.until
            image.user = entry.user
            image.reason = entry.reason
            part.add(image)
        }
    }

    static func add(_ image: PauseImage, to state: inout StateImage) throws(Refusal) {
        try validateMoment(image.since, "since of a pause")
        if let until = image.until { try validateMoment(until, "until of a pause") }
        let key = try state.builder.intern(image.provider, image.deployment, image.model, by: 0)
        let pause = PauseTable.Pause(since: image.since, until: image.until, user: image.user, reason: image.reason)
        try state.builder.insert(pause, for: key)
    }
}

struct PauseImage: VersionedRecord {
    var provider = Name.blank
    var deployment: Name?
    var model: Name?
    var since = Timestamp(milliseconds: 0)
    var until: Timestamp?
    var user: UInt32 = 0
    var reason = ""

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("provider", &provider, "the provider")
        try visitor.field("deployment", &deployment, "the deployment; absent: every one")
        try visitor.field("model", &model, "the model; absent: every one")
        try visitor.field("since", &since, "since when it is paused")
        try visitor.field("until", &until, "when the pause ends by itself; absent: it lasts until it is resumed")
        try visitor.field("user", &user, "the peer user of the operator who paused it last")
        try visitor.field("reason", &reason, "why, in the operator's words")
    }
}
