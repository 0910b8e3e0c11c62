/// The number of an event in the header of its frame.
///
/// All events are listed here. A number is never reused for another event.
public enum EventNumber: UInt16, Sendable, CaseIterable {
    case breakerTransition = 1
    case providerExhausted = 2
    case providerRestored = 3
    case limitReached = 4
    case limitReverted = 5
    case limitDenied = 6
    case depletionProjected = 7
    case accountReset = 8
    case permitLapsed = 9
    case accountAdjusted = 10
    case routePaused = 11
    case routeResumed = 12
}

/// An event, as `StateMachine.apply` reports it and as subscribers receive it. Each case is described at its record.
public enum Event: Sendable, Equatable {
    case breakerTransition(BreakerTransition)
    case providerExhausted(ProviderExhausted)
    case providerRestored(ProviderRestored)
    case depletionProjected(DepletionProjected)
    case accountReset(AccountReset)
    case accountAdjusted(AccountAdjusted)
    case permitLapsed(PermitLapsed)
    case limitReached(LimitReached)
    case limitDenied(LimitDenied)
    case limitReverted(LimitReverted)
    case routePaused(RoutePaused)
    case routeResumed(RouteResumed)

    /// Calls the visitor with the event's record.
    public func accept<Visitor: EventRecordVisitor & ~Copyable>(_ visitor: inout Visitor) -> Visitor.Result {
        switch self {
        case .breakerTransition(let record): visitor.visit(record)
        case .providerExhausted(let record): visitor.visit(record)
        case .providerRestored(let record): visitor.visit(record)
        case .depletionProjected(let record): visitor.visit(record)
        case .accountReset(let record): visitor.visit(record)
        case .accountAdjusted(let record): visitor.visit(record)
        case .permitLapsed(let record): visitor.visit(record)
        case .limitReached(let record): visitor.visit(record)
        case .limitDenied(let record): visitor.visit(record)
        case .limitReverted(let record): visitor.visit(record)
        case .routePaused(let record): visitor.visit(record)
        case .routeResumed(let record): visitor.visit(record)
        }
    }
}

/// The record type of every event, by its number.
public enum EventTable {
    /// Calls the visitor with the type of an event's record.
    public static func dispatch<Visitor: EventVisitor & ~Copyable>(
        _ number: EventNumber, _ visitor: inout Visitor
    ) -> Visitor.Result {
        switch number {
        case .breakerTransition: visitor.visit(BreakerTransition.self)
        case .providerExhausted: visitor.visit(ProviderExhausted.self)
        case .providerRestored: visitor.visit(ProviderRestored.self)
        case .depletionProjected: visitor.visit(DepletionProjected.self)
        case .accountReset: visitor.visit(AccountReset.self)
        case .accountAdjusted: visitor.visit(AccountAdjusted.self)
        case .permitLapsed: visitor.visit(PermitLapsed.self)
        case .limitReached: visitor.visit(LimitReached.self)
        case .limitDenied: visitor.visit(LimitDenied.self)
        case .limitReverted: visitor.visit(LimitReverted.self)
        case .routePaused: visitor.visit(RoutePaused.self)
        case .routeResumed: visitor.visit(RouteResumed.self)
        }
    }
}
