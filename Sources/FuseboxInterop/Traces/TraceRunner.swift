import FuseboxCore
import FuseboxWire

/// Runs a trace on the daemon's state machine. The replies have the format of the library `llm-providers`.
///
/// A trace has one request a line, as a JSON object. `at` is the time in milliseconds since the epoch, and `op` is the
/// operation. The other members depend on the operation. The state is empty at the first line. Time does not go back: a
/// line with an earlier time runs at the latest time so far.
package struct TraceRunner: Sendable {
    /// The semantics of the state machine.
    package let profile: Profile
    /// The bounds of the state machine.
    package let bounds: Bounds
    /// The state after the last line; nil before the first line.
    package private(set) var machine: StateMachine?
    /// The number of the last line, counted from 1; 0 before the first line.
    package private(set) var line = 0
    /// The latest time of a line so far.
    private var latest: Int64 = 0

    /// A runner with an empty state.
    package init(profile: Profile, bounds: Bounds = Bounds()) {
        self.profile = profile
        self.bounds = bounds
    }

    /// Runs one line and returns its reply; nil for a blank line.
    ///
    /// - Throws: the line's number and what is wrong with it; the line has changed nothing then
    package mutating func reply(to text: some Collection<UInt8>) throws(TraceError) -> JSONValue? {
        line += 1
        if text.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { return nil }
        let request: JSONValue
        do throws(JSONError) { request = try JSONValue(parsing: text) } catch {
            throw TraceError(line: line, message: "column \(error.column): \(error.message)")
        }
        do throws(JSONFieldError) { return try reply(to: JSONPlace(request)) } catch {
            throw TraceError(line: line, message: error.description)
        }
    }

    private mutating func reply(to request: JSONPlace) throws(JSONFieldError) -> JSONValue {
        let at = try request.object()["at"].timestamp().milliseconds
        let moment = Moment(milliseconds: max(at, latest))
        let word = try request["op"].text()
        guard let operation = TraceOperation(rawValue: word) else {
            let names = TraceOperation.allCases.map(\.rawValue).joined(separator: ", ")
            throw request["op"].error("no operation is named \(word); expected one of \(names)")
        }
        // The machine is moved into the step, because a second reference would cause copies.
        let current = machine.take() ?? StateMachine(profile: profile, bounds: bounds, at: moment)
        var step = TraceStep(machine: current, request: request, moment: moment)
        defer { machine = step.machine }
        if step.machine.isDue(at: moment) { _ = try step.apply(Advance()) }
        let reply = try step.carryOut(operation)
        latest = moment.now.milliseconds
        return reply
    }
}

/// Why a line of a trace could not be run.
package struct TraceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The number of the line, counted from 1.
    package var line: Int
    /// What is wrong with the line.
    package var message: String

    /// The line's number and the message, in one sentence.
    package var description: String { "line \(line): \(message)" }
}

/// The operations of a trace.
enum TraceOperation: String, CaseIterable {
    case breakerConfigure = "breaker.configure"
    case breakerAcquire = "breaker.acquire"
    case breakerSuccess = "breaker.success"
    case breakerFailure = "breaker.failure"
    case breakerState = "breaker.state"
    case breakerForceOpen = "breaker.forceOpen"
    case breakerReset = "breaker.reset"
    case breakerResetAll = "breaker.resetAll"
    case breakerHealth = "breaker.health"
    case breakerConfig = "breaker.config"
    case breakerStates = "breaker.states"
    case exhaustionMark = "exhaustion.mark"
    case exhaustionClear = "exhaustion.clear"
    case exhaustionGet = "exhaustion.get"
    case exhaustionList = "exhaustion.list"
    case exhaustionReset = "exhaustion.reset"
    case ledgerSetBudget = "ledger.setBudget"
    case ledgerRemoveBudget = "ledger.removeBudget"
    case ledgerRecord = "ledger.record"
    case ledgerRemaining = "ledger.remaining"
    case ledgerUtilization = "ledger.utilization"
    case ledgerAccumulator = "ledger.accumulator"
    case ledgerModelAccumulator = "ledger.modelAccumulator"
    case ledgerBreakdown = "ledger.breakdown"
    case ledgerTotalSpend = "ledger.totalSpend"
    case ledgerBurnRate = "ledger.burnRate"
    case ledgerDepletion = "ledger.depletion"
    case ledgerSummary = "ledger.summary"
    case ledgerSpendBreakdown = "ledger.spendBreakdown"
    case ledgerCheckRateLimit = "ledger.checkRateLimit"
    case ledgerResetPeriod = "ledger.resetPeriod"
    case `import`
    case export
}

/// The run of one line of a trace.
struct TraceStep {
    var machine: StateMachine
    let request: JSONPlace
    let moment: Moment

    /// Applies a command at the line's time.
    mutating func apply<C: StateCommand>(_ command: C) throws(JSONFieldError) -> C.Reply {
        var events: [Event] = []
        do throws(Refusal) { return try machine.apply(command, at: moment, effects: &events) } catch {
            throw request.error("\(C.declaration.name) was refused: \(error.message)")
        }
    }

    /// Changes or reads the state at the line's time.
    mutating func refusable<Result>(
        _ body: (inout StateMachine, Moment) throws(Refusal) -> Result
    ) throws(JSONFieldError) -> Result {
        do throws(Refusal) { return try body(&machine, moment) } catch {
            throw request.error("refused: \(error.message)")
        }
    }

    /// Applies a command whose reply does not matter.
    mutating func carryOut(_ command: some StateCommand) throws(JSONFieldError) -> JSONValue {
        _ = try apply(command)
        return [:]
    }

    mutating func carryOut(_ operation: TraceOperation) throws(JSONFieldError) -> JSONValue {
        switch operation {
        case .breakerConfigure: try configureBreaker()
        case .breakerAcquire: try acquire()
        case .breakerSuccess: try carryOut(BreakerSuccess(name: try name()))
        case .breakerFailure: try carryOut(BreakerFailure(name: try name()))
        case .breakerState: LLMProvidersJSON.state(try breakerStatus())
        case .breakerForceOpen: try carryOut(BreakerForceOpen(name: try name()))
        case .breakerReset: try carryOut(BreakerReset(name: try name()))
        case .breakerResetAll: try carryOut(BreakerResetAll())
        case .breakerHealth: LLMProvidersJSON.health(try breakerStatus())
        case .breakerConfig: try breakerConfiguration()
        case .breakerStates: try breakerStates()
        case .exhaustionMark: try markExhausted()
        case .exhaustionClear: try carryOut(ExhaustionClear(provider: try provider()))
        case .exhaustionGet: try exhaustionEntry()
        case .exhaustionList: try exhaustedProviders()
        case .exhaustionReset: try carryOut(ExhaustionReset())
        case .ledgerSetBudget: try setBudget()
        case .ledgerRemoveBudget: try removeBudget()
        case .ledgerRecord: try record()
        case .ledgerRemaining: try remaining()
        case .ledgerUtilization: try utilization()
        case .ledgerAccumulator: try accumulator()
        case .ledgerModelAccumulator: try modelAccumulator()
        case .ledgerBreakdown: try breakdown()
        case .ledgerTotalSpend: try totalSpend()
        case .ledgerBurnRate: try burnRate()
        case .ledgerDepletion: try depletion()
        case .ledgerSummary: try summary()
        case .ledgerSpendBreakdown: try spendBreakdown()
        case .ledgerCheckRateLimit: try checkRateLimit()
        case .ledgerResetPeriod: try carryOut(LedgerReset())
        case .import: try importState()
        case .export: try exportState()
        }
    }

    // MARK: Fields

    func name() throws(JSONFieldError) -> Name { try request["name"].name() }

    func provider() throws(JSONFieldError) -> Name { try request["provider"].name() }

    func model() throws(JSONFieldError) -> Name? { try request["model"].ifPresent?.name() }

    /// A member in milliseconds; nil if it is absent.
    func milliseconds(_ field: String) throws(JSONFieldError) -> Int64? {
        try request[field].ifPresent?.int64()
    }
}

// MARK: The whole state

extension TraceStep {
    private mutating func importState() throws(JSONFieldError) -> JSONValue {
        let parts: [(key: String, value: JSONValue)] = ["breakers", "exhaustion", "ledger"].compactMap { part in
            request[part].value.map { (part, $0) }
        }
        guard !parts.isEmpty else {
            throw request.error("expected `breakers`, `exhaustion` or `ledger`; an import needs at least one of them")
        }
        let document = JSONValue.object(parts)
        let other = try LLMProvidersSnapshot.stateMachine(
            from: document, profile: machine.profile, bounds: machine.bounds, at: moment)
        machine.replace(LLMProvidersSnapshot.parts(of: document), with: other)
        return [:]
    }

    private mutating func exportState() throws(JSONFieldError) -> JSONValue {
        // In the library, taking a snapshot applies the decay of all breakers, which affects later decay.
        if machine.profile.readsChangeState { _ = try apply(BreakerList()) }
        return LLMProvidersSnapshot.export(machine, at: moment)
    }
}
