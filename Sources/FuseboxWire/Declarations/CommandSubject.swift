/// The subject of a command. Each subject has a chapter in the reference, a file of vectors and a range of numbers.
public enum CommandSubject: String, Sendable, CaseIterable {
    /// Hello, goodbye, events, and the status of the daemon.
    case connection
    /// Circuit breakers.
    case breaker
    /// The exhaustion registry.
    case exhaustion
    /// The credit ledger.
    case ledger
    /// Permits: one decision over breakers, exhaustion and ledger.
    case admission
    /// Limits on what calls use.
    case limit
    /// The policy that an operator keeps in a file.
    case policy
    /// The overview over all subsystems, and the operator's tools.
    case `operator`
    /// The inputs that the engine journals beside requests.
    case engine

    /// The numbers that are reserved for its commands.
    public var numbers: ClosedRange<UInt16> {
        switch self {
        case .connection: 1...15
        case .breaker: 16...31
        case .exhaustion: 32...47
        case .ledger: 48...79
        case .operator: 80...95
        case .admission: 96...111
        case .limit: 112...127
        case .policy: 128...143
        case .engine: 240...255
        }
    }

    /// The heading of its chapter.
    public var title: String {
        switch self {
        case .connection: "Connection"
        case .breaker: "Circuit breakers"
        case .exhaustion: "Exhaustion registry"
        case .ledger: "Credit ledger"
        case .admission: "Admission"
        case .limit: "Limits"
        case .policy: "Policy"
        case .operator: "Overview and operation"
        case .engine: "The engine's own inputs"
        }
    }
}

extension CommandDeclaration {
    /// The subject whose range has the command's number.
    public var subject: CommandSubject {
        guard let subject = CommandSubject.allCases.first(where: { $0.numbers.contains(number) }) else {
            preconditionFailure("no subject has the number \(number) of \(name)")
        }
        return subject
    }
}
