import FuseboxWire

// Each call names them.
@_exported import struct FuseboxWire.Candidate
@_exported import struct FuseboxWire.Estimate

// What a program that imports the client sees: the client's own names, and below them those of the protocol's types that its
// methods take and return. An application keeps `Command`, `Event`, `Money` and `Status` for itself. A program that sends
// commands of its own with `call` and `submit` imports `FuseboxWire` too.

extension FuseboxClient {
    // MARK: Values

    public typealias Money = FuseboxWire.Money
    public typealias Timestamp = FuseboxWire.Timestamp
    public typealias Name = FuseboxWire.Name
    public typealias WorkerID = FuseboxWire.WorkerID

    // MARK: Calls and permits

    public typealias Outcome = FuseboxWire.Outcome
    public typealias DenialReason = FuseboxWire.DenialReason
    public typealias PermitEntry = FuseboxWire.PermitEntry
    public typealias PermitStanding = FuseboxWire.PermitStanding
    public typealias PermitTotals = FuseboxWire.PermitTotals

    // MARK: Limits

    public typealias Scope = FuseboxWire.Scope
    public typealias Limit = FuseboxWire.Limit
    public typealias LimitWindow = FuseboxWire.LimitWindow
    public typealias LimitDimension = FuseboxWire.LimitDimension
    public typealias LimitMode = FuseboxWire.LimitMode
    public typealias LimitEntry = FuseboxWire.LimitEntry
    public typealias LimitChange = FuseboxWire.LimitChange
    public typealias LimitObjection = FuseboxWire.LimitObjection
    public typealias NamePolicy = FuseboxWire.NamePolicy
    public typealias ModelAlias = FuseboxWire.ModelAlias

    // MARK: Breakers and marks

    public typealias BreakerState = FuseboxWire.BreakerState
    public typealias BreakerStatus = FuseboxWire.BreakerStatus
    public typealias BreakerConfiguration = FuseboxWire.BreakerConfiguration
    public typealias BreakerConfigurationChange = FuseboxWire.BreakerConfigurationChange
    public typealias BreakerEntry = BreakerList.Entry
    public typealias BreakerLookup = BreakerGet.Reply
    public typealias BreakerRecord = FuseboxWire.BreakerRecord
    public typealias ExhaustionEntry = FuseboxWire.ExhaustionEntry

    // MARK: The ledger

    public typealias AccountUsage = FuseboxWire.AccountUsage
    public typealias Budget = FuseboxWire.Budget
    public typealias BurnRate = FuseboxWire.BurnRate
    public typealias ClosedPeriod = LedgerClosedPeriods.Period
    public typealias DepletionEstimate = FuseboxWire.DepletionEstimate
    public typealias DepletionProjected = FuseboxWire.DepletionProjected
    public typealias ModelAccount = FuseboxWire.ModelAccount
    public typealias PeriodLength = FuseboxWire.PeriodLength
    public typealias PeriodTotal = LedgerTotal.Reply
    public typealias ProviderAccount = FuseboxWire.ProviderAccount
    public typealias RateDimension = FuseboxWire.RateDimension
    public typealias RateWindow = FuseboxWire.RateWindow
    public typealias SpendSummary = FuseboxWire.SpendSummary
    public typealias ThresholdCrossed = FuseboxWire.ThresholdCrossed
    public typealias Thresholds = FuseboxWire.Thresholds

    // MARK: Events

    public typealias Event = FuseboxWire.Event
    public typealias Topics = FuseboxWire.Topics

    // MARK: The daemon

    public typealias DaemonClocks = Ping.Reply
    public typealias DaemonStatus = ServerStatus.Reply
    public typealias OverviewEntry = Overview.Entry
    public typealias Profile = FuseboxWire.Profile
    public typealias Refusal = FuseboxWire.Refusal
    public typealias SnapshotInfo = FuseboxWire.SnapshotInfo
    public typealias StateParts = FuseboxWire.StateParts
    public typealias Status = FuseboxWire.Status
    public typealias Welcome = Hello.Reply
}
