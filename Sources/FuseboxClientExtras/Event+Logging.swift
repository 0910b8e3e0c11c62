import FuseboxClient
import FuseboxWire
import Logging

extension Event {
    /// How urgent the event is for a worker: a warning if calls are denied, or soon will be.
    var level: Logger.Level {
        switch self {
        case .breakerTransition(let transition): transition.to == .open ? .warning : .notice
        case .providerExhausted, .limitDenied, .limitReached, .depletionProjected: .warning
        case .providerRestored, .routePaused, .routeResumed, .limitReverted, .accountReset, .accountAdjusted: .notice
        case .permitLapsed: .info
        }
    }

    /// Its fields by their names in the reference. Absent ones are left out.
    var metadata: Logger.Metadata {
        guard case .dictionary(let fields) = Self.metadata(rendered) else { return [:] }
        return fields
    }

    private static func metadata(_ value: Rendered) -> Logger.MetadataValue {
        switch value {
        case .null: ""
        case .bool(let truth): "\(truth)"
        case .number(let number): "\(Int(exactly: number).map(String.init) ?? "\(number)")"
        case .text(let text): "\(text)"
        case .list(let elements): .array(elements.map(metadata))
        case .record(let fields):
            .dictionary(
                Logger.Metadata(
                    fields.filter { $0.value != .null }.map { ($0.name, metadata($0.value)) },
                    uniquingKeysWith: { first, _ in first }))
        }
    }
}
