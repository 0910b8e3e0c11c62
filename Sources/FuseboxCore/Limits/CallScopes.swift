import FuseboxWire

/// The names that a call is charged to, as numbers: its route and its tags.
///
/// A name that nobody has told yet has no number, and no limit but a template covers it.
struct CallScopes: Sendable {
    /// One call has at most eight tags, and that of its user, which the daemon adds.
    static let tagLimit = WireLimits.TagList.capacity + 1

    var provider: NameID?
    var deployment: NameID?
    var model: ModelID?
    private(set) var tags = InlineArray<9, TagID?>(repeating: nil)
    private(set) var tagCount = 0

    init(provider: NameID? = nil, deployment: NameID? = nil, model: ModelID? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }

    /// Adds a tag; one that is there counts once.
    mutating func add(_ tag: TagID) {
        for place in 0..<tagCount where tags[place] == tag { return }
        precondition(tagCount < Self.tagLimit, "a call has at most \(Self.tagLimit) tags")
        tags[tagCount] = tag
        tagCount += 1
    }

    /// Calls `body` with every tag, in the order in which they were added.
    func forEachTag(_ body: (TagID) -> Void) {
        for place in 0..<tagCount { if let tag = tags[place] { body(tag) } }
    }

    /// Calls `body` with every scope that covers the call, in the order in which reasons are told: the host, then the route from
    /// the provider down, then each tag alone and by the route.
    func forEach<Failure: Error>(_ body: (ScopeKey) throws(Failure) -> Void) throws(Failure) {
        var place = 0
        while let key = scope(at: place) {
            place += 1
            try body(key)
        }
    }

    /// The scope at a place in the order of `forEach`, from 0; nil: there are no more.
    func scope(at place: Int) -> ScopeKey? {
        guard place > 0 else { return .host }
        guard let provider else { return place <= tagCount ? ScopeKey(tag: tags[place - 1]) : nil }
        let ofRoute = (deployment == nil ? 1 : 2) * (model == nil ? 1 : 2)
        if place <= ofRoute {
            let isDeployments = deployment != nil && place % 2 == 0
            let isModels = place > ofRoute / 2 && model != nil
            return ScopeKey(place: isDeployments ? deployment : provider, model: isModels ? model : nil)
        }
        let ofTag = model == nil ? 2 : 3
        let (tag, part) = (place - 1 - ofRoute).quotientAndRemainder(dividingBy: ofTag)
        guard tag < tagCount else { return nil }
        return ScopeKey(place: part == 0 ? nil : provider, model: part == 2 ? model : nil, tag: tags[tag])
    }

    /// Whether a limit on a scope covers the call.
    func isCovered(by key: ScopeKey) -> Bool {
        if let place = key.place, place != provider, place != deployment { return false }
        if let model = key.model, model != self.model { return false }
        guard let tag = key.tag else { return true }
        return (0..<tagCount).contains { tags[$0] == tag }
    }
}
