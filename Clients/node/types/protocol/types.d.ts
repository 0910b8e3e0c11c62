/**
 * A value that this client does not know is its number.
 */
export type AccountKind = 'host' | 'provider' | 'deployment' | 'model' | 'tag' | number;
/**
 * A value that this client does not know is its number.
 */
export type BreakerRule = 'failures' | 'failureRate' | 'slowCallRate' | 'forced' | number;
/**
 * A value that this client does not know is its number.
 */
export type BreakerState = 'closed' | 'degraded' | 'recovering' | 'open' | number;
/**
 * A value that this client does not know is its number.
 */
export type CostBasis = 'nothing' | 'told' | 'priced' | 'percentile' | 'dearest' | number;
/**
 * A value that this client does not know is its number.
 */
export type DenialReason = 'exhausted' | 'breakerOpen' | 'share' | 'probes' | 'limit' | 'paused' | 'waiting' | number;
/**
 * A value that this client does not know is its number.
 */
export type DepletionTier = 'none' | 'warning' | 'critical' | 'emergency' | number;
/**
 * A value that this client does not know is its number.
 */
export type FullQueue = 'user' | 'everybody' | number;
/**
 * A value that this client does not know is its number.
 */
export type JournalStanding = 'none' | 'following' | 'short' | 'full' | 'interrupted' | number;
/**
 * A value that this client does not know is its number.
 */
export type LapseRule = 'charge' | 'release' | number;
/**
 * A value that this client does not know is its number.
 */
export type LimitDimension = 'cost' | 'requests' | 'tokens' | 'inputTokens' | 'outputTokens' | 'inFlight' | number;
/**
 * A value that this client does not know is its number.
 */
export type LimitMode = 'deny' | 'notify' | 'shadow' | number;
/**
 * A value that this client does not know is its number.
 */
export type MarkEnd = 'expired' | 'cleared' | 'succeeded' | number;
/**
 * A value that this client does not know is its number.
 */
export type MarkReason = 'told' | 'quotaExhausted' | 'throttled' | 'failure' | 'unauthorized' | number;
export type MarkScope = 'provider' | 'deployment' | 'model' | 'route';
export type Outcome = 'success' | 'failure' | 'throttled' | 'quotaExhausted' | 'rejected' | 'abandoned' | 'cancelled' | 'unauthorized';
/**
 * A value that this client does not know is its number.
 */
export type PermitStanding = 'inForce' | 'settled' | 'expired' | 'reclaimed' | 'revoked' | number;
/**
 * A value that this client does not know is its number.
 */
export type PolicyAction = 'added' | 'changed' | 'setBack' | 'takenOver' | 'removed' | number;
/**
 * A value that this client does not know is its number.
 */
export type PolicySubject = 'limit' | 'price' | 'alias' | 'breaker' | 'cooldown' | 'longestMark' | 'strictness' | 'requiredTags' | number;
/**
 * A value that this client does not know is its number.
 */
export type Profile = 'fusebox' | 'llmProviders' | number;
export type QueueDecision = 'aside' | 'joins' | 'fullForUser' | 'full';
/**
 * A value that this client does not know is its number.
 */
export type ThresholdTier = 'none' | 'warning' | 'critical' | 'emergency' | number;
/**
 * A value that this client does not know is its number.
 */
export type TicketStanding = 'waiting' | 'granted' | 'expired' | 'withdrawn' | 'refused' | 'forgotten' | number;
/**
 * A value that this client does not know is its number.
 */
export type WindowKind = 'none' | 'sliding' | 'fixed' | 'calendar' | 'manual' | 'prepaid' | number;
/**
 * A value that this client does not know is its number.
 */
export type WindowUnit = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year' | number;
/**
 * A value that this client does not know is its number.
 */
export type WorkerStanding = 'new' | 'resumed' | 'forgotten' | number;
export type AccountUsage = {
    /**
     * what was spent (nano-dollars)
     */
    spend: bigint;
    /**
     * tokens sent, neither read from a cache nor written to one
     */
    inputTokens: bigint;
    /**
     * tokens received, without reasoning
     */
    outputTokens: bigint;
    /**
     * the number of calls
     */
    requests: bigint;
    /**
     * when the first call was counted; absent if there is none
     */
    firstRecorded?: number | null | undefined;
    /**
     * when the last call was counted; absent if there is none
     */
    lastRecorded?: number | null | undefined;
    /**
     * tokens sent and read from a cache
     */
    cachedInputTokens: bigint;
    /**
     * tokens sent and written to a cache
     */
    cacheWriteTokens: bigint;
    /**
     * tokens of reasoning
     */
    reasoningTokens: bigint;
    /**
     * the number of calls that used something, and whose cost nobody told
     */
    unpriced: bigint;
};
export type AdmissionDecision = {
    /**
     * the place of the admitted candidate in the request, from 0; absent: denied
     */
    candidate?: number | null | undefined;
    /**
     * the state of the admitted candidate's breaker; closed if denied
     */
    state: BreakerState;
    /**
     * the share of traffic that this breaker admits, 0 to 1; 0 if denied
     */
    share: number;
    /**
     * one for each candidate before the admitted one, or for each of all if denied, in their order
     */
    denials: Array<Denial>;
    /**
     * the shortest of the candidates' times; absent if admitted, or if time alone does not help
     */
    retryAfterMilliseconds?: bigint | null | undefined;
    /**
     * for each candidate denied with the reason `limit`, that limit; if the request `explains`, every limit that stands against one of these candidates; at most 64
     */
    limits: Array<LimitObjection>;
    /**
     * the cost that the admitted call holds until it is settled; absent: none, or denied (nano-dollars)
     */
    heldCost?: bigint | null | undefined;
    /**
     * where this cost comes from
     */
    costBasis: CostBasis;
    /**
     * whether the admitted call probes a mark of its route: a success ends the mark
     */
    isProbe: boolean;
    /**
     * why a call that may wait is denied though waiting can help: the queue is full; absent: it is not, or the call does not wait
     */
    fullQueue?: FullQueue | null | undefined;
};
export type Admit = {
    /**
     * the ways that the call may go, at least 1, best first
     */
    candidates: Array<Candidate>;
    /**
     * what the call is made for, such as `team:search`, at most 8 tags; `uid:N` is refused, because the daemon adds it
     */
    tags: Array<string>;
    /**
     * what the call may use at most
     */
    estimate: Estimate;
    /**
     * how long the permit lasts unless it is settled or renewed: 1ms to 1d
     */
    ttlMilliseconds: bigint;
    /**
     * whether a denial lists every limit that stands against a candidate
     */
    explains: boolean;
    /**
     * whether tags that are not known count under `(other)`, or under that of their template; clients leave it false, and the daemon sets it where it has no room for more tags
     */
    foldsTags: boolean;
    /**
     * how long the call may wait for its turn: 0s to 1d; 0: it does not wait
     */
    waitMilliseconds: bigint;
    /**
     * how urgent a waiting call is: 0, the most urgent, to 7; by default 3
     */
    priority: number;
    /**
     * the ticket of an earlier request of this worker, whose wait this request continues after a lost connection; 0: none
     */
    resumes: bigint;
    /**
     * the candidates that waiting calls come first for, a bit each; clients send 0, and the daemon puts what it found in the journal
     */
    passed: number;
    /**
     * how long time alone keeps the call back where others come first; -1: for ever; clients send 0
     */
    passedMilliseconds: bigint;
    /**
     * whether the call joins the queue, or why it cannot; clients send `aside`
     */
    queue: QueueDecision;
};
export type AdmitReply = {
    /**
     * the permit's number, to settle it with; absent: denied, or it waits
     */
    permit?: bigint | null | undefined;
    /**
     * when the permit ends by itself, on the steady clock; 0 without a permit
     */
    expiresAt: number;
    /**
     * which candidate is admitted, or why none is
     */
    decision: AdmissionDecision;
    /**
     * present if the call waits: the sequence number of this request; how the wait ends is pushed, see `admission.tickets`
     */
    ticket?: bigint | null | undefined;
};
export type Blame = {
    /**
     * the worker; the lower half is shown as 0, because the whole id lets a process pass for this worker
     */
    worker: WorkerID;
    /**
     * when it last reported a failure
     */
    at: number;
};
export type BreakerConfiguration = {
    /**
     * consecutive failures at which it opens; at least 1
     */
    failureThreshold: number;
    /**
     * quiet time that takes one failure off; at least 1
     */
    resetTimeoutMilliseconds: bigint;
    /**
     * how long a call counts for the rates, and a worker's failure for `minWorkers`
     */
    monitoringPeriodMilliseconds: bigint;
    /**
     * how many calls of the monitoring period a rate needs to open it
     */
    minRequests: number;
    /**
     * the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most 32 points
     */
    degradationCurve: Array<number>;
    /**
     * from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits
     */
    maxProbes: number;
    /**
     * how many workers must report failures within the monitoring period for it to open fully; 1 to 16
     */
    minWorkers: number;
    /**
     * the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail
     */
    failureRate: number;
    /**
     * the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`
     */
    slowCallRate: number;
    /**
     * from how long on a call is slow; 0: none is
     */
    slowCallMilliseconds: bigint;
    /**
     * up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays
     */
    maxResetTimeoutMilliseconds: bigint;
    /**
     * whether each model of the provider has a breaker of its own; breakers of deployments and models do not use it
     */
    byModel: boolean;
};
export type BreakerConfigurationChange = {
    /**
     * consecutive failures at which it opens; 0 counts as 1
     */
    failureThreshold?: number | null | undefined;
    /**
     * quiet time that takes one failure off; 1ms to 366d
     */
    resetTimeoutMilliseconds?: bigint | null | undefined;
    /**
     * how long a call counts for the rates, and a worker's failure for `minWorkers`; 0s to 366d
     */
    monitoringPeriodMilliseconds?: bigint | null | undefined;
    /**
     * how many calls of the monitoring period a rate needs to open it
     */
    minRequests?: number | null | undefined;
    /**
     * the share admitted at 0, 1, 2 … consecutive failures, clamped to 0 to 1; at most 32 points; an empty curve stands for the default
     */
    degradationCurve?: number[] | null | undefined;
    /**
     * from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits
     */
    maxProbes?: number | null | undefined;
    /**
     * how many workers must report failures within the monitoring period for it to open fully; 0 counts as 1, at most 16
     */
    minWorkers?: number | null | undefined;
    /**
     * the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail
     */
    failureRate?: number | null | undefined;
    /**
     * the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`
     */
    slowCallRate?: number | null | undefined;
    /**
     * from how long on a call is slow; 0s to 366d; 0: none is
     */
    slowCallMilliseconds?: bigint | null | undefined;
    /**
     * up to where the reset timeout doubles with each recovery that fails; 0s to 366d; not above the reset timeout: it stays
     */
    maxResetTimeoutMilliseconds?: bigint | null | undefined;
    /**
     * whether each model of the provider has a breaker of its own
     */
    byModel?: boolean | null | undefined;
};
export type BreakerEntry = {
    /**
     * the provider
     */
    name: string;
    /**
     * its state, health and statistics at this moment
     */
    status: BreakerStatus;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerRates = {
    /**
     * the calls that succeeded or failed
     */
    calls: bigint;
    /**
     * those that failed
     */
    failures: bigint;
    /**
     * the share of failed calls at which a failure opens the breaker; 0: any may fail
     */
    failureRate: number;
    /**
     * the calls of which it is known how long they took: those with a permit
     */
    timed: bigint;
    /**
     * those that were slow
     */
    slow: bigint;
    /**
     * the share of slow calls at which a slow call opens the breaker; 0: any may be slow
     */
    slowCallRate: number;
    /**
     * from how long on a call is slow; 0: none is
     */
    slowCallMilliseconds: bigint;
    /**
     * how many calls a rate needs to open the breaker
     */
    minRequests: number;
    /**
     * how long a call counts
     */
    monitoringPeriodMilliseconds: bigint;
};
export type BreakerRecord = {
    /**
     * the provider
     */
    name: string;
    /**
     * its configuration
     */
    configuration: BreakerConfiguration;
    /**
     * whether the configuration is its own, not the default's
     */
    isConfigured: boolean;
    /**
     * failures less successes and decay: the point of the degradation curve that gives the share
     */
    consecutiveFailures: number;
    /**
     * failures since the last reset
     */
    totalFailures: bigint;
    /**
     * successes since the last reset
     */
    totalSuccesses: bigint;
    /**
     * outcomes since the last reset
     */
    totalRequests: bigint;
    /**
     * when a failure was last reported
     */
    lastFailure?: number | null | undefined;
    /**
     * when a success was last reported
     */
    lastSuccess?: number | null | undefined;
    /**
     * when a call last asked for it, or it was forced open
     */
    lastRequest?: number | null | undefined;
    /**
     * the moment up to which decay was applied; absent if the decay clock does not run
     */
    lastDecay?: number | null | undefined;
    /**
     * when the monitoring window began
     */
    windowStart: number;
    /**
     * the part of an admission that is saved up, in billionths
     */
    shareCredit: number;
    /**
     * the workers whose failures count for `minWorkers`; none are kept where that is 1
     */
    blames: Array<Blame>;
    /**
     * how often it has opened, and closed after that
     */
    episode: number;
    /**
     * what has opened it first since it last was closed; absent if it has not opened
     */
    openedBy?: BreakerRule | null | undefined;
    /**
     * how often it has opened again since it last was closed
     */
    failedRecoveries: number;
    /**
     * the calls that count for the rates, oldest first; none are kept where no rate is configured
     */
    calls: Array<RateBucket>;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerStatus = {
    /**
     * closed at a share of 1, open at a share of 0, otherwise recovering or degraded
     */
    state: BreakerState;
    /**
     * failures less successes and decay: the point of the degradation curve that gives the share
     */
    consecutiveFailures: number;
    /**
     * consecutive failures at which it opens
     */
    failureThreshold: number;
    /**
     * the share of traffic admitted, 0 to 1
     */
    share: number;
    /**
     * failures since the last reset
     */
    totalFailures: bigint;
    /**
     * successes since the last reset
     */
    totalSuccesses: bigint;
    /**
     * outcomes since the last reset
     */
    totalRequests: bigint;
    /**
     * when a failure was last reported
     */
    lastFailure?: number | null | undefined;
    /**
     * when a success was last reported
     */
    lastSuccess?: number | null | undefined;
    /**
     * when a call last asked for it, or it was forced open
     */
    lastRequest?: number | null | undefined;
    /**
     * when decay will next take a failure off; absent if there is none
     */
    nextAttempt?: number | null | undefined;
    /**
     * how often it has opened, and closed after that; an outcome moves the breaker only in the episode in which its call was admitted
     */
    episode: number;
    /**
     * what has opened it first since it last was closed; absent if it has not opened
     */
    openedBy?: BreakerRule | null | undefined;
    /**
     * quiet time that takes one failure off now; it grows with the recoveries that fail
     */
    resetTimeoutMilliseconds: bigint;
    /**
     * how often it has opened again since it last was closed
     */
    failedRecoveries: number;
    /**
     * the rates now and those that open it; absent if none is configured
     */
    rates?: BreakerRates | null | undefined;
    /**
     * how many workers must report failures within the monitoring period for it to open
     */
    minWorkers: number;
    /**
     * how many workers have reported failures within that time, at most `minWorkers`; 0 if one is enough
     */
    failedWorkers: number;
    /**
     * whether it stands at the last step before it opens until failures of enough workers are reported
     */
    isHeldByWorkers: boolean;
};
export type BurnRate = {
    /**
     * dollars per hour; absent while the history is shorter than both an hour and the window
     */
    costPerHour?: number | null | undefined;
    /**
     * dollars per day; absent where `costPerHour` is
     */
    costPerDay?: number | null | undefined;
    /**
     * the length of the window
     */
    windowMilliseconds: bigint;
    /**
     * the time that the rate is measured over: the window, or as much of it as the provider has a history of
     */
    baseMilliseconds: bigint;
    /**
     * records in the window
     */
    sampleCount: bigint;
    /**
     * whether records older than the window are included, because history that old is kept in sums
     */
    isApproximate: boolean;
};
export type CallTiming = {
    /**
     * from the permit until the first token of the answer; absent: nobody told it
     */
    firstTokenMilliseconds?: number | null | undefined;
    /**
     * from the permit until the end of the call; absent: until its settle was applied
     */
    durationMilliseconds?: number | null | undefined;
};
export type CallUsage = {
    /**
     * the model that answered; it is charged only where no model was asked for; where neither is named, `unspecified` is charged
     */
    model?: string | null | undefined;
    /**
     * what the call cost, $0 to $1,000,000; absent: nobody told it (nano-dollars)
     */
    cost?: bigint | null | undefined;
    /**
     * the tokens by kind
     */
    tokens: TokenUsage;
};
export type Candidate = {
    /**
     * the provider, which is also its breaker's name
     */
    provider: string;
    /**
     * the provider's deployment, such as an API key, a region or an endpoint, which can have limits of its own; absent: the call names none
     */
    deployment?: string | null | undefined;
    /**
     * the model that is asked for, and charged; absent: no model's limit is checked
     */
    model?: string | null | undefined;
};
export type CandidateOutlook = {
    /**
     * why it would not be admitted; absent: it would be
     */
    denial?: Denial | null | undefined;
    /**
     * the state of its breaker
     */
    state: BreakerState;
    /**
     * the share of traffic that its breaker lets through, 0 to 1
     */
    share: number;
    /**
     * the cost that the call would hold until it is settled; absent: none is known (nano-dollars)
     */
    heldCost?: bigint | null | undefined;
    /**
     * where this cost comes from
     */
    costBasis: CostBasis;
    /**
     * how long successful calls by this route have taken lately, from the permit to the end; absent: there was none
     */
    duration?: Latency | null | undefined;
    /**
     * the same until the first token; absent: nobody told it
     */
    firstToken?: Latency | null | undefined;
};
export type Denial = {
    /**
     * the reason that lasts longest; of those that last equally long, `paused`, or else the first of the enumeration
     */
    reason: DenialReason;
    /**
     * how long the reason lasts: trying again cannot succeed earlier; 0: it can as soon as another call ends, or with the next call; absent: time alone does not help
     */
    retryAfterMilliseconds?: bigint | null | undefined;
    /**
     * for the reasons `breakerOpen`, `share` and `probes`: what has opened the breaker first since it last was closed; absent if it has not opened, and for other reasons
     */
    openedBy?: BreakerRule | null | undefined;
    /**
     * with `openedBy`: how often it has opened again since it last was closed
     */
    failedRecoveries: number;
    /**
     * the quiet time that takes one failure off, after recoveries that have failed; absent if none has
     */
    resetTimeoutMilliseconds?: bigint | null | undefined;
};
export type DepletionEstimate = {
    /**
     * the limit
     */
    limit: Limit;
    /**
     * what is left of it; $0 if it is exceeded (nano-dollars)
     */
    remaining: bigint;
    /**
     * the burn rate that the estimate is computed from
     */
    burnRate: BurnRate;
    /**
     * days until it is used up; absent if nothing is being spent, if the rate is not known yet, or if its window ends before
     */
    daysRemaining?: number | null | undefined;
    /**
     * when it will be used up; absent where `daysRemaining` is, and beyond the year 275760
     */
    depletesAt?: number | null | undefined;
};
export type DepletionProjected = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the limit
     */
    limit: Limit;
    /**
     * 7 days, 3 days or 1 day
     */
    tier: DepletionTier;
    /**
     * days until then, at the burn rate of the last 24 hours
     */
    daysRemaining: number;
    /**
     * when it will be used up
     */
    depletesAt: number;
    /**
     * the burn rate of the estimate
     */
    burnRate: BurnRate;
};
export type Estimate = {
    /**
     * the cost, $0 to $1,000,000; held against limits until the call is settled; absent: not known (nano-dollars)
     */
    cost?: bigint | null | undefined;
    /**
     * tokens sent, 0 to 4,294,967,295; counted against limits at once; absent: not known
     */
    inputTokens?: number | null | undefined;
    /**
     * tokens received; absent: not known
     */
    outputTokens?: number | null | undefined;
    /**
     * input and output together, where they are not known apart: counted in full against limits of either; goes with neither of them
     */
    tokens?: number | null | undefined;
};
export type ExhaustionEntry = {
    /**
     * the provider
     */
    provider: string;
    /**
     * when it was marked
     */
    exhaustedAt: number;
    /**
     * when the mark expires
     */
    resetsAt: number;
    /**
     * the deployment; absent: every one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: every one
     */
    model?: string | null | undefined;
    /**
     * why it was marked, or its end put off last
     */
    reason: MarkReason;
    /**
     * the peer user that told it last
     */
    user: number;
    /**
     * when it was marked, or its end put off last; a success ends it if its call was admitted later
     */
    changedAt: number;
    /**
     * when a call may probe it; absent: none may before its end
     */
    probeAt?: number | null | undefined;
    /**
     * whether a call is under way that probes it
     */
    isProbed: boolean;
    /**
     * how many probes have failed
     */
    failedProbes: number;
};
export type FiredEvents = {
    /**
     * the limits whose thresholds this call has reached, at most 8
     */
    reached: Array<LimitReached>;
    /**
     * the limit of the provider that will be used up sooner than was told before; absent: none
     */
    depletion?: DepletionProjected | null | undefined;
};
export type HistoryDay = {
    /**
     * the day, in days since 1970-01-01
     */
    day: bigint;
    /**
     * the account's scope
     */
    scope: Scope;
    /**
     * what was spent; below $0 if more was taken back (nano-dollars)
     */
    spend: bigint;
    /**
     * the number of calls; below 0 if calls of an earlier day were taken back
     */
    requests: bigint;
    /**
     * calls that used something, and whose cost nobody told
     */
    unpriced: bigint;
    /**
     * tokens sent, neither read from a cache nor written to one
     */
    inputTokens: bigint;
    /**
     * tokens sent and read from a cache
     */
    cachedInputTokens: bigint;
    /**
     * tokens sent and written to a cache
     */
    cacheWriteTokens: bigint;
    /**
     * tokens received, without reasoning
     */
    outputTokens: bigint;
    /**
     * tokens of reasoning
     */
    reasoningTokens: bigint;
    /**
     * why the spend was corrected when it was compared with a bill; absent: it is what calls have used
     */
    reason?: string | null | undefined;
};
export type HistoryFile = {
    /**
     * the name of the file
     */
    file: string;
    /**
     * its length in bytes; it may grow
     */
    length: bigint;
};
export type HistoryProblem = {
    /**
     * the name of the file
     */
    file: string;
    /**
     * the byte at which the problem is
     */
    offset: bigint;
    /**
     * the first day of which records are missing, in days since 1970-01-01; absent: it is not known
     */
    firstDay?: bigint | null | undefined;
    /**
     * the last day of which records are missing; absent: it is not known
     */
    lastDay?: bigint | null | undefined;
    /**
     * the number of records that are missing; 0: it is not known
     */
    records: bigint;
    /**
     * what is wrong, as a clause
     */
    what: string;
};
export type Latency = {
    /**
     * the number of calls that have succeeded lately: in the last 5 to 10 minutes
     */
    count: number;
    /**
     * the time that half of them did not exceed
     */
    p50Milliseconds: number;
    /**
     * the time that 95 % of them did not exceed
     */
    p95Milliseconds: number;
    /**
     * the time that 99 % of them did not exceed
     */
    p99Milliseconds: number;
};
export type Limit = {
    /**
     * what it bounds
     */
    dimension: LimitDimension;
    /**
     * the most in one window: nano-dollars for `cost`, else a count; 0 to 2⁶³ − 1
     */
    amount: bigint;
    /**
     * the stretch of time that it bounds the use of
     */
    window: LimitWindow;
    /**
     * what it does with a call that would exceed it
     */
    mode: LimitMode;
    /**
     * what becomes of the estimate of a call that was never settled
     */
    onLapse: LapseRule;
    /**
     * the shares of the amount at which events are sent; absent: 0.8, 0.9 and 0.95 for `cost`, and for other dimensions in windows of a day and more; without effect for `inFlight`
     */
    thresholds?: Thresholds | null | undefined;
    /**
     * whether tokens that were read from a cache do not count; only for `tokens` and `inputTokens`
     */
    skipsCacheReads: boolean;
};
export type LimitChange = {
    /**
     * the limit before; absent: it is new
     */
    before?: Limit | null | undefined;
    /**
     * the limit now
     */
    entry: LimitEntry;
};
export type LimitEntry = {
    /**
     * what it limits; of a template's use the tag that used it
     */
    scope: Scope;
    /**
     * the limit as it was set
     */
    limit: Limit;
    /**
     * the template that it comes from; absent: set on the scope itself
     */
    template?: string | null | undefined;
    /**
     * the higher amount that holds for a while; absent: none
     */
    raisedAmount?: bigint | null | undefined;
    /**
     * how long the higher amount still holds; absent: there is none
     */
    raisedMilliseconds?: bigint | null | undefined;
    /**
     * used in the current window: nano-dollars for `cost`, else a count; of a template 0
     */
    used: bigint;
    /**
     * what was used over the amount; 0 where the amount is
     */
    share: number;
    /**
     * what calls in force hold beside it: estimates of cost, or calls in flight
     */
    held: bigint;
    /**
     * the part of `used` that is the estimate of calls that were never settled
     */
    assumed: bigint;
    /**
     * when the current window began, on the steady clock; absent: it slides or has not begun
     */
    startedAt?: number | null | undefined;
    /**
     * how long the current window still lasts; absent: it slides, has not begun, or has no end
     */
    endsInMilliseconds?: bigint | null | undefined;
    /**
     * the highest threshold that was told in this window
     */
    toldTier: ThresholdTier;
    /**
     * calls that a `shadow` limit would have denied
     */
    wouldHaveDenied: bigint;
    /**
     * how many tags have used a template; 0 for others
     */
    uses: number;
};
export type LimitObjection = {
    /**
     * the candidate's place, from 0
     */
    candidate: number;
    /**
     * what the limit covers
     */
    scope: Scope;
    /**
     * the limit as it was set
     */
    limit: Limit;
    /**
     * the amount in force: the limit's own, or what it is raised to
     */
    amount: bigint;
    /**
     * used in the current window: nano-dollars for `cost`, else a count
     */
    used: bigint;
    /**
     * what calls in force hold beside it
     */
    held: bigint;
    /**
     * what the call would take: nano-dollars for `cost`, else a count
     */
    needed: bigint;
    /**
     * how long this limit alone lasts: trying again cannot succeed earlier; absent: time alone does not help
     */
    retryAfterMilliseconds?: bigint | null | undefined;
};
export type LimitReached = {
    /**
     * the limit and how it stands
     */
    entry: LimitEntry;
    /**
     * the threshold
     */
    tier: ThresholdTier;
};
export type LimitWindow = {
    /**
     * how it moves; `none` for `inFlight` alone
     */
    kind: WindowKind;
    /**
     * the length of a `sliding` or `fixed` window, 1 s to 366 days; 0 for others
     */
    lengthMilliseconds: bigint;
    /**
     * the unit of a `calendar` window; `day` for others
     */
    unit: WindowUnit;
    /**
     * where a `calendar` window begins: the weekday that a week begins on, 1 (Monday) to 7; the day that a month, quarter or year begins on, 1 to 31; otherwise 1
     */
    anchorDay: number;
    /**
     * the month that a calendar year begins in, 1 to 12; otherwise 1
     */
    anchorMonth: number;
    /**
     * the IANA time zone of a `calendar` window; absent: UTC
     */
    zone?: string | null | undefined;
};
export type ModelAccount = {
    /**
     * the model that was asked for
     */
    model: string;
    /**
     * the sums since the account began or was reset
     */
    usage: AccountUsage;
    /**
     * the model that last answered, if it was another; for display only, and also absent where no room is left for names
     */
    answering?: string | null | undefined;
};
export type ModelAlias = {
    /**
     * the provider whose model it is
     */
    provider: string;
    /**
     * the name that stands for another
     */
    name: string;
    /**
     * the model that is charged, and whose limits count
     */
    model: string;
};
export type OverviewEntry = {
    /**
     * the provider or breaker
     */
    name: string;
    /**
     * the state of its breaker; closed if it has none
     */
    state: BreakerState;
    /**
     * the share of traffic admitted, 0 to 1; 1 if it has no breaker
     */
    share: number;
    /**
     * breakers of its deployments and models that are not closed
     */
    narrowBreakers: number;
    /**
     * when the mark of the provider as a whole expires; absent if none is in force
     */
    exhaustedUntil?: number | null | undefined;
    /**
     * whether an operator has paused the provider as a whole; `exhaustion.pauses` tells who and why
     */
    isPaused: boolean;
    /**
     * when that pause ends by itself; absent if it lasts until it is resumed, or if none is in force
     */
    pausedUntil?: number | null | undefined;
    /**
     * marks in force of its deployments and models
     */
    narrowMarks: number;
    /**
     * pauses in force of its deployments and models
     */
    narrowPauses: number;
    /**
     * what was spent since its account began or was reset (nano-dollars)
     */
    spend: bigint;
    /**
     * the number of its calls whose cost nobody told, which `spend` lacks
     */
    unpriced: bigint;
    /**
     * the sum of the estimates of its permits in force (nano-dollars)
     */
    held: bigint;
    /**
     * its calls in flight that have a permit
     */
    inFlight: number;
    /**
     * how many limits are set on the provider as a whole
     */
    limits: number;
    /**
     * the fullest of those that deny, by what is used and held over the amount; of the others if none denies; absent: there is none
     */
    fullest?: LimitEntry | null | undefined;
    /**
     * days until a limit of its cost is used up, at the burn rate of 24 hours; absent while that is not known
     */
    daysRemaining?: number | null | undefined;
    /**
     * how long successful calls of the provider have taken lately, from the permit to the end; absent: there was none
     */
    duration?: Latency | null | undefined;
    /**
     * the same until the first token; absent: nobody told it
     */
    firstToken?: Latency | null | undefined;
};
export type PauseEntry = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: every one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: every one
     */
    model?: string | null | undefined;
    /**
     * since when it is paused
     */
    since: number;
    /**
     * when the pause ends by itself; absent: it lasts until it is resumed
     */
    until?: number | null | undefined;
    /**
     * the peer user of the operator who paused it last
     */
    user: number;
    /**
     * why, in the operator's words
     */
    reason: string;
};
export type PermitEntry = {
    /**
     * the permit's number
     */
    permit: bigint;
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: none was named
     */
    deployment?: string | null | undefined;
    /**
     * the model that was asked for; absent: none was named
     */
    model?: string | null | undefined;
    /**
     * what the call was made for; the last tag is its user's, `uid:N`
     */
    tags: Array<string>;
    /**
     * whether it is in force, or how it ended
     */
    standing: PermitStanding;
    /**
     * the worker that holds it; the lower half is shown as 0, because the whole id lets a process pass for this worker
     */
    worker: WorkerID;
    /**
     * the peer user that the worker runs as
     */
    user: number;
    /**
     * the estimate that it was granted for
     */
    estimate: Estimate;
    /**
     * when it was granted, on the steady clock
     */
    grantedAt: number;
    /**
     * when it ends by itself, on the steady clock; once it has lapsed, when it did
     */
    expiresAt: number;
    /**
     * whether its call counts as in flight; not after its worker's death
     */
    isInFlight: boolean;
    /**
     * the ticket of a call that has waited for the permit; 0: it has not
     */
    ticket: bigint;
};
export type PermitTotals = {
    /**
     * permits granted
     */
    granted: bigint;
    /**
     * permits settled while in force
     */
    settled: bigint;
    /**
     * permits whose time to live passed before they were settled
     */
    expired: bigint;
    /**
     * permits whose worker died before they were settled
     */
    reclaimed: bigint;
    /**
     * permits that an operator ended before they were settled
     */
    revoked: bigint;
    /**
     * permits in force
     */
    outstanding: bigint;
    /**
     * permits settled after they had expired, or were reclaimed or revoked
     */
    settledLate: bigint;
    /**
     * the sum of the estimates of permits in force; the end of the range if it is more (nano-dollars)
     */
    held: bigint;
};
export type Policy = {
    /**
     * the limits, each another one; they keep what was used of them
     */
    limits: Array<PolicyLimit>;
    /**
     * the prices, each of another provider or model
     */
    prices: Array<PriceEntry>;
    /**
     * the aliases, each for another name
     */
    aliases: Array<ModelAlias>;
    /**
     * the parts of breakers' configurations, each of another route
     */
    breakers: Array<PolicyBreaker>;
    /**
     * how long a mark lasts that names no duration, 0s to 366d
     */
    cooldownMilliseconds?: bigint | null | undefined;
    /**
     * how long a mark lasts at most, 1m to 366d
     */
    longestMarkMilliseconds?: bigint | null | undefined;
    /**
     * whether workers may name only providers that are known
     */
    isStrict?: boolean | null | undefined;
    /**
     * the tags that each call must have, at most 8, each a tag or `prefix*`
     */
    requiredTags?: string[] | null | undefined;
};
export type PolicyBreaker = {
    /**
     * the provider; absent: the configuration of new breakers
     */
    provider?: string | null | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
    /**
     * the parts of the configuration that the policy sets, at least one
     */
    change: BreakerConfigurationChange;
};
export type PolicyChange = {
    /**
     * what the item is about
     */
    subject: PolicySubject;
    /**
     * what becomes of it
     */
    action: PolicyAction;
    /**
     * its place among the policy's items of its subject, from 0; absent: it is not among them, or is the only one
     */
    item?: number | null | undefined;
    /**
     * whose limit, price or breaker it is; the name that is an alias, as a model; nothing is named for the rest
     */
    scope: Scope;
    /**
     * how it was, for people, at most 480 bytes; absent: it was not there
     */
    before?: string | null | undefined;
    /**
     * how it is, for people; absent: it is not there any more
     */
    after?: string | null | undefined;
};
export type PolicyLimit = {
    /**
     * what is limited; its tag may be a template, `prefix*`
     */
    scope: Scope;
    /**
     * the limit; the amount of a prepaid one is what was paid in first, and what was topped up comes on top
     */
    limit: Limit;
};
export type Price = {
    /**
     * per million tokens sent, $0 to $1,000,000; absent: not known (nano-dollars)
     */
    input?: bigint | null | undefined;
    /**
     * per million tokens read from a cache; absent: that of input (nano-dollars)
     */
    cachedInput?: bigint | null | undefined;
    /**
     * per million tokens written to a cache; absent: that of input (nano-dollars)
     */
    cacheWrite?: bigint | null | undefined;
    /**
     * per million tokens received; absent: not known (nano-dollars)
     */
    output?: bigint | null | undefined;
    /**
     * per million tokens of reasoning; absent: that of output (nano-dollars)
     */
    reasoning?: bigint | null | undefined;
    /**
     * per request; absent: nothing (nano-dollars)
     */
    request?: bigint | null | undefined;
};
export type PriceEntry = {
    /**
     * the provider; absent: every one
     */
    provider?: string | null | undefined;
    /**
     * the model; absent: every one. One of the two is there
     */
    model?: string | null | undefined;
    /**
     * the price
     */
    price: Price;
};
export type ProviderAccount = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the sums since the account began or was reset
     */
    usage: AccountUsage;
    /**
     * the sum of the estimates of its permits in force (nano-dollars)
     */
    held: bigint;
    /**
     * its calls in flight that have a permit
     */
    inFlight: number;
    /**
     * the number of its model accounts
     */
    models: number;
};
export type RateBucket = {
    /**
     * when it began: a multiple of the twentieth, which is rounded up to whole milliseconds
     */
    startedAt: number;
    /**
     * the calls that succeeded or failed
     */
    calls: number;
    /**
     * those that failed
     */
    failures: number;
    /**
     * the calls of which it is known how long they took
     */
    timed: number;
    /**
     * those that were slow
     */
    slow: number;
};
export type RouteLatency = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: the calls named none
     */
    deployment?: string | null | undefined;
    /**
     * the model that was asked for; absent: the calls named none
     */
    model?: string | null | undefined;
    /**
     * from the permit to the end of the call
     */
    duration: Latency;
    /**
     * from the permit to the first token; absent: nobody told it
     */
    firstToken?: Latency | null | undefined;
};
export type Scope = {
    /**
     * the provider of the route; absent: any
     */
    provider?: string | null | undefined;
    /**
     * the deployment of the route; absent: any; needs a provider, goes with no tag
     */
    deployment?: string | null | undefined;
    /**
     * the model that was asked for; absent: any; needs a provider
     */
    model?: string | null | undefined;
    /**
     * the tag, or `prefix*` for each tag that begins so; absent: every call
     */
    tag?: string | null | undefined;
};
export type ScopeAccount = {
    /**
     * the host, a provider, a deployment, a model with its provider, or a tag
     */
    scope: Scope;
    /**
     * the sums since the account began or was reset
     */
    usage: AccountUsage;
    /**
     * what was used today, in UTC
     */
    today: UseTotals;
    /**
     * what was used this month, in UTC; a sum of days that began before counts in full
     */
    month: UseTotals;
    /**
     * the day of the history on which use counts now, in days since 1970-01-01
     */
    day: bigint;
    /**
     * what was used on that day; first and last use are absent
     */
    dayUsage: AccountUsage;
};
export type SnapshotInfo = {
    /**
     * the file's name in the data directory
     */
    file: string;
    /**
     * how many state changes it holds
     */
    sequence: bigint;
    /**
     * when its state was captured, on the wall clock
     */
    takenAt: number;
    /**
     * the length of the file, in bytes
     */
    length: bigint;
};
export type SpendSummary = {
    /**
     * the provider
     */
    provider: string;
    /**
     * what was spent within the window (nano-dollars)
     */
    spend: bigint;
    /**
     * records within the window
     */
    requests: bigint;
    /**
     * the number of calls within the window whose cost nobody told; they are no records, and `spend` lacks them
     */
    unpriced: bigint;
    /**
     * the length of the window
     */
    windowMilliseconds: bigint;
    /**
     * whether records older than the window are included
     */
    isApproximate: boolean;
};
export type Thresholds = {
    /**
     * the share of the amount at which `warning` fires, at least 0; one that is never reached, such as the greatest finite number, for none
     */
    warning: number;
    /**
     * the share at which `critical` fires, at least 0
     */
    critical: number;
    /**
     * the share at which `emergency` fires, at least 0
     */
    emergency: number;
};
export type TicketEntry = {
    /**
     * the sequence number of the request that was answered with the ticket
     */
    ticket: bigint;
    /**
     * what became of it
     */
    standing: TicketStanding;
    /**
     * the permit if it is `granted`; why there is none if it is `expired`
     */
    admission: AdmitReply;
};
export type TokenUsage = {
    /**
     * tokens sent, neither read from a cache nor written to one; absent: nobody told them
     */
    input?: number | null | undefined;
    /**
     * tokens sent and read from a cache; absent: nobody told them
     */
    cachedInput?: number | null | undefined;
    /**
     * tokens sent and written to a cache; absent: nobody told them
     */
    cacheWrite?: number | null | undefined;
    /**
     * tokens received, without reasoning; absent: nobody told them
     */
    output?: number | null | undefined;
    /**
     * tokens of reasoning; absent: nobody told them
     */
    reasoning?: number | null | undefined;
};
export type UseTotals = {
    /**
     * what was spent (nano-dollars)
     */
    spend: bigint;
    /**
     * the number of calls
     */
    requests: bigint;
    /**
     * tokens sent
     */
    inputTokens: bigint;
    /**
     * tokens received
     */
    outputTokens: bigint;
    /**
     * the number of calls whose cost nobody told, which `spend` lacks; each counts when it is settled
     */
    unpriced: bigint;
};
export type WaitingEntry = {
    /**
     * its ticket, which is a number of its worker
     */
    ticket: bigint;
    /**
     * the worker; the lower half is shown as 0
     */
    worker: WorkerID;
    /**
     * the peer user that the worker runs as
     */
    user: number;
    /**
     * the ways that the call may go, best first
     */
    candidates: Array<Candidate>;
    /**
     * what the call is made for
     */
    tags: Array<string>;
    /**
     * what the call may use at most
     */
    estimate: Estimate;
    /**
     * the priority that it asked for
     */
    priority: number;
    /**
     * since when it waits, on the steady clock
     */
    since: number;
    /**
     * when it gives up, on the steady clock
     */
    until: number;
    /**
     * what stood against its first candidate when it was last examined
     */
    reason: DenialReason;
    /**
     * whether its worker has no connection now
     */
    isAway: boolean;
};
export type WorkerID = {
    /**
     * the upper half
     */
    high: bigint;
    /**
     * the lower half
     */
    low: bigint;
};
/**
 * Opens the connection: negotiates the protocol version and identifies the worker.
 */
export type HelloRequest = {
    /**
     * the bytes `FUSE`, as a little-endian number 0x45535546
     */
    magic: number;
    /**
     * the lowest protocol version the client speaks
     */
    lowestVersion: number;
    /**
     * the highest protocol version the client speaks
     */
    highestVersion: number;
    /**
     * the upper half of the worker id: 128 random bits, kept over reconnects
     */
    workerHigh: bigint | number;
    /**
     * the lower half of the worker id
     */
    workerLow: bigint | number;
    /**
     * the highest sequence number the worker has used; 0 if none
     */
    lastSequence: bigint | number;
    /**
     * the client's name, for logs; the first 64 bytes are kept
     */
    client: string;
};
export type HelloReply = {
    /**
     * the version spoken from here on
     */
    version: number;
    /**
     * identifies the life of the state: the same after a restart, another after a restore
     */
    epoch: bigint;
    /**
     * the semantics in force
     */
    profile: Profile;
    /**
     * whether the server remembers this worker
     */
    worker: WorkerStanding;
    /**
     * the highest sequence number of this worker that was carried out; 0 if none
     */
    lastSequence: bigint;
    /**
     * whether this peer may use operator commands
     */
    isOperator: boolean;
    /**
     * the longest frame that is accepted, in bytes after the length field
     */
    frameLimit: number;
    /**
     * how many unacknowledged replies the server keeps for a worker
     */
    keptReplies: number;
    /**
     * silence after which the connection is closed
     */
    idleMilliseconds: bigint;
    /**
     * how long a worker may be away before what it holds is taken back
     */
    graceMilliseconds: bigint;
    /**
     * how many workers it had to forget in this epoch; those that said goodbye do not count
     */
    forgottenWorkers: bigint;
    /**
     * feature bits; none are defined yet
     */
    features: bigint;
    /**
     * the server's name and version, for logs
     */
    server: string;
};
/**
 * Ends the worker in order: it is forgotten, and the server closes the connection after its reply.
 */
export type GoodbyeRequest = object;
export type GoodbyeReply = object;
/**
 * Returns the daemon's clocks.
 */
export type PingRequest = object;
export type PingReply = {
    /**
     * the steady clock that windows and cooldowns run on
     */
    now: number;
    /**
     * the wall clock
     */
    wall: number;
};
/**
 * The daemon's condition: its counters, journal, snapshots and clocks.
 */
export type StatusRequest = object;
export type StatusReply = {
    /**
     * name and version
     */
    server: string;
    /**
     * the daemon's process id
     */
    processID: number;
    /**
     * identifies the life of the state
     */
    epoch: bigint;
    /**
     * the semantics in force
     */
    profile: Profile;
    /**
     * when the daemon was ready, on the wall clock
     */
    startedAt: number;
    /**
     * the steady clock
     */
    now: number;
    /**
     * the wall clock
     */
    wall: number;
    /**
     * connections open, this one included
     */
    connections: number;
    /**
     * the highest number of connections
     */
    connectionLimit: number;
    /**
     * connections that receive events
     */
    subscribers: number;
    /**
     * requests answered since the start
     */
    requests: bigint;
    /**
     * requests refused since the start
     */
    refusals: bigint;
    /**
     * breakers known
     */
    breakers: number;
    /**
     * exhaustion marks in force
     */
    exhausted: number;
    /**
     * routes that operators have paused
     */
    paused: number;
    /**
     * provider accounts in the ledger
     */
    providers: number;
    /**
     * model accounts in the ledger
     */
    modelAccounts: number;
    /**
     * names of providers and breakers in use
     */
    names: number;
    /**
     * the highest number of these names
     */
    nameLimit: number;
    /**
     * permits in force
     */
    permits: number;
    /**
     * state changes since the beginning of the epoch
     */
    sequence: bigint;
    /**
     * state changes that the newest snapshot holds
     */
    snapshotSequence: bigint;
    /**
     * when the newest snapshot was verified, on the wall clock
     */
    snapshotAt?: number | null | undefined;
    /**
     * why the last attempt at a snapshot failed; empty if it did not
     */
    snapshotFailure: string;
    /**
     * when changes are acknowledged: commit, interval or snapshot
     */
    durability: string;
    /**
     * where journal and snapshots are
     */
    dataDirectory: string;
    /**
     * whether the journal accepts entries
     */
    journal: JournalStanding;
    /**
     * why it does not accept all entries; empty if it does
     */
    journalFailure: string;
    /**
     * bytes of entries written since the newest snapshot was captured
     */
    journalBytes: bigint;
    /**
     * bytes of entries that the open segment still has room for
     */
    journalRoom: bigint;
    /**
     * state changes that the journal is known to have on disk
     */
    syncedSequence: bigint;
    /**
     * when the last sync of the journal ended, on the steady clock; before the first one, when the daemon started, because a start finds all of the journal on disk; absent: no journal is kept
     */
    syncedAt?: number | null | undefined;
    /**
     * how long the last sync of the journal took, in microseconds; absent: there was none since the start
     */
    syncMicroseconds?: bigint | null | undefined;
    /**
     * bytes that are free for the daemon on the data directory's file system; at most a second old
     */
    fileSystemRoom: bigint;
    /**
     * bytes of memory that the daemon occupies; at most a second old
     */
    residentBytes: bigint;
    /**
     * the system's wall clock; `wall` follows it, a step only once the clock has kept its time for ten minutes, and does not go back
     */
    systemWall: number;
    /**
     * whether the kernel reports that the system's wall clock is synchronised (adjtimex)
     */
    isClockSynchronised: boolean;
};
/**
 * Selects the topics whose events are pushed on this connection from now on.
 */
export type SubscribeRequest = {
    /**
     * bits: 1 breaker, 2 exhaustion, 4 ledger, 8 admission; others are refused; 0 ends the subscription
     */
    topics: number;
};
export type SubscribeReply = {
    /**
     * the number that the next event of the daemon will have
     */
    nextNumber: bigint;
};
/**
 * Asks whether a call may go out now. An unknown breaker is created.
 */
export type BreakerAcquireRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * a random number in [0, 1): under the profile `llm-providers` the call is admitted if it is not above the share; absent, and under other profiles: the share is exact over all calls
     */
    draw?: number | null | undefined;
    /**
     * the deployment; absent: the call has none
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the call names none; it matters if the provider's breaker is by model
     */
    model?: string | null | undefined;
};
export type BreakerAcquireReply = {
    /**
     * whether the call may go out
     */
    admitted: boolean;
    /**
     * how long until decay lets traffic through again; 0 if the call is admitted, or if the next call may pass
     */
    retryAfterMilliseconds: bigint;
    /**
     * failures less successes and decay: the point of the degradation curve that gives the share
     */
    consecutiveFailures: number;
    /**
     * the share of traffic admitted, 0 to 1
     */
    share: number;
};
/**
 * Reports that a call succeeded.
 */
export type BreakerSuccessRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * the deployment; absent: the call has none
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the call names none; it matters if the provider's breaker is by model
     */
    model?: string | null | undefined;
};
export type BreakerSuccessReply = object;
/**
 * Reports that a call failed.
 */
export type BreakerFailureRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * the deployment; absent: the call has none
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the call names none; it matters if the provider's breaker is by model
     */
    model?: string | null | undefined;
};
export type BreakerFailureReply = object;
/**
 * A breaker's state, health and statistics.
 */
export type BreakerGetRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * whether a name under which nothing is known is refused with `notFound`; otherwise the status is that of a new breaker
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerGetReply = {
    /**
     * whether the breaker is known; otherwise the status is that of a new breaker
     */
    exists: boolean;
    /**
     * its state, health and statistics at this moment
     */
    status: BreakerStatus;
};
/**
 * A page of all breakers.
 */
export type BreakerListRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type BreakerListReply = {
    /**
     * at most 256 breakers
     */
    entries: Array<BreakerEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
};
/**
 * Opens a breaker by hand; decay closes it again.
 */
export type BreakerForceOpenRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerForceOpenReply = object;
/**
 * Closes a breaker and forgets its failures and statistics; its configuration stays.
 */
export type BreakerResetRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * whether a name without a breaker is refused with `notFound` under the profile `llm-providers` too, which otherwise creates it
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerResetReply = object;
/**
 * Resets every breaker.
 */
export type BreakerResetAllRequest = object;
export type BreakerResetAllReply = object;
/**
 * Changes a breaker's configuration; its failures stay.
 */
export type BreakerConfigureRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * the parts of the configuration to set
     */
    change: BreakerConfigurationChange;
    /**
     * whether a name under which nothing is known is refused with `notFound`; otherwise it becomes known
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
    /**
     * whether a breaker that has a configuration of its own keeps it; so of several that configure it, the first wins
     */
    ifAbsent?: boolean | undefined;
};
export type BreakerConfigureReply = object;
/**
 * A breaker's configuration; of an unknown one, the default.
 */
export type BreakerConfigurationRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * whether a name under which nothing is known is refused with `notFound`; otherwise the reply is the default
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerConfigurationReply = {
    /**
     * consecutive failures at which it opens; at least 1
     */
    failureThreshold: number;
    /**
     * quiet time that takes one failure off; at least 1
     */
    resetTimeoutMilliseconds: bigint;
    /**
     * how long a call counts for the rates, and a worker's failure for `minWorkers`
     */
    monitoringPeriodMilliseconds: bigint;
    /**
     * how many calls of the monitoring period a rate needs to open it
     */
    minRequests: number;
    /**
     * the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most 32 points
     */
    degradationCurve: Array<number>;
    /**
     * from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits
     */
    maxProbes: number;
    /**
     * how many workers must report failures within the monitoring period for it to open fully; 1 to 16
     */
    minWorkers: number;
    /**
     * the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail
     */
    failureRate: number;
    /**
     * the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`
     */
    slowCallRate: number;
    /**
     * from how long on a call is slow; 0: none is
     */
    slowCallMilliseconds: bigint;
    /**
     * up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays
     */
    maxResetTimeoutMilliseconds: bigint;
    /**
     * whether each model of the provider has a breaker of its own; breakers of deployments and models do not use it
     */
    byModel: boolean;
};
/**
 * Changes the configuration of breakers that have none of their own; under `llm-providers` only of those that are created from then on.
 */
export type BreakerConfigureDefaultRequest = {
    /**
     * the parts of the configuration to set
     */
    change: BreakerConfigurationChange;
};
export type BreakerConfigureDefaultReply = object;
/**
 * The configuration that breakers are created with.
 */
export type BreakerDefaultRequest = object;
export type BreakerDefaultReply = {
    /**
     * consecutive failures at which it opens; at least 1
     */
    failureThreshold: number;
    /**
     * quiet time that takes one failure off; at least 1
     */
    resetTimeoutMilliseconds: bigint;
    /**
     * how long a call counts for the rates, and a worker's failure for `minWorkers`
     */
    monitoringPeriodMilliseconds: bigint;
    /**
     * how many calls of the monitoring period a rate needs to open it
     */
    minRequests: number;
    /**
     * the share admitted at 0, 1, 2 … consecutive failures, each 0 to 1; at most 32 points
     */
    degradationCurve: Array<number>;
    /**
     * from its opening until it is closed: the most calls in flight with a permit of that time; 0: as many as its share admits
     */
    maxProbes: number;
    /**
     * how many workers must report failures within the monitoring period for it to open fully; 1 to 16
     */
    minWorkers: number;
    /**
     * the share of the monitoring period's calls that must have failed for the next failure to open it, 0 to 1; 0: any may fail
     */
    failureRate: number;
    /**
     * the share of the monitoring period's calls that must have been slow for the next slow call to open it, 0 to 1; 0: any may be slow; needs `slowCallMilliseconds`
     */
    slowCallRate: number;
    /**
     * from how long on a call is slow; 0: none is
     */
    slowCallMilliseconds: bigint;
    /**
     * up to where the reset timeout doubles with each recovery that fails; not above the reset timeout: it stays
     */
    maxResetTimeoutMilliseconds: bigint;
    /**
     * whether each model of the provider has a breaker of its own; breakers of deployments and models do not use it
     */
    byModel: boolean;
};
/**
 * A breaker with everything it remembers. Refused with `notFound` if unknown.
 */
export type BreakerSerializeRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerSerializeReply = {
    /**
     * the provider
     */
    name: string;
    /**
     * its configuration
     */
    configuration: BreakerConfiguration;
    /**
     * whether the configuration is its own, not the default's
     */
    isConfigured: boolean;
    /**
     * failures less successes and decay: the point of the degradation curve that gives the share
     */
    consecutiveFailures: number;
    /**
     * failures since the last reset
     */
    totalFailures: bigint;
    /**
     * successes since the last reset
     */
    totalSuccesses: bigint;
    /**
     * outcomes since the last reset
     */
    totalRequests: bigint;
    /**
     * when a failure was last reported
     */
    lastFailure?: number | null | undefined;
    /**
     * when a success was last reported
     */
    lastSuccess?: number | null | undefined;
    /**
     * when a call last asked for it, or it was forced open
     */
    lastRequest?: number | null | undefined;
    /**
     * the moment up to which decay was applied; absent if the decay clock does not run
     */
    lastDecay?: number | null | undefined;
    /**
     * when the monitoring window began
     */
    windowStart: number;
    /**
     * the part of an admission that is saved up, in billionths
     */
    shareCredit: number;
    /**
     * the workers whose failures count for `minWorkers`; none are kept where that is 1
     */
    blames: Array<Blame>;
    /**
     * how often it has opened, and closed after that
     */
    episode: number;
    /**
     * what has opened it first since it last was closed; absent if it has not opened
     */
    openedBy?: BreakerRule | null | undefined;
    /**
     * how often it has opened again since it last was closed
     */
    failedRecoveries: number;
    /**
     * the calls that count for the rates, oldest first; none are kept where no rate is configured
     */
    calls: Array<RateBucket>;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
/**
 * Puts a serialized breaker in the place of the one of its name.
 */
export type BreakerDeserializeRequest = {
    /**
     * the record that `breaker.serialize` returned
     */
    record: BreakerRecord;
};
export type BreakerDeserializeReply = object;
/**
 * Removes a breaker with its statistics and its configuration. The next call makes it anew.
 */
export type BreakerRemoveRequest = {
    /**
     * the provider
     */
    name: string;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
export type BreakerRemoveReply = object;
/**
 * Marks a route as exhausted. A mark never cuts a longer one short, and lasts no longer than the longest mark may.
 */
export type ExhaustionMarkRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * how long the mark lasts, 0s to 366d; absent: the default cooldown, doubled by each mark in a row
     */
    resetAfterMilliseconds?: number | bigint | null | undefined;
    /**
     * the deployment; absent: every one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: every one
     */
    model?: string | null | undefined;
    /**
     * when the route ran out, on the steady clock, not after now: of a mark that was made elsewhere; absent: now; it is only told
     */
    exhaustedAt?: number | null | undefined;
};
export type ExhaustionMarkReply = {
    /**
     * when the mark now in force expires
     */
    resetsAt: number;
};
/**
 * Removes a route's own mark. Wider and narrower marks stay, and pauses do.
 */
export type ExhaustionClearRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * whether a name under which nothing is known is refused with `notFound`; a known name without a mark is not refused
     */
    mustBeKnown?: boolean | undefined;
    /**
     * the deployment; absent: the mark is not of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the mark is not of one
     */
    model?: string | null | undefined;
};
export type ExhaustionClearReply = object;
/**
 * The mark and the pause that keep calls by a route away the longest, be they of the route or of what it is part of.
 */
export type ExhaustionGetRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: the calls name none
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the calls name none
     */
    model?: string | null | undefined;
};
export type ExhaustionGetReply = {
    /**
     * the mark that ends last; absent if none is in force
     */
    entry?: ExhaustionEntry | null | undefined;
    /**
     * the pause that ends last; absent if none is in force
     */
    pause?: PauseEntry | null | undefined;
};
/**
 * A page of the marks in force.
 */
export type ExhaustionListRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type ExhaustionListReply = {
    /**
     * at most 160 marks
     */
    entries: Array<ExhaustionEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
};
/**
 * Removes every mark. Pauses stay.
 */
export type ExhaustionResetRequest = object;
export type ExhaustionResetReply = object;
/**
 * Sets how long a mark lasts that names no duration, and how long any mark lasts at most.
 */
export type ExhaustionSetDefaultRequest = {
    /**
     * the default cooldown, 0s to 366d; absent: as it was
     */
    cooldownMilliseconds?: number | bigint | null | undefined;
    /**
     * how long a mark lasts at most, 1m to 366d: those that are made or put off from now on; absent: as it was
     */
    longestMilliseconds?: number | bigint | null | undefined;
};
export type ExhaustionSetDefaultReply = object;
/**
 * How long a mark lasts that names no duration, and how long any mark lasts at most.
 */
export type ExhaustionDefaultRequest = object;
export type ExhaustionDefaultReply = {
    /**
     * the default cooldown
     */
    cooldownMilliseconds: bigint;
    /**
     * how long a mark lasts at most; under `llm-providers` each lasts as told
     */
    longestMilliseconds: bigint;
};
/**
 * Pauses a route: no call is admitted by it until the pause ends by its time or is resumed.
 */
export type ExhaustionPauseRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: every one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: every one
     */
    model?: string | null | undefined;
    /**
     * why; 1 to 1024 bytes
     */
    reason: string;
    /**
     * how long it lasts, 1ms to 366d; absent: until it is resumed
     */
    durationMilliseconds?: number | bigint | null | undefined;
    /**
     * whether a route of which nothing is known is refused with `notFound`
     */
    mustBeKnown?: boolean | undefined;
};
export type ExhaustionPauseReply = {
    /**
     * the pause as it is now
     */
    entry: PauseEntry;
};
/**
 * Ends a route's own pause. Wider and narrower pauses stay, and marks do.
 */
export type ExhaustionResumeRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: the pause is not of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the pause is not of one
     */
    model?: string | null | undefined;
};
export type ExhaustionResumeReply = {
    /**
     * whether the route was paused
     */
    wasPaused: boolean;
    /**
     * a wider pause that still keeps calls by the route away; absent: none does
     */
    remaining?: PauseEntry | null | undefined;
};
/**
 * A page of the pauses in force.
 */
export type ExhaustionPausesRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type ExhaustionPausesReply = {
    /**
     * at most 48 pauses
     */
    entries: Array<PauseEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
};
/**
 * Records what a call has cost.
 */
export type LedgerRecordRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the provider's deployment, such as an API key, a region or an endpoint; absent: the call names none
     */
    deployment?: string | null | undefined;
    /**
     * the model that is charged
     */
    model: string;
    /**
     * what the call is made for, such as `team:search`, at most 8 tags; `uid:N` is refused, because the daemon adds it
     */
    tags?: string[] | undefined;
    /**
     * what the call cost, $0 to $1,000,000; absent: nobody told it (nano-dollars)
     */
    cost?: number | bigint | null | undefined;
    /**
     * the tokens by kind
     */
    tokens: TokenUsage;
    /**
     * whether tags that are not known count under `(other)`, or under that of their template; clients leave it false, and the daemon sets it where it has no room for more tags
     */
    foldsTags?: boolean | undefined;
};
export type LedgerRecordReply = {
    /**
     * the limits whose thresholds this call has reached, at most 8
     */
    reached: Array<LimitReached>;
    /**
     * the limit of the provider that will be used up sooner than was told before; absent: none
     */
    depletion?: DepletionProjected | null | undefined;
};
/**
 * Begins the accounts of a scope and of what lies within it anew, and the windows of their limits that go on until reset.
 */
export type LedgerResetRequest = {
    /**
     * the scope, with what lies within it: a provider's models, everything that is the host's; refused with `notFound` if there is nothing to begin anew
     */
    scope: Scope;
};
export type LedgerResetReply = {
    /**
     * the limits that began anew, at most 96
     */
    entries: Array<LimitEntry>;
    /**
     * the sums of the scope's account before; absent: it has none
     */
    before?: AccountUsage | null | undefined;
};
/**
 * Corrects what was spent, as a call by a scope would count: in the accounts and limits that contain it.
 */
export type LedgerAdjustRequest = {
    /**
     * the scope; its accounts must exist
     */
    scope: Scope;
    /**
     * what is added, at most $1,000,000,000; below $0 it is taken back, from the newest use backwards (nano-dollars)
     */
    cost: bigint | number;
    /**
     * why; 1 to 1024 bytes
     */
    reason: string;
};
export type LedgerAdjustReply = {
    /**
     * the account of the scope; absent: scopes of its shape have none
     */
    account?: ScopeAccount | null | undefined;
};
/**
 * The account of a scope. A worker reads those of the host, of providers and of the tags that its user's calls have named.
 */
export type LedgerAccountRequest = {
    /**
     * the scope; one of a tag with a route has no account
     */
    scope: Scope;
};
export type LedgerAccountReply = {
    /**
     * the account; absent: nothing was counted for the scope yet, or scopes of its shape have none
     */
    account?: ScopeAccount | null | undefined;
};
/**
 * A provider's account.
 */
export type LedgerProviderRequest = {
    /**
     * the provider
     */
    provider: string;
};
export type LedgerProviderReply = {
    /**
     * the account; absent if the provider is unknown
     */
    account?: ProviderAccount | null | undefined;
};
/**
 * A model's account with a provider.
 */
export type LedgerModelRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the model
     */
    model: string;
};
export type LedgerModelReply = {
    /**
     * the account; absent if nothing was recorded for the model
     */
    account?: ModelAccount | null | undefined;
};
/**
 * A page of all provider accounts.
 */
export type LedgerProvidersRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type LedgerProvidersReply = {
    /**
     * at most 256 accounts
     */
    accounts: Array<ProviderAccount>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * A page of a provider's model accounts.
 */
export type LedgerModelsRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type LedgerModelsReply = {
    /**
     * at most 256 accounts
     */
    accounts: Array<ModelAccount>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * What all providers together have cost.
 */
export type LedgerTotalRequest = object;
export type LedgerTotalReply = {
    /**
     * the sum over all providers (nano-dollars)
     */
    spend: bigint;
    /**
     * the number of calls whose cost nobody told, which `spend` lacks
     */
    unpriced: bigint;
    /**
     * since when it is counted, on the wall clock: the start of the ledger, or its last reset
     */
    since: number;
};
/**
 * What a provider costs per hour and day, over a window.
 */
export type LedgerBurnRateRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the length of the window, which ends now, at least 0; absent: 24 hours
     */
    windowMilliseconds?: number | bigint | null | undefined;
};
export type LedgerBurnRateReply = {
    /**
     * dollars per hour; absent while the history is shorter than both an hour and the window
     */
    costPerHour?: number | null | undefined;
    /**
     * dollars per day; absent where `costPerHour` is
     */
    costPerDay?: number | null | undefined;
    /**
     * the length of the window
     */
    windowMilliseconds: bigint;
    /**
     * the time that the rate is measured over: the window, or as much of it as the provider has a history of
     */
    baseMilliseconds: bigint;
    /**
     * records in the window
     */
    sampleCount: bigint;
    /**
     * whether records older than the window are included, because history that old is kept in sums
     */
    isApproximate: boolean;
};
/**
 * When a provider's limit of cost will be used up at its burn rate: the one that is used up first.
 */
export type LedgerDepletionRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the length of the burn rate's window, which ends now, at least 0; absent: 24 hours
     */
    windowMilliseconds?: number | bigint | null | undefined;
};
export type LedgerDepletionReply = {
    /**
     * the estimate; absent if the provider has no limit of cost that goes on for a week or more
     */
    estimate?: DepletionEstimate | null | undefined;
};
/**
 * What a provider has cost within a window.
 */
export type LedgerSummaryRequest = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the length of the window, which ends now, at least 0
     */
    windowMilliseconds: bigint | number;
};
export type LedgerSummaryReply = {
    /**
     * the provider
     */
    provider: string;
    /**
     * what was spent within the window (nano-dollars)
     */
    spend: bigint;
    /**
     * records within the window
     */
    requests: bigint;
    /**
     * the number of calls within the window whose cost nobody told; they are no records, and `spend` lacks them
     */
    unpriced: bigint;
    /**
     * the length of the window
     */
    windowMilliseconds: bigint;
    /**
     * whether records older than the window are included
     */
    isApproximate: boolean;
};
/**
 * A page of the summaries of all providers that have any history, or calls in the window whose cost nobody told.
 */
export type LedgerSummariesRequest = {
    /**
     * the length of the window, which ends now, at least 0
     */
    windowMilliseconds: bigint | number;
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type LedgerSummariesReply = {
    /**
     * at most 256 summaries
     */
    summaries: Array<SpendSummary>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * A page of the accounts of one kind. A worker reads those that `ledger.account` tells it.
 */
export type LedgerAccountsRequest = {
    /**
     * the kind
     */
    kind: AccountKind;
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type LedgerAccountsReply = {
    /**
     * at most 256 accounts
     */
    accounts: Array<ScopeAccount>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * A page of what accounts of one kind have used on days that are over. Refused with `busy` for a cursor of before the files were written anew.
 */
export type LedgerHistoryRequest = {
    /**
     * the kind of the accounts
     */
    kind: AccountKind;
    /**
     * what the accounts' scopes must name; a part that is absent may be any
     */
    scope: Scope;
    /**
     * the first day, in days since 1970-01-01
     */
    since: bigint | number;
    /**
     * the last day, in days since 1970-01-01
     */
    until: bigint | number;
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type LedgerHistoryReply = {
    /**
     * days of accounts, in the order in which they were written; an account may have several records of a day, and they add up
     */
    days: Array<HistoryDay>;
    /**
     * what could not be written or read
     */
    problems: Array<HistoryProblem>;
    /**
     * the records of days that are over that are not on disk yet; at least 1 while accounts close a day
     */
    waiting: bigint;
    /**
     * the day on which use counts now; it is not part of the history yet
     */
    openDay: bigint;
    /**
     * the tags that were forgotten and are not taken out of the files yet
     */
    erasing: number;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
};
/**
 * Forgets a tag: its account, its limits, its days in the history, its name in permits. What it spent stays in the accounts of host, providers and other tags.
 */
export type LedgerForgetRequest = {
    /**
     * the tag, neither a template nor a user's `uid:` tag; refused with `notFound` if nothing is known of it
     */
    tag: string;
    /**
     * whether the tag is forgotten although nothing but the history of days that are over may name it
     */
    isInHistory?: boolean | undefined;
};
export type LedgerForgetReply = {
    /**
     * the sums of the tag's account; absent: it had none
     */
    account?: AccountUsage | null | undefined;
    /**
     * the limits that were set on the tag itself and are removed
     */
    limits: number;
    /**
     * the permits that named it, in force or remembered; they go on without it
     */
    permits: number;
};
/**
 * Sets prices, each in the place of the one before. They count for calls that are settled from now on.
 */
export type PriceSetRequest = {
    /**
     * 1 to 128 prices; all of them are set or none
     */
    prices?: PriceEntry[] | undefined;
};
export type PriceSetReply = {
    /**
     * how many of them replaced another
     */
    replaced: number;
};
/**
 * Removes a price. Refused with `notFound` if there is none.
 */
export type PriceRemoveRequest = {
    /**
     * the provider; absent: every one
     */
    provider?: string | null | undefined;
    /**
     * the model; absent: every one. One of the two is there
     */
    model?: string | null | undefined;
};
export type PriceRemoveReply = object;
/**
 * A page of the prices, by provider and model.
 */
export type PriceListRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type PriceListReply = {
    /**
     * at most 256 prices, by provider and model; those of every provider, or model, come first
     */
    prices: Array<PriceEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * Records the difference between what a provider has billed for a month and what the ledger has of it.
 */
export type LedgerReconcileRequest = {
    /**
     * the provider; its account must exist
     */
    provider: string;
    /**
     * the year
     */
    year: number;
    /**
     * the month of the year, 1 to 12, in UTC; the history must keep it
     */
    month: number;
    /**
     * what was billed, $0 to $1,000,000,000 (nano-dollars)
     */
    billed: bigint | number;
    /**
     * why; 1 to 1024 bytes
     */
    reason: string;
};
export type LedgerReconcileReply = {
    /**
     * what the ledger had of the provider and the month (nano-dollars)
     */
    recorded: bigint;
    /**
     * the number of calls of the month whose cost nobody told, which `recorded` lacks
     */
    unpriced: bigint;
    /**
     * what was billed less that, recorded now; $0: nothing was recorded (nano-dollars)
     */
    difference: bigint;
    /**
     * whether the month is the present one, so that the difference counts in the windows of limits
     */
    isCurrent: boolean;
    /**
     * the account of the provider
     */
    account?: ScopeAccount | null | undefined;
};
/**
 * A page of all providers and breakers, each with share, exhaustion, spend and its fullest limit.
 */
export type OverviewRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type OverviewReply = {
    /**
     * at most 256 entries
     */
    entries: Array<OverviewEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
    /**
     * the steady clock at this page
     */
    now: number;
    /**
     * how many calls wait for their turn; `admission.waiting` lists them
     */
    waiting: number;
};
/**
 * Forgets a name: its breaker, its mark, its account with all models, its limits. Refused with `notFound` if unknown.
 */
export type ForgetRequest = {
    /**
     * the provider or breaker
     */
    name: string;
};
export type ForgetReply = object;
/**
 * Takes a snapshot now. The reply comes when it is on disk and verified.
 */
export type SnapshotNowRequest = object;
export type SnapshotNowReply = {
    /**
     * the file's name in the data directory
     */
    file: string;
    /**
     * how many state changes it holds
     */
    sequence: bigint;
    /**
     * when its state was captured, on the wall clock
     */
    takenAt: number;
    /**
     * the length of the file, in bytes
     */
    length: bigint;
};
/**
 * The snapshots that are kept, newest first.
 */
export type SnapshotListRequest = object;
export type SnapshotListReply = {
    /**
     * newest first
     */
    snapshots: Array<SnapshotInfo>;
};
/**
 * A chunk of a snapshot's file. Refused with `notFound` once the snapshot has been removed.
 */
export type SnapshotReadRequest = {
    /**
     * the sequence of the snapshot
     */
    sequence: bigint | number;
    /**
     * where the chunk begins, in bytes from the start of the file
     */
    offset: bigint | number;
};
export type SnapshotReadReply = {
    /**
     * at most 192 KiB; empty at the end
     */
    chunk: Uint8Array;
    /**
     * the length of the whole file, in bytes
     */
    length: bigint;
};
/**
 * Sends a chunk of a state to import, in the format of a snapshot file. Offset 0 begins anew.
 */
export type ImportChunkRequest = {
    /**
     * how many bytes were sent before
     */
    offset: bigint | number;
    /**
     * at most 192 KiB
     */
    chunk: Uint8Array;
};
export type ImportChunkReply = object;
/**
 * Replaces breakers, exhaustion and ledger, or some of them, by the state that was sent. The reply comes when a snapshot of the result is on disk.
 */
export type ImportCommitRequest = {
    /**
     * how many bytes were sent in all
     */
    length: bigint | number;
    /**
     * what is replaced: 1 breakers, 2 exhaustion, 4 ledger, added up; 7 is all
     */
    parts: number;
};
export type ImportCommitReply = {
    /**
     * the file's name in the data directory
     */
    file: string;
    /**
     * how many state changes it holds
     */
    sequence: bigint;
    /**
     * when its state was captured, on the wall clock
     */
    takenAt: number;
    /**
     * the length of the file, in bytes
     */
    length: bigint;
};
/**
 * What operators demand of the names in requests.
 */
export type NamesPolicyRequest = object;
export type NamesPolicyReply = {
    /**
     * whether workers may name only providers that are known
     */
    isStrict: boolean;
    /**
     * the tags that each call must have, each a tag or `prefix*`; empty: nothing is demanded
     */
    requiredTags: Array<string>;
};
/**
 * Sets whether workers may name only providers that are known. Operators go on making new ones known.
 */
export type NamesSetStrictRequest = {
    /**
     * whether a worker that names a provider that is not known is refused with `notFound`
     */
    isStrict?: boolean | undefined;
};
export type NamesSetStrictReply = object;
/**
 * Sets what tags every admission, report and record must have, in the place of those before.
 */
export type NamesRequireTagsRequest = {
    /**
     * at most 8 tags, each a tag or `prefix*`: a call that lacks one of them is refused with `outOfRange`; empty: nothing is demanded
     */
    tags?: string[] | undefined;
};
export type NamesRequireTagsReply = object;
/**
 * Lets a name of a provider's model stand for another from now on: calls that ask for it are charged to that one.
 */
export type AliasSetRequest = {
    /**
     * the alias; refused with `outOfRange` if the model is itself an alias, or the name stands behind one
     */
    alias: ModelAlias;
};
export type AliasSetReply = object;
/**
 * Removes an alias. Refused with `notFound` if there is none.
 */
export type AliasRemoveRequest = {
    /**
     * the provider whose model it is
     */
    provider: string;
    /**
     * the name that stands for another
     */
    name: string;
};
export type AliasRemoveReply = object;
/**
 * A page of the aliases, by provider and name.
 */
export type AliasListRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type AliasListReply = {
    /**
     * at most 256 aliases, by provider and name
     */
    aliases: Array<ModelAlias>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * The files of the ledger's history, oldest first.
 */
export type HistoryFilesRequest = object;
export type HistoryFilesReply = {
    /**
     * oldest first
     */
    files: Array<HistoryFile>;
};
/**
 * A chunk of a file of the ledger's history. Refused with `notFound` if there is no such file.
 */
export type HistoryReadRequest = {
    /**
     * the name of the file
     */
    file: string;
    /**
     * where the chunk begins, in bytes
     */
    offset: bigint | number;
};
export type HistoryReadReply = {
    /**
     * at most 192 KiB; empty at the end
     */
    chunk: Uint8Array;
    /**
     * the length of the whole file, in bytes
     */
    length: bigint;
};
/**
 * Grants a permit for the first candidate that nothing stands against, and holds the estimate for it.
 */
export type AdmissionAdmitRequest = {
    /**
     * the ways that the call may go, at least 1, best first
     */
    candidates?: Candidate[] | undefined;
    /**
     * what the call is made for, such as `team:search`, at most 8 tags; `uid:N` is refused, because the daemon adds it
     */
    tags?: string[] | undefined;
    /**
     * what the call may use at most
     */
    estimate: Estimate;
    /**
     * how long the permit lasts unless it is settled or renewed: 1ms to 1d
     */
    ttlMilliseconds: bigint | number;
    /**
     * whether a denial lists every limit that stands against a candidate
     */
    explains?: boolean | undefined;
    /**
     * whether tags that are not known count under `(other)`, or under that of their template; clients leave it false, and the daemon sets it where it has no room for more tags
     */
    foldsTags?: boolean | undefined;
    /**
     * how long the call may wait for its turn: 0s to 1d; 0: it does not wait
     */
    waitMilliseconds: bigint | number;
    /**
     * how urgent a waiting call is: 0, the most urgent, to 7; by default 3
     */
    priority: number;
    /**
     * the ticket of an earlier request of this worker, whose wait this request continues after a lost connection; 0: none
     */
    resumes: bigint | number;
    /**
     * the candidates that waiting calls come first for, a bit each; clients send 0, and the daemon puts what it found in the journal
     */
    passed: number;
    /**
     * how long time alone keeps the call back where others come first; -1: for ever; clients send 0
     */
    passedMilliseconds: bigint | number;
    /**
     * whether the call joins the queue, or why it cannot; clients send `aside`
     */
    queue: QueueDecision;
};
export type AdmissionAdmitReply = {
    /**
     * the permit's number, to settle it with; absent: denied, or it waits
     */
    permit?: bigint | null | undefined;
    /**
     * when the permit ends by itself, on the steady clock; 0 without a permit
     */
    expiresAt: number;
    /**
     * which candidate is admitted, or why none is
     */
    decision: AdmissionDecision;
    /**
     * present if the call waits: the sequence number of this request; how the wait ends is pushed, see `admission.tickets`
     */
    ticket?: bigint | null | undefined;
};
/**
 * Closes a permit: gives back what it holds, and counts how its call went and what it used.
 */
export type AdmissionSettleRequest = {
    /**
     * the permit's number
     */
    permit: bigint | number;
    /**
     * how the call went, or the whole loop of retries
     */
    outcome: Outcome;
    /**
     * what the call used; absent: not known; must be absent with `cancelled`
     */
    usage?: CallUsage | null | undefined;
    /**
     * how long until the provider takes calls again, 0s to 366d; absent: the provider did not say; only with `success`, `failure`, `throttled` and `quotaExhausted`
     */
    retryAfterMilliseconds?: number | bigint | null | undefined;
    /**
     * how long the call took, as its worker measured it
     */
    timing: CallTiming;
    /**
     * how much of the call's route the outcome marks, if it marks; absent: the whole route, with `unauthorized` the deployment, or the provider if there is none
     */
    markScope?: MarkScope | null | undefined;
};
export type AdmissionSettleReply = {
    /**
     * what the permit was: `settled` changed nothing; `expired`, `reclaimed` and `revoked` were counted all the same
     */
    standing: PermitStanding;
    /**
     * the events that the usage fired
     */
    record: FiredEvents;
};
/**
 * Counts how a call without a permit went and what it used.
 */
export type AdmissionReportRequest = {
    /**
     * where the call went
     */
    candidate: Candidate;
    /**
     * what the call is made for, such as `team:search`, at most 8 tags; `uid:N` is refused, because the daemon adds it
     */
    tags?: string[] | undefined;
    /**
     * how the call went
     */
    outcome: Outcome;
    /**
     * what the call used; absent: not known; must be absent with `cancelled`
     */
    usage?: CallUsage | null | undefined;
    /**
     * how long until the provider takes calls again, as in `admission.settle`
     */
    retryAfterMilliseconds?: number | bigint | null | undefined;
    /**
     * how much of the route it marks, as in `admission.settle`
     */
    markScope?: MarkScope | null | undefined;
    /**
     * whether tags that are not known count under `(other)`, or under that of their template; clients leave it false, and the daemon sets it where it has no room for more tags
     */
    foldsTags?: boolean | undefined;
};
export type AdmissionReportReply = {
    /**
     * the limits whose thresholds this call has reached, at most 8
     */
    reached: Array<LimitReached>;
    /**
     * the limit of the provider that will be used up sooner than was told before; absent: none
     */
    depletion?: DepletionProjected | null | undefined;
};
/**
 * Lets a permit that is in force last longer; never shorter.
 */
export type AdmissionRenewRequest = {
    /**
     * the permit's number
     */
    permit: bigint | number;
    /**
     * how long the permit lasts from now: 1ms to 1d
     */
    ttlMilliseconds: bigint | number;
};
export type AdmissionRenewReply = {
    /**
     * what the permit is; only a permit in force was renewed
     */
    standing: PermitStanding;
    /**
     * when the permit ends by itself, on the steady clock; once it has lapsed, when it did
     */
    expiresAt: number;
};
/**
 * What `admission.admit` would decide now, and what is known of each candidate. Takes nothing.
 */
export type AdmissionPreviewRequest = {
    /**
     * the ways that the call may go, at least 1, best first
     */
    candidates?: Candidate[] | undefined;
    /**
     * what the call is made for, such as `team:search`, at most 8 tags; `uid:N` is refused, because the daemon adds it
     */
    tags?: string[] | undefined;
    /**
     * what the call may use at most
     */
    estimate: Estimate;
    /**
     * whether a denial lists every limit that stands against a candidate
     */
    explains?: boolean | undefined;
};
export type AdmissionPreviewReply = {
    /**
     * which candidate would be admitted, or why none would
     */
    decision: AdmissionDecision;
    /**
     * one for each candidate, in their order, also for those after the admitted one
     */
    outlooks: Array<CandidateOutlook>;
};
/**
 * A page of the permits in force, and the totals of all. A worker sees those of its user.
 */
export type AdmissionPermitsRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type AdmissionPermitsReply = {
    /**
     * at most 256 permits, in the order of their numbers
     */
    permits: Array<PermitEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
    /**
     * what became of all permits
     */
    totals: PermitTotals;
    /**
     * the steady clock at this page
     */
    now: number;
};
/**
 * Ends a permit at once and gives back all that it holds, or what limits assume of it if it has ended unsettled. A late settle still counts what its call cost.
 */
export type AdmissionRevokeRequest = {
    /**
     * the permit's number; it may be another user's
     */
    permit: bigint | number;
};
export type AdmissionRevokeReply = {
    /**
     * what the permit was before; of one that had ended unsettled, what limits assumed was given back, and it is `revoked` from now on
     */
    standing: PermitStanding;
    /**
     * the permit as it was; if it was in force, its estimate was given back; absent if it was settled
     */
    entry?: PermitEntry | null | undefined;
};
/**
 * Ends a wait of this worker; its end is pushed too. If its permit was granted before, the reply has it.
 */
export type AdmissionWithdrawRequest = {
    /**
     * the ticket
     */
    ticket: bigint | number;
};
export type AdmissionWithdrawReply = {
    /**
     * the sequence number of the request that was answered with the ticket
     */
    ticket: bigint;
    /**
     * what became of it
     */
    standing: TicketStanding;
    /**
     * the permit if it is `granted`; why there is none if it is `expired`
     */
    admission: AdmitReply;
};
/**
 * What became of calls of this worker that wait or have waited. The end of a wait is pushed as one entry of this reply.
 */
export type AdmissionTicketsRequest = {
    /**
     * the tickets, at most 64
     */
    tickets?: (number | bigint)[] | undefined;
};
export type AdmissionTicketsReply = {
    /**
     * one entry for each ticket of the request, in its order
     */
    entries: Array<TicketEntry>;
};
/**
 * A page of the calls that wait, in the order of their arrival, and how many there are. A worker sees those of its user.
 */
export type AdmissionWaitingRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type AdmissionWaitingReply = {
    /**
     * at most 16 calls, in the order of their arrival
     */
    entries: Array<WaitingEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
    /**
     * how many calls wait
     */
    waiting: number;
    /**
     * how many may
     */
    limit: number;
    /**
     * the steady clock at this page
     */
    now: number;
    /**
     * how many calls of one user may
     */
    limitPerUser: number;
};
/**
 * A page of the routes whose calls have succeeded lately, with how long they took.
 */
export type AdmissionLatenciesRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type AdmissionLatenciesReply = {
    /**
     * at most 256 routes
     */
    entries: Array<RouteLatency>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * Sets limits on a scope, all or none. One that exists keeps what was used of it.
 */
export type LimitSetRequest = {
    /**
     * what is limited; its tag may be a template, `prefix*`
     */
    scope: Scope;
    /**
     * 1 to 12, each of another dimension or window
     */
    limits?: Limit[] | undefined;
};
export type LimitSetReply = {
    /**
     * the limits as they are now, in the order of the request
     */
    changes: Array<LimitChange>;
};
/**
 * Removes limits from a scope, all or none. Where a template covers its tag, that limits it from now on.
 */
export type LimitRemoveRequest = {
    /**
     * the scope whose limits are removed
     */
    scope: Scope;
    /**
     * at most 12 limits, found by dimension, window and shadow mode; refused with `notFound` if one is not set
     */
    limits?: Limit[] | undefined;
    /**
     * whether all limits of the scope are removed; then none is listed
     */
    removesAll?: boolean | undefined;
};
export type LimitRemoveReply = {
    /**
     * the limits as they were
     */
    removed: Array<LimitEntry>;
};
/**
 * Raises the amount of a limit for a while; it goes back by itself. A raise of a template is one for each of its tags.
 */
export type LimitRaiseRequest = {
    /**
     * the scope whose limit is raised
     */
    scope: Scope;
    /**
     * the limit, found by dimension, window and shadow mode, with the amount that holds meanwhile; it must not be below the limit's own
     */
    limit: Limit;
    /**
     * how long: 1ms to 366d; absent: see `until`
     */
    milliseconds?: number | bigint | null | undefined;
    /**
     * until when on the wall clock, at most 366 days ahead; absent: see `milliseconds`; exactly one of the two is given
     */
    until?: number | null | undefined;
};
export type LimitRaiseReply = {
    /**
     * the limit, raised
     */
    entry: LimitEntry;
};
/**
 * A page of the limits with what is used, held and left of them. A worker sees those on tags that its user's calls have named, and all that are not on tags.
 */
export type LimitListRequest = {
    /**
     * the scope whose limits are listed; absent: every limit that is set; a tag's include those that a template gives it, a template's those of each tag that has used it
     */
    scope?: Scope | null | undefined;
    /**
     * 0 to begin, then what the last page said
     */
    cursor: bigint | number;
};
export type LimitListReply = {
    /**
     * at most 96 limits, in the order in which they were set or first used
     */
    entries: Array<LimitEntry>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: bigint;
};
/**
 * A limit of a scope with what is used, held and left of it. A worker sees those that `limit.list` tells it.
 */
export type LimitGetRequest = {
    /**
     * the scope
     */
    scope: Scope;
    /**
     * the limit, found by dimension, window and shadow mode
     */
    limit: Limit;
};
export type LimitGetReply = {
    /**
     * the limit; absent: none is set, and no template gives the tag one
     */
    entry?: LimitEntry | null | undefined;
};
/**
 * Adds to the amount of a prepaid limit. What was used of it stays, and its thresholds fire again.
 */
export type LimitTopUpRequest = {
    /**
     * the scope whose limit is topped up
     */
    scope: Scope;
    /**
     * the prepaid limit, found by dimension and shadow mode, with the amount that is added, at least 1
     */
    limit: Limit;
};
export type LimitTopUpReply = {
    /**
     * the limit, topped up
     */
    entry: LimitEntry;
};
/**
 * Applies a policy, all of it or nothing. What is so already stays untouched; what was used of limits, top-ups and raises stay. A refusal names the item, as in `limits[3]`.
 */
export type PolicyApplyRequest = {
    /**
     * the policy
     */
    policy: Policy;
    /**
     * whether what an earlier policy has set and this one does not name is removed; otherwise it stays and stays the policy's
     */
    prunes?: boolean | undefined;
};
export type PolicyApplyReply = {
    /**
     * the changes: what is removed first, then the others by their subjects and in the order of the policy; as many as have room in a frame
     */
    changes: Array<PolicyChange>;
    /**
     * how many more changes there are
     */
    unlisted: number;
    /**
     * how many items were as the policy says already
     */
    unchanged: number;
};
/**
 * What `policy.apply` would change. It is refused as that would be.
 */
export type PolicyPreviewRequest = {
    /**
     * the policy
     */
    policy: Policy;
    /**
     * whether what an earlier policy has set and this one does not name would be removed
     */
    prunes?: boolean | undefined;
};
export type PolicyPreviewReply = {
    /**
     * the changes: what is removed first, then the others by their subjects and in the order of the policy; as many as have room in a frame
     */
    changes: Array<PolicyChange>;
    /**
     * how many more changes there are
     */
    unlisted: number;
    /**
     * how many items were as the policy says already
     */
    unchanged: number;
};
/**
 * A page of what was set by `policy.apply`, as the policy said it, and where the state differs from it.
 */
export type PolicyGetRequest = {
    /**
     * 0 to begin, then what the last page said
     */
    cursor: number;
};
export type PolicyGetReply = {
    /**
     * at most 32 items as the policy said them, and on the first page what there is once
     */
    policy: Policy;
    /**
     * what an apply of the items of this page would set back, with their places in it
     */
    drift: Array<PolicyChange>;
    /**
     * the cursor of the next page; 0 if this was the last
     */
    next: number;
};
/**
 * Does what is due: marks and permits expire, breakers recover, raised limits go back.
 */
export type EngineAdvanceRequest = object;
export type EngineAdvanceReply = object;
/**
 * Forgets breakers that are closed and idle, have the default configuration, and share their name with no mark, account or permit.
 */
export type EngineEvictIdleBreakersRequest = object;
export type EngineEvictIdleBreakersReply = {
    /**
     * how many breakers were forgotten
     */
    forgotten: number;
};
/**
 * Forgets a worker and the replies that are kept for it. It said goodbye, or another worker needs the room.
 */
export type EngineForgetWorkerRequest = {
    /**
     * the upper half of the worker's id
     */
    workerHigh: bigint | number;
    /**
     * the lower half of the worker's id
     */
    workerLow: bigint | number;
    /**
     * whether another worker needs the room; otherwise it said goodbye
     */
    isEvicted?: boolean | undefined;
};
export type EngineForgetWorkerReply = object;
/**
 * Takes back the holds of a worker that died or said goodbye. Holds of limits that deny stay until their time to live ends.
 */
export type EngineReclaimPermitsRequest = {
    /**
     * the worker
     */
    worker: WorkerID;
};
export type EngineReclaimPermitsReply = object;
/**
 * Begins a run of permit numbers that were never used, not even for a permit that a crash has undone.
 */
export type EngineBeginPermitNumbersRequest = {
    /**
     * a random number that was drawn when the daemon started
     */
    salt: number;
};
export type EngineBeginPermitNumbersReply = object;
/**
 * Sets recorded dates back to the system's synchronised clock, and reopens the calendar windows that were closed too early.
 */
export type EngineTakeClockBackRequest = {
    /**
     * the system's wall clock
     */
    wall: number;
};
export type EngineTakeClockBackReply = object;
/**
 * A window of a calendar begins: what limits by this calendar have used counts anew, unless it is kept.
 */
export type EngineBeginWindowRequest = {
    /**
     * the calendar: unit, anchor and zone
     */
    calendar: LimitWindow;
    /**
     * when the window begins, on the wall clock
     */
    start: number;
    /**
     * the first moment after it
     */
    end: number;
    /**
     * whether what was used stays, because only the edges are others
     */
    keepsUse?: boolean | undefined;
    /**
     * whether calendars that no limit goes by are forgotten before: those of an earlier request, which was refused
     */
    forgetsIdle?: boolean | undefined;
};
export type EngineBeginWindowReply = object;
/**
 * Records a step of the wall clock, so that a start does not take it for time that has passed.
 */
export type EngineRecordClockRequest = {
    /**
     * the system's wall clock minus the steady clock since the step, in milliseconds
     */
    lead: bigint | number;
};
export type EngineRecordClockReply = object;
/**
 * Begins a day of the ledger's history. The accounts close the day before at their next use, and otherwise in steps.
 */
export type EngineBeginDayRequest = {
    /**
     * the day, in days since 1970-01-01
     */
    day: bigint | number;
    /**
     * whether the open day keeps its use, because its date was wrong
     */
    keepsUse?: boolean | undefined;
};
export type EngineBeginDayReply = object;
/**
 * Grants its permit to a call that has waited.
 */
export type EngineGrantTurnRequest = {
    /**
     * the ticket of the call
     */
    ticket: bigint | number;
    /**
     * the request that was answered with the ticket
     */
    call: Admit;
};
export type EngineGrantTurnReply = {
    /**
     * the permit's number, to settle it with; absent: denied, or it waits
     */
    permit?: bigint | null | undefined;
    /**
     * when the permit ends by itself, on the steady clock; 0 without a permit
     */
    expiresAt: number;
    /**
     * which candidate is admitted, or why none is
     */
    decision: AdmissionDecision;
    /**
     * present if the call waits: the sequence number of this request; how the wait ends is pushed, see `admission.tickets`
     */
    ticket?: bigint | null | undefined;
};
/**
 * Draws at the share of a breaker for a waiting call that nothing else stands against any more.
 */
export type EngineDrawShareRequest = {
    /**
     * the way that the call may go
     */
    candidate: Candidate;
};
export type EngineDrawShareReply = object;
/**
 * A breaker changed its state.
 */
export type BreakerTransitionEvent = {
    name: 'breakerTransition';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: BreakerTransitionFields;
};
export type BreakerTransitionFields = {
    /**
     * the provider
     */
    name: string;
    /**
     * the state before
     */
    from: BreakerState;
    /**
     * the state now
     */
    to: BreakerState;
    /**
     * the share of traffic admitted now
     */
    share: number;
    /**
     * failures less successes and decay: the point of the degradation curve that gives the share
     */
    consecutiveFailures: number;
    /**
     * what has opened it first since it last was closed; absent if it has not opened
     */
    openedBy?: BreakerRule | null | undefined;
    /**
     * the deployment; absent: it is not the breaker of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: it is not the breaker of one
     */
    model?: string | null | undefined;
};
/**
 * A route was marked, or its mark was put off.
 */
export type ProviderExhaustedEvent = {
    name: 'providerExhausted';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: ProviderExhaustedFields;
};
export type ProviderExhaustedFields = {
    /**
     * the mark
     */
    entry: ExhaustionEntry;
};
/**
 * A mark ended.
 */
export type ProviderRestoredEvent = {
    name: 'providerRestored';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: ProviderRestoredFields;
};
export type ProviderRestoredFields = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the deployment; absent: the mark was not of one
     */
    deployment?: string | null | undefined;
    /**
     * the model; absent: the mark was not of one
     */
    model?: string | null | undefined;
    /**
     * why it ended
     */
    end: MarkEnd;
};
/**
 * What was used of a limit reached one of its thresholds, for the first time in its window.
 */
export type LimitReachedEvent = {
    name: 'limitReached';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: LimitReachedFields;
};
export type LimitReachedFields = {
    /**
     * the limit and how it stands
     */
    entry: LimitEntry;
    /**
     * the threshold
     */
    tier: ThresholdTier;
};
/**
 * A limit that was raised for a while went back.
 */
export type LimitRevertedEvent = {
    name: 'limitReverted';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: LimitRevertedFields;
};
export type LimitRevertedFields = {
    /**
     * the limit and how it stands
     */
    entry: LimitEntry;
    /**
     * the amount that held until now: nano-dollars for `cost`, else a count
     */
    raisedAmount: bigint;
};
/**
 * A limit denied a call; told once until it admits one again.
 */
export type LimitDeniedEvent = {
    name: 'limitDenied';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: LimitDeniedFields;
};
export type LimitDeniedFields = {
    /**
     * the limit and how it stands
     */
    entry: LimitEntry;
    /**
     * what the call would have taken: nano-dollars for `cost`, else a count
     */
    needed: bigint;
};
/**
 * A provider's limit of cost will be used up within 7 days, 3 days or 1 day. Sent only when a nearer tier is reached.
 */
export type DepletionProjectedEvent = {
    name: 'depletionProjected';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: DepletionProjectedFields;
};
export type DepletionProjectedFields = {
    /**
     * the provider
     */
    provider: string;
    /**
     * the limit
     */
    limit: Limit;
    /**
     * 7 days, 3 days or 1 day
     */
    tier: DepletionTier;
    /**
     * days until then, at the burn rate of the last 24 hours
     */
    daysRemaining: number;
    /**
     * when it will be used up
     */
    depletesAt: number;
    /**
     * the burn rate of the estimate
     */
    burnRate: BurnRate;
};
/**
 * An operator began an account anew, with its limits that go on until reset.
 */
export type AccountResetEvent = {
    name: 'accountReset';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: AccountResetFields;
};
export type AccountResetFields = {
    /**
     * the scope; what lies within it began anew too
     */
    scope: Scope;
    /**
     * what had been spent; 0 if the scope has no account (nano-dollars)
     */
    spend: bigint;
    /**
     * the number of calls whose cost nobody told, which `spend` lacks
     */
    unpriced: bigint;
};
/**
 * A permit ended without being settled.
 */
export type PermitLapsedEvent = {
    name: 'permitLapsed';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: PermitLapsedFields;
};
export type PermitLapsedFields = {
    /**
     * the permit; its standing says whether it expired, was reclaimed or revoked; of one that expired the estimate counts as used where a limit's `onLapse` is `charge`; all else is given back
     */
    entry: PermitEntry;
};
/**
 * An operator corrected what was spent.
 */
export type AccountAdjustedEvent = {
    name: 'accountAdjusted';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: AccountAdjustedFields;
};
export type AccountAdjustedFields = {
    /**
     * the scope
     */
    scope: Scope;
    /**
     * what was added; below $0 it was taken back (nano-dollars)
     */
    cost: bigint;
    /**
     * why
     */
    reason: string;
};
/**
 * An operator has paused a route, or changed its pause.
 */
export type RoutePausedEvent = {
    name: 'routePaused';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: RoutePausedFields;
};
export type RoutePausedFields = {
    /**
     * the pause
     */
    entry: PauseEntry;
};
/**
 * A pause ended.
 */
export type RouteResumedEvent = {
    name: 'routeResumed';
    /**
     * counts all events of the daemon since its start
     */
    number: bigint;
    /**
     * how many events were not sent since the last one that was
     */
    missed: bigint;
    /**
     * when it happened, in milliseconds on the steady clock
     */
    at: number;
    fields: RouteResumedFields;
};
export type RouteResumedFields = {
    /**
     * the pause that ended
     */
    entry: PauseEntry;
    /**
     * whether its time had passed; otherwise an operator has resumed the route
     */
    expired: boolean;
};
/**
 * The commands by their names.
 */
export type Commands = {
    'hello': {
        request: HelloRequest;
        reply: HelloReply;
    };
    'goodbye': {
        request: GoodbyeRequest;
        reply: GoodbyeReply;
    };
    'ping': {
        request: PingRequest;
        reply: PingReply;
    };
    'status': {
        request: StatusRequest;
        reply: StatusReply;
    };
    'subscribe': {
        request: SubscribeRequest;
        reply: SubscribeReply;
    };
    'breaker.acquire': {
        request: BreakerAcquireRequest;
        reply: BreakerAcquireReply;
    };
    'breaker.success': {
        request: BreakerSuccessRequest;
        reply: BreakerSuccessReply;
    };
    'breaker.failure': {
        request: BreakerFailureRequest;
        reply: BreakerFailureReply;
    };
    'breaker.get': {
        request: BreakerGetRequest;
        reply: BreakerGetReply;
    };
    'breaker.list': {
        request: BreakerListRequest;
        reply: BreakerListReply;
    };
    'breaker.forceOpen': {
        request: BreakerForceOpenRequest;
        reply: BreakerForceOpenReply;
    };
    'breaker.reset': {
        request: BreakerResetRequest;
        reply: BreakerResetReply;
    };
    'breaker.resetAll': {
        request: BreakerResetAllRequest;
        reply: BreakerResetAllReply;
    };
    'breaker.configure': {
        request: BreakerConfigureRequest;
        reply: BreakerConfigureReply;
    };
    'breaker.configuration': {
        request: BreakerConfigurationRequest;
        reply: BreakerConfigurationReply;
    };
    'breaker.configureDefault': {
        request: BreakerConfigureDefaultRequest;
        reply: BreakerConfigureDefaultReply;
    };
    'breaker.default': {
        request: BreakerDefaultRequest;
        reply: BreakerDefaultReply;
    };
    'breaker.serialize': {
        request: BreakerSerializeRequest;
        reply: BreakerSerializeReply;
    };
    'breaker.deserialize': {
        request: BreakerDeserializeRequest;
        reply: BreakerDeserializeReply;
    };
    'breaker.remove': {
        request: BreakerRemoveRequest;
        reply: BreakerRemoveReply;
    };
    'exhaustion.mark': {
        request: ExhaustionMarkRequest;
        reply: ExhaustionMarkReply;
    };
    'exhaustion.clear': {
        request: ExhaustionClearRequest;
        reply: ExhaustionClearReply;
    };
    'exhaustion.get': {
        request: ExhaustionGetRequest;
        reply: ExhaustionGetReply;
    };
    'exhaustion.list': {
        request: ExhaustionListRequest;
        reply: ExhaustionListReply;
    };
    'exhaustion.reset': {
        request: ExhaustionResetRequest;
        reply: ExhaustionResetReply;
    };
    'exhaustion.setDefault': {
        request: ExhaustionSetDefaultRequest;
        reply: ExhaustionSetDefaultReply;
    };
    'exhaustion.default': {
        request: ExhaustionDefaultRequest;
        reply: ExhaustionDefaultReply;
    };
    'exhaustion.pause': {
        request: ExhaustionPauseRequest;
        reply: ExhaustionPauseReply;
    };
    'exhaustion.resume': {
        request: ExhaustionResumeRequest;
        reply: ExhaustionResumeReply;
    };
    'exhaustion.pauses': {
        request: ExhaustionPausesRequest;
        reply: ExhaustionPausesReply;
    };
    'ledger.record': {
        request: LedgerRecordRequest;
        reply: LedgerRecordReply;
    };
    'ledger.reset': {
        request: LedgerResetRequest;
        reply: LedgerResetReply;
    };
    'ledger.adjust': {
        request: LedgerAdjustRequest;
        reply: LedgerAdjustReply;
    };
    'ledger.account': {
        request: LedgerAccountRequest;
        reply: LedgerAccountReply;
    };
    'ledger.provider': {
        request: LedgerProviderRequest;
        reply: LedgerProviderReply;
    };
    'ledger.model': {
        request: LedgerModelRequest;
        reply: LedgerModelReply;
    };
    'ledger.providers': {
        request: LedgerProvidersRequest;
        reply: LedgerProvidersReply;
    };
    'ledger.models': {
        request: LedgerModelsRequest;
        reply: LedgerModelsReply;
    };
    'ledger.total': {
        request: LedgerTotalRequest;
        reply: LedgerTotalReply;
    };
    'ledger.burnRate': {
        request: LedgerBurnRateRequest;
        reply: LedgerBurnRateReply;
    };
    'ledger.depletion': {
        request: LedgerDepletionRequest;
        reply: LedgerDepletionReply;
    };
    'ledger.summary': {
        request: LedgerSummaryRequest;
        reply: LedgerSummaryReply;
    };
    'ledger.summaries': {
        request: LedgerSummariesRequest;
        reply: LedgerSummariesReply;
    };
    'ledger.accounts': {
        request: LedgerAccountsRequest;
        reply: LedgerAccountsReply;
    };
    'ledger.history': {
        request: LedgerHistoryRequest;
        reply: LedgerHistoryReply;
    };
    'ledger.forget': {
        request: LedgerForgetRequest;
        reply: LedgerForgetReply;
    };
    'price.set': {
        request: PriceSetRequest;
        reply: PriceSetReply;
    };
    'price.remove': {
        request: PriceRemoveRequest;
        reply: PriceRemoveReply;
    };
    'price.list': {
        request: PriceListRequest;
        reply: PriceListReply;
    };
    'ledger.reconcile': {
        request: LedgerReconcileRequest;
        reply: LedgerReconcileReply;
    };
    'overview': {
        request: OverviewRequest;
        reply: OverviewReply;
    };
    'forget': {
        request: ForgetRequest;
        reply: ForgetReply;
    };
    'snapshot.now': {
        request: SnapshotNowRequest;
        reply: SnapshotNowReply;
    };
    'snapshot.list': {
        request: SnapshotListRequest;
        reply: SnapshotListReply;
    };
    'snapshot.read': {
        request: SnapshotReadRequest;
        reply: SnapshotReadReply;
    };
    'import.chunk': {
        request: ImportChunkRequest;
        reply: ImportChunkReply;
    };
    'import.commit': {
        request: ImportCommitRequest;
        reply: ImportCommitReply;
    };
    'names.policy': {
        request: NamesPolicyRequest;
        reply: NamesPolicyReply;
    };
    'names.setStrict': {
        request: NamesSetStrictRequest;
        reply: NamesSetStrictReply;
    };
    'names.requireTags': {
        request: NamesRequireTagsRequest;
        reply: NamesRequireTagsReply;
    };
    'alias.set': {
        request: AliasSetRequest;
        reply: AliasSetReply;
    };
    'alias.remove': {
        request: AliasRemoveRequest;
        reply: AliasRemoveReply;
    };
    'alias.list': {
        request: AliasListRequest;
        reply: AliasListReply;
    };
    'history.files': {
        request: HistoryFilesRequest;
        reply: HistoryFilesReply;
    };
    'history.read': {
        request: HistoryReadRequest;
        reply: HistoryReadReply;
    };
    'admission.admit': {
        request: AdmissionAdmitRequest;
        reply: AdmissionAdmitReply;
    };
    'admission.settle': {
        request: AdmissionSettleRequest;
        reply: AdmissionSettleReply;
    };
    'admission.report': {
        request: AdmissionReportRequest;
        reply: AdmissionReportReply;
    };
    'admission.renew': {
        request: AdmissionRenewRequest;
        reply: AdmissionRenewReply;
    };
    'admission.preview': {
        request: AdmissionPreviewRequest;
        reply: AdmissionPreviewReply;
    };
    'admission.permits': {
        request: AdmissionPermitsRequest;
        reply: AdmissionPermitsReply;
    };
    'admission.revoke': {
        request: AdmissionRevokeRequest;
        reply: AdmissionRevokeReply;
    };
    'admission.withdraw': {
        request: AdmissionWithdrawRequest;
        reply: AdmissionWithdrawReply;
    };
    'admission.tickets': {
        request: AdmissionTicketsRequest;
        reply: AdmissionTicketsReply;
    };
    'admission.waiting': {
        request: AdmissionWaitingRequest;
        reply: AdmissionWaitingReply;
    };
    'admission.latencies': {
        request: AdmissionLatenciesRequest;
        reply: AdmissionLatenciesReply;
    };
    'limit.set': {
        request: LimitSetRequest;
        reply: LimitSetReply;
    };
    'limit.remove': {
        request: LimitRemoveRequest;
        reply: LimitRemoveReply;
    };
    'limit.raise': {
        request: LimitRaiseRequest;
        reply: LimitRaiseReply;
    };
    'limit.list': {
        request: LimitListRequest;
        reply: LimitListReply;
    };
    'limit.get': {
        request: LimitGetRequest;
        reply: LimitGetReply;
    };
    'limit.topUp': {
        request: LimitTopUpRequest;
        reply: LimitTopUpReply;
    };
    'policy.apply': {
        request: PolicyApplyRequest;
        reply: PolicyApplyReply;
    };
    'policy.preview': {
        request: PolicyPreviewRequest;
        reply: PolicyPreviewReply;
    };
    'policy.get': {
        request: PolicyGetRequest;
        reply: PolicyGetReply;
    };
    'engine.advance': {
        request: EngineAdvanceRequest;
        reply: EngineAdvanceReply;
    };
    'engine.evictIdleBreakers': {
        request: EngineEvictIdleBreakersRequest;
        reply: EngineEvictIdleBreakersReply;
    };
    'engine.forgetWorker': {
        request: EngineForgetWorkerRequest;
        reply: EngineForgetWorkerReply;
    };
    'engine.reclaimPermits': {
        request: EngineReclaimPermitsRequest;
        reply: EngineReclaimPermitsReply;
    };
    'engine.beginPermitNumbers': {
        request: EngineBeginPermitNumbersRequest;
        reply: EngineBeginPermitNumbersReply;
    };
    'engine.takeClockBack': {
        request: EngineTakeClockBackRequest;
        reply: EngineTakeClockBackReply;
    };
    'engine.beginWindow': {
        request: EngineBeginWindowRequest;
        reply: EngineBeginWindowReply;
    };
    'engine.recordClock': {
        request: EngineRecordClockRequest;
        reply: EngineRecordClockReply;
    };
    'engine.beginDay': {
        request: EngineBeginDayRequest;
        reply: EngineBeginDayReply;
    };
    'engine.grantTurn': {
        request: EngineGrantTurnRequest;
        reply: EngineGrantTurnReply;
    };
    'engine.drawShare': {
        request: EngineDrawShareRequest;
        reply: EngineDrawShareReply;
    };
};
export type CommandName = keyof Commands;
export type FuseboxEvent = BreakerTransitionEvent | ProviderExhaustedEvent | ProviderRestoredEvent | LimitReachedEvent | LimitRevertedEvent | LimitDeniedEvent | DepletionProjectedEvent | AccountResetEvent | PermitLapsedEvent | AccountAdjustedEvent | RoutePausedEvent | RouteResumedEvent;
export type Topic = 'breaker' | 'exhaustion' | 'ledger' | 'admission';
