import FuseboxWire

/// What the last calls of each route have cost.
enum CostSection: SnapshotSection {
    static let kind: UInt32 = 24
    static let name = "recentCosts"
    static let summary = "what the last calls of each route have cost; of each user, the route used longest ago first"

    static func write(_ machine: StateMachine, to part: inout SectionWriter) {
        machine.recentCosts.forEach { route, oldestFirst, user in
            var image = CostImage()
            image.place = UInt32(route.place?.index ?? 0)
            image.model = route.model.map { UInt32($0.index) }
            image.user = user
            image.costs = oldestFirst.map { Money(nanodollars: $0) }
            part.add(image)
        }
    }

    static func add(_ image: CostImage, to state: inout StateImage) throws(Refusal) {
        try state.builder.insertCosts(image)
    }
}

struct CostImage: VersionedRecord {
    var place: UInt32 = 0
    var model: UInt32?
    var user: UInt32 = 0
    var costs: [Money] = []

    mutating func fields<V: FieldVisitor & ~Copyable>(_ visitor: inout V) throws(Refusal) {
        try visitor.field("place", &place, "the number of the name of the deployment, or of the provider")
        try visitor.field("model", &model, "the number of the model that was asked for; absent: none was named")
        try visitor.field("user", &user, "the peer user that introduced the route")
        try visitor.field(
            "costs", &costs, "the costs of the last calls, oldest first, at most \(RecentCosts.remembered)")
    }
}

extension StateMachine.Builder {
    /// Adds what the calls of a route have cost.
    ///
    /// - Throws: `damagedData` if its names are not there, if it comes twice or has no cost; `outOfRange`
    fileprivate mutating func insertCosts(_ image: CostImage) throws(Refusal) {
        guard machine.names.name(number: image.place) != nil else {
            throw Refusal(.damagedData, "there is no name \(image.place) that calls were made by")
        }
        if let model = image.model, machine.models.name(number: model) == nil {
            throw Refusal(.damagedData, "there is no model \(model) that calls were made of")
        }
        guard 1...RecentCosts.remembered ~= image.costs.count else {
            throw Refusal(.damagedData, "a route has the costs of \(image.costs.count) calls")
        }
        for cost in image.costs { try CreditLedger.validate(callCost: cost) }
        let route = ScopeKey(
            place: NameID(index: Int(image.place)), model: image.model.map { ModelID(index: Int($0)) })
        guard machine.recentCosts.restore(route, by: image.user, oldestFirst: image.costs.map(\.nanodollars)) else {
            throw Refusal(.damagedData, "the costs of a route come twice")
        }
        machine.retainNames(of: route)
    }
}
