import FuseboxWire

/// What an acknowledgement promises.
package enum Durability: String, Sendable, CaseIterable {
    /// Durable requests are acknowledged once they are synced, written ones once they are written.
    case commit
    /// All requests are acknowledged once they are written. They are synced within a second.
    case interval
    /// No journal is kept. Changes since the last snapshot are lost with the process.
    case snapshot

    /// The watermark that releases the reply and the events of an input with this effect.
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
