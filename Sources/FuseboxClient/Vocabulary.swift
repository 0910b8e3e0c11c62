import FuseboxWire

// Every call uses these two, so an application gets them without a prefix.
@_exported import struct FuseboxWire.Candidate
@_exported import struct FuseboxWire.Estimate

// The protocol's types that the client's methods take and return, as members of `FuseboxClient`. So a program that
// imports the client can use `Command`, `Event`, `Money` and `Status` as names of its own. A program that sends
// commands with `call` and `submit` imports `FuseboxWire` too.

extension FuseboxClient {
    // MARK: Values

    /// An exact amount of US dollars, in nano-dollars.
    public typealias Money = FuseboxWire.Money
    /// A moment: milliseconds since the Unix epoch.
    public typealias Timestamp = FuseboxWire.Timestamp
    /// The name of a provider, a model or a breaker: 1 to 127 bytes of UTF-8 without control characters.
    public typealias Name = FuseboxWire.Name
    /// The 128 random bits by which the daemon recognises a worker after a reconnect.
    public typealias WorkerID = FuseboxWire.WorkerID

    // MARK: Calls and permits

    /// How a call ended, as the breaker and the mark of its provider see it.
    public typealias Outcome = FuseboxWire.Outcome
    /// Why admission denied a candidate.
    public typealias DenialReason = FuseboxWire.DenialReason
    /// Where the cost comes from that a call holds until it is settled.
    public typealias CostBasis = FuseboxWire.CostBasis
    /// How long successful calls have taken lately.
    public typealias Latency = FuseboxWire.Latency
    /// How long successful calls by a route have taken lately.
    public typealias RouteLatency = FuseboxWire.RouteLatency
    /// A permit in the list of `admission.permits`.
    public typealias PermitEntry = FuseboxWire.PermitEntry
    /// A call in the list of `admission.waiting`.
    public typealias WaitingEntry = FuseboxWire.WaitingEntry
    /// Whether a permit is in force, and how it has ended if it is not.
    public typealias PermitStanding = FuseboxWire.PermitStanding
    /// How many permits were granted, and how many have ended in each way.
    public typealias PermitTotals = FuseboxWire.PermitTotals

    // MARK: Policy

    /// The limits, prices, aliases and rules that an operator keeps in a file.
    public typealias Policy = FuseboxWire.Policy
    /// What a policy changes.
    public typealias PolicyReport = FuseboxWire.PolicyReport
    /// A difference between a policy and the state.
    public typealias PolicyChange = FuseboxWire.PolicyChange

    // MARK: Limits

    /// What a limit covers: the host, a route, a tag, or a tag on a route.
    public typealias Scope = FuseboxWire.Scope
    /// A bound on what the calls of a scope use in a window.
    public typealias Limit = FuseboxWire.Limit
    /// The stretch of time that a limit bounds the use of.
    public typealias LimitWindow = FuseboxWire.LimitWindow
    /// What a limit bounds: cost, requests, tokens or calls in flight.
    public typealias LimitDimension = FuseboxWire.LimitDimension
    /// What a limit does with a call that would exceed it.
    public typealias LimitMode = FuseboxWire.LimitMode
    /// A limit, and what is used, held and left of it.
    public typealias LimitEntry = FuseboxWire.LimitEntry
    /// A limit before and after it was set.
    public typealias LimitChange = FuseboxWire.LimitChange
    /// The event that what was used of a limit reached a threshold.
    public typealias LimitReached = FuseboxWire.LimitReached
    /// How far a limit is used up.
    public typealias ThresholdTier = FuseboxWire.ThresholdTier
    /// A limit that stands against a candidate.
    public typealias LimitObjection = FuseboxWire.LimitObjection
    /// What operators demand of the names in requests.
    public typealias NamePolicy = FuseboxWire.NamePolicy
    /// A name of a provider's model that stands for another.
    public typealias ModelAlias = FuseboxWire.ModelAlias

    // MARK: Prices

    /// What the calls of a model cost, per million tokens of each kind and per request.
    public typealias Price = FuseboxWire.Price
    /// The price of a model with a provider, or of every one.
    public typealias PriceEntry = FuseboxWire.PriceEntry

    // MARK: Breakers and marks

    /// Closed, degraded, recovering or open.
    public typealias BreakerState = FuseboxWire.BreakerState
    /// The present status of a breaker: state, share, failures and statistics.
    public typealias BreakerStatus = FuseboxWire.BreakerStatus
    /// The settings of a breaker.
    public typealias BreakerConfiguration = FuseboxWire.BreakerConfiguration
    /// A change of some settings of a breaker.
    public typealias BreakerConfigurationChange = FuseboxWire.BreakerConfigurationChange
    /// A breaker in the list of `breakers.list`.
    public typealias BreakerEntry = BreakerList.Entry
    /// The answer of `breakers.get`.
    public typealias BreakerLookup = BreakerGet.Reply
    /// The whole state of a breaker, as `breakers.serialize` returns it.
    public typealias BreakerRecord = FuseboxWire.BreakerRecord
    /// The mark of a route whose quota is used up.
    public typealias ExhaustionEntry = FuseboxWire.ExhaustionEntry
    /// Why a route was marked.
    public typealias MarkReason = FuseboxWire.MarkReason
    /// For whom the queue of waiting calls is full.
    public typealias FullQueue = FuseboxWire.FullQueue
    /// How much of a call's route its outcome marks.
    public typealias MarkScope = FuseboxWire.MarkScope
    /// A route that an operator has paused.
    public typealias PauseEntry = FuseboxWire.PauseEntry

    // MARK: The ledger

    /// The money, requests and tokens that an account has counted.
    public typealias AccountUsage = FuseboxWire.AccountUsage
    /// The account of a scope.
    public typealias ScopeAccount = FuseboxWire.ScopeAccount
    /// What an account has counted in a stretch of time.
    public typealias UseTotals = FuseboxWire.UseTotals
    /// The kinds of accounts.
    public typealias AccountKind = FuseboxWire.AccountKind
    /// What a provider costs per hour and per day.
    public typealias BurnRate = FuseboxWire.BurnRate
    /// When a limit of cost will be used up at the present burn rate.
    public typealias DepletionEstimate = FuseboxWire.DepletionEstimate
    /// The event that a limit of cost is projected to be used up soon.
    public typealias DepletionProjected = FuseboxWire.DepletionProjected
    /// The account of a model at a provider.
    public typealias ModelAccount = FuseboxWire.ModelAccount
    /// The answer of `ledger.total`.
    public typealias LedgerTotal = FuseboxWire.LedgerTotal.Reply
    /// The account of a provider.
    public typealias ProviderAccount = FuseboxWire.ProviderAccount
    /// A bill of a provider, compared with the ledger.
    public typealias Reconciliation = LedgerReconcile.Reply
    /// What a provider has cost within a window of its history.
    public typealias SpendSummary = FuseboxWire.SpendSummary
    /// The shares of a limit at which events fire.
    public typealias Thresholds = FuseboxWire.Thresholds

    // MARK: Events

    /// An event that the daemon sends to subscribers.
    public typealias Event = FuseboxWire.Event
    /// A set of subjects of events to subscribe to.
    public typealias Topics = FuseboxWire.Topics

    // MARK: The daemon

    /// The answer of `ping`: the daemon's clocks.
    public typealias DaemonClocks = Ping.Reply
    /// The answer of `status`.
    public typealias DaemonStatus = ServerStatus.Reply
    /// A provider in the answer of `overview`.
    public typealias OverviewEntry = Overview.Entry
    /// The rules that the daemon follows: `fusebox` or `llm-providers`.
    public typealias Profile = FuseboxWire.Profile
    /// Why the daemon refused a request: a status and a sentence.
    public typealias Refusal = FuseboxWire.Refusal
    /// A snapshot on the daemon's disk.
    public typealias SnapshotInfo = FuseboxWire.SnapshotInfo
    /// A set of parts of the daemon's state: breakers, exhaustion and ledger.
    public typealias StateParts = FuseboxWire.StateParts
    /// The status of a reply.
    public typealias Status = FuseboxWire.Status
    /// The daemon's reply to hello: its epoch, its limits and whether it knows the worker.
    public typealias Welcome = Hello.Reply
}
