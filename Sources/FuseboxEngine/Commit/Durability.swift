import FuseboxWire

/// What an acknowledgement promises.
public enum Durability: String, Sendable, CaseIterable {
    /// Durable requests are acknowledged once they are on the disk, written ones once the system has them.
    case commit
    /// All are acknowledged once the system has them; the disk has them within a second.
    case interval
    /// There is no journal. What changed since the last snapshot is lost with the process.
    case snapshot

    /// The watermark that releases what an input of this effect gives rise to.
    func watermark(for effect: CommandDeclaration.Effect) -> Watermark {
        watermark(promised: effect == .durable ? .durable : .written)
    }

    /// The watermark that releases an event of this promise.
    func watermark(promised promise: EventDeclaration.Promise) -> Watermark {
        switch self {
        case .commit: promise == .durable ? .synced : .written
        case .interval: .written
        case .snapshot: .applied
        }
    }
}
