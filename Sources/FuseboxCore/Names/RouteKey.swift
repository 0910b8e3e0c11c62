/// What a record about a route is kept under: its provider or one of its deployments, alone or with a model.
///
/// A deployment's name stands below its provider's, so its number alone tells both.
public struct RouteKey: Sendable, Hashable {
    /// The provider, or the deployment.
    public let place: NameID
    /// The model that calls ask for. Nil: any.
    public let model: ModelID?

    /// The key of a provider or a deployment, and of one of its models.
    @inline(__always)
    public init(_ place: NameID, _ model: ModelID? = nil) {
        self.place = place
        self.model = model
    }

    /// The key with a place in the order of keys. Nil if no key has this place.
    public init?(order: UInt64) {
        // The last numbers are those of no slot.
        guard order >> 32 < UInt64(UInt32.max), order & 0xFFFF_FFFF < UInt64(UInt32.max) else { return nil }
        place = NameID(index: Int(order >> 32))
        let model = Int(order & 0xFFFF_FFFF)
        self.model = model == 0 ? nil : ModelID(index: model - 1)
    }

    /// Its place in the order of keys: by place; of one place that without a model first, then by model.
    public var order: UInt64 { UInt64(place.index) << 32 | UInt64(model.map { $0.index + 1 } ?? 0) }

    /// A hash for `HashIndex`. The tables of names give the numbers one after the other, so no caller can choose
    /// numbers that collide.
    @inline(__always)
    var hash: Int {
        let product = order &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: (product ^ product >> 29) &* 0xBF58_476D_1CE4_E5B9 >> 32)
    }
}

extension RouteKey: Comparable {
    /// Whether a key comes before another in the order of keys.
    public static func < (one: RouteKey, other: RouteKey) -> Bool { one.order < other.order }
}
