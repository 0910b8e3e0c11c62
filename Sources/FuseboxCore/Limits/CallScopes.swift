import FuseboxWire

/// The names that a call is charged to, as numbers: its route and its tags.
///
/// A name that was never used has no number. Only templates can cover it.
struct CallScopes: Sendable {
    /// The most tags of one call: those that it names, and that of its user, which the daemon adds.
    static let tagLimit = WireLimits.TagList.capacity + 1

    /// A place for each tag of a call.
    typealias Tags = InlineArray<9, TagID?>

    var provider: NameID?
    var deployment: NameID?
    var model: ModelID?
    private(set) var tags = Tags(repeating: nil)
    private(set) var tagCount = 0

    init(provider: NameID? = nil, deployment: NameID? = nil, model: ModelID? = nil) {
        self.provider = provider
        self.deployment = deployment
        self.model = model
    }

    /// Adds a tag, unless it is there already.
    mutating func add(_ tag: TagID) {
        for place in 0..<tagCount where tags[place] == tag { return }
        precondition(tagCount < Self.tagLimit, "a call has at most \(Self.tagLimit) tags")
        tags[tagCount] = tag
        tagCount += 1
    }

    /// Whether it has a tag.
    func has(_ tag: TagID) -> Bool { (0..<tagCount).contains { tags[$0] == tag } }

    /// Removes a tag, if it is there.
    mutating func remove(_ tag: TagID) {
        guard let place = (0..<tagCount).first(where: { tags[$0] == tag }) else { return }
        for later in place..<tagCount - 1 { tags[later] = tags[later + 1] }
        tagCount -= 1
        tags[tagCount] = nil
    }

    /// Calls `body` with every tag, in the order in which they were added.
    func forEachTag(_ body: (TagID) -> Void) {
        for place in 0..<tagCount { if let tag = tags[place] { body(tag) } }
    }

    /// The number of places of scopes.
    var scopeCount: Int { 5 + 3 * tagCount }

    /// The scope at a place. Nil if the call has none there. The places have the order in which reasons are reported:
    /// the host, then the route from the provider down, then each tag alone and with the route.
    func scope(at place: Int) -> ScopeKey? {
        switch place {
        case 0: return .host
        case 1: return provider.map { ScopeKey(place: $0) }
        case 2: return deployment.map { ScopeKey(place: $0) }
        case 3: return model == nil || provider == nil ? nil : ScopeKey(place: provider, model: model)
        case 4: return model == nil || deployment == nil ? nil : ScopeKey(place: deployment, model: model)
        default:
            let tag = tags[(place - 5) / 3]
            switch (place - 5) % 3 {
            case 0: return ScopeKey(tag: tag)
            case 1: return provider == nil ? nil : ScopeKey(place: provider, tag: tag)
            default:
                return model == nil || provider == nil ? nil : ScopeKey(place: provider, model: model, tag: tag)
            }
        }
    }

    /// Whether a limit on a scope covers the call.
    @inline(__always)
    func isCovered(by key: ScopeKey) -> Bool {
        if let place = key.place, place != provider, place != deployment { return false }
        if let model = key.model, model != self.model { return false }
        guard let tag = key.tag else { return true }
        for place in 0..<tagCount where tags[place] == tag { return true }
        return false
    }
}
