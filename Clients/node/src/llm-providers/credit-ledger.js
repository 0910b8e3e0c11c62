'use strict'

const { nanodollars } = require('../money')
const { hub } = require('./shared')
const { renew } = require('./ledger')
const { mostHistory } = require('./ledger-types')

/** @typedef {import('../logger').Logger} Logger */
/** @typedef {import('./budgets').BudgetConfig} BudgetConfig */
/** @typedef {import('./budgets').ThresholdConfig} ThresholdConfig */
/** @typedef {import('./budgets').RateLimitDimension} RateLimitDimension */
/** @typedef {import('./ledger').Account} Account */
/** @typedef {import('./ledger').Totals} Totals */
/** @typedef {import('./ledger').Entry} Entry */
/** @typedef {import('../protocol/types').LimitReached} LimitReached */
/** @typedef {import('../protocol/types').DepletionProjected} DepletionProjected */

/** @typedef {import('./ledger-types').ModelAccumulator} ModelAccumulator */
/** @typedef {import('./ledger-types').ProviderAccumulator} ProviderAccumulator */
/** @typedef {import('./ledger-types').BurnRate} BurnRate */
/** @typedef {import('./ledger-types').DepletionEstimate} DepletionEstimate */
/** @typedef {import('./ledger-types').SpendSummary} SpendSummary */
/** @typedef {import('./ledger-types').RateLimitCheck} RateLimitCheck */
/** @typedef {import('./ledger-types').ThresholdTier} ThresholdTier */
/** @typedef {import('./ledger-types').DepletionTier} DepletionTier */
/** @typedef {import('./ledger-types').LedgerEvent} LedgerEvent */
/** @typedef {import('./ledger-types').LedgerListener} LedgerListener */
/** @typedef {import('./ledger-types').CreditLedgerSnapshot} CreditLedgerSnapshot */

/** @type {ThresholdConfig} */
const defaultThresholds = { warning: 0.8, critical: 0.9, emergency: 0.95 }
const day = 86_400_000
const hour = 3_600_000
/** Events that were told, by what they say. The reply to a record and the event of the same record come apart. */
const mostTold = 256

/**
 * The ledger of the library's shape whose accounts and limits are the daemon's. Synchronous members answer from the
 * replica.
 *
 * Budgets and `resetPeriod` need an operator's rights; a refusal goes to the logger, and the budget holds in this
 * process alone. So do refunds, which are records with a cost below 0. Listeners hear of all workers' records, when the
 * daemon has answered.
 */
class CreditLedger {
  /**
   * @param {{ thresholds?: Partial<ThresholdConfig>, budgets?: BudgetConfig[], ringBufferSize?: number, logger?: Logger
   *   }} config
   */
  constructor ({ thresholds = {}, budgets = [], ringBufferSize = mostHistory, logger = {} } = {}) {
    /** @internal */
    this.thresholds = { ...defaultThresholds, ...thresholds }
    /** @internal */
    this.ringBufferSize = ringBufferSize
    if (ringBufferSize > mostHistory) hub().ledger.keepHistory(ringBufferSize)
    /**
     * @internal
     * @type {BudgetConfig[]}
     */
    this.budgets = []
    /** @internal */
    this.logger = logger
    for (const budget of budgets) this.setBudget(budget)
  }

  /**
   * Resolves when the replica has been read.
   *
   * @returns {Promise<void>}
   */
  get ready () { return hub().start() }

  // Writes

  /**
   * @param {string} provider @param {string} model empty: `unknown` @param {number} cost dollars
   * @param {number} inputTokens @param {number} outputTokens
   */
  record (provider, model, cost, inputTokens, outputTokens) {
    const { ledger } = hub()
    const told = { provider, model: model || 'unknown', cost: nanodollars(Number.isFinite(cost) ? cost : 0) }
    if (told.cost < 0n) return ledger.refund(told, this.logger)
    const tokens = (/** @type {number} */ count) => Math.max(0, Math.round(count) || 0)
    ledger.record({ ...told, inputTokens: tokens(inputTokens), outputTokens: tokens(outputTokens) }, this.logger)
  }

  /** @param {BudgetConfig} budget */
  setBudget (budget) {
    this.budgets = this.budgets.filter(({ provider, model }) => provider !== budget.provider || model !== budget.model)
    this.budgets.push(budget)
    hub().ledger.setBudget(budget, this.thresholds, this.logger)
  }

  /** @param {string} provider @param {string} [model] */
  removeBudget (provider, model) {
    this.budgets = this.budgets.filter(budget => provider !== budget.provider || model !== budget.model)
    hub().ledger.removeBudget(provider, model, this.logger)
  }

  /** Begins all accounts anew, for all workers. */
  resetPeriod () { hub().ledger.resetPeriod(this.logger) }

  // Reads

  /** @param {string} provider @param {string} [model] @returns {number | null} dollars; null without a budget */
  remainingBalance (provider, model) {
    const { spend, budget } = this.measure(provider, model)
    return budget === null ? null : dollarsOf(budget - spend)
  }

  /** @param {string} provider @param {string} [model] */
  utilizationPct (provider, model) {
    const { spend, budget } = this.measure(provider, model)
    return budget === null || budget <= 0n ? 0 : Number(spend) / Number(budget)
  }

  /** @param {string} provider @returns {ProviderAccumulator | undefined} */
  getProviderAccumulator (provider) {
    const account = this.account(provider)
    return account && providerAccumulator(account)
  }

  /** @param {string} provider @param {string} model @returns {ModelAccumulator | undefined} */
  getModelAccumulator (provider, model) {
    const totals = this.account(provider)?.models.get(model)
    return totals && accumulator(totals)
  }

  totalSpend () { return dollarsOf([...this.accounts().values()].reduce((sum, { spend }) => sum + spend, 0n)) }

  /** @returns {Record<string, ProviderAccumulator>} */
  breakdown () {
    return Object.fromEntries(
      [...this.accounts()].map(([provider, account]) => [provider, providerAccumulator(account)]),
    )
  }

  /**
   * What is spent an hour and a day, by what this process has seen.
   *
   * @param {string} provider @param {number} [windowMs] @returns {BurnRate}
   */
  getBurnRate (provider, windowMs = day) {
    const costs = this.costs(provider, windowMs)
    const total = dollarsOf(costs.reduce((sum, { cost }) => sum + cost, 0n))
    return {
      costPerHour: windowMs > 0 ? total * hour / windowMs : 0,
      costPerDay: windowMs > 0 ? total * day / windowMs : 0,
      windowMs,
      sampleCount: costs.length,
    }
  }

  /** @param {string} provider @param {number} [windowMs] @returns {DepletionEstimate | null} null without a budget */
  getDepletionEstimate (provider, windowMs) {
    const { spend, budget } = this.measure(provider)
    if (budget === null || budget <= 0n) return null
    const burnRate = this.getBurnRate(provider, windowMs)
    const remainingBudget = Math.max(0, dollarsOf(budget - spend))
    if (remainingBudget > 0 && burnRate.costPerDay <= 0) {
      return { remainingBudget, burnRate, projectedDepletionDate: null, daysRemaining: null }
    }
    const daysRemaining = remainingBudget === 0 ? 0 : remainingBudget / burnRate.costPerDay
    return {
      remainingBudget, burnRate, projectedDepletionDate: new Date(Date.now() + daysRemaining * day), daysRemaining,
    }
  }

  /** @param {string} provider @param {number} windowMs @returns {SpendSummary} */
  getSpendSummary (provider, windowMs) {
    const costs = this.costs(provider, windowMs)
    const spend = dollarsOf(costs.reduce((sum, { cost }) => sum + cost, 0n))
    return { provider, spend, requestCount: costs.length, inputTokens: 0, outputTokens: 0, windowMs }
  }

  /** @param {number} windowMs */
  getSpendBreakdown (windowMs) {
    const providers = new Set(this.history().map(({ provider }) => provider))
    return [...providers].map(provider => this.getSpendSummary(provider, windowMs))
  }

  /** @param {string} provider @param {RateLimitDimension} dimension @returns {RateLimitCheck} */
  checkRateLimit (provider, dimension) {
    const window = this.account(provider)?.rateLimits.get(dimension)
    if (!window) return { allowed: true, used: 0, limit: 0 }
    renew(dimension, window)
    return { allowed: window.used < window.limit, used: window.used, limit: window.limit }
  }

  /** @returns {CreditLedgerSnapshot} */
  snapshot () {
    return {
      version: 1,
      periodStart: hub().ledger.periodStart,
      providers: this.breakdown(),
      thresholds: { ...this.thresholds },
      budgets: this.budgets.map(budget => ({ ...budget })),
      exportedAt: Date.now(),
      spendHistory: this.history().map(({ cost, ...entry }) => ({ ...entry, cost: dollarsOf(cost) })),
    }
  }

  serialize () { return JSON.stringify(this.snapshot()) }

  /**
   * Restores thresholds, budgets, and the costs that burn rates are made of. Accounts, and what is used of rate limits,
   * stay the daemon's, which has them in any case: the snapshot of one worker must not undo what others have spent.
   * `fusebox import --format llm-providers` moves them over once.
   *
   * @param {CreditLedgerSnapshot} snapshot of another version: it is skipped, and the logger told
   */
  restore (snapshot) {
    if (snapshot.version !== 1) {
      return this.logger.warn?.(`[CreditLedger] a snapshot of version ${snapshot.version} is not known, and skipped`)
    }
    this.thresholds = { ...defaultThresholds, ...snapshot.thresholds }
    this.budgets = []
    for (const budget of snapshot.budgets) this.setBudget(budget)
    hub().ledger.restoreHistory(snapshot.spendHistory ?? [])
  }

  // Events

  /** @param {LedgerListener} listener @returns {() => void} what ends it */
  on (listener) {
    // An event may come while this hub is closed, and must not make another.
    const { ledger } = hub()
    const local = (/** @type {number} */ moment) => ledger.hub.local(moment)
    /** @type {Set<string>} */
    const told = new Set()
    const tell = (/** @type {LedgerEvent} */ event, /** @type {string} */ key) => {
      if (told.has(key)) return
      told.add(key)
      if (told.size > mostTold) told.delete(told.values().next().value ?? '')
      try {
        listener(event)
      } catch (error) {
        this.logger.warn?.('[CreditLedger] a listener has thrown:', error)
      }
    }
    const take = (/** @type {any} */ event) => {
      const { reply, entry } = event
      if (event.name === 'reply') {
        for (const reached of reply.reached) this.tellReached(reached, entry.model, tell)
        if (reply.depletion) this.tellDepletion(reply.depletion, local, tell)
      }
      if (event.name === 'limitReached') this.tellReached(event.fields, undefined, tell)
      if (event.name === 'depletionProjected') this.tellDepletion(event.fields, local, tell)
    }
    ledger.listeners.add(take)
    return () => { ledger.listeners.delete(take) }
  }

  /**
   * @internal
   * @param {LimitReached} reached
   * @param {string | undefined} model
   * @param {(event: LedgerEvent, key: string) => void} tell
   */
  tellReached ({ entry, tier }, model, tell) {
    const { scope, limit, used } = entry
    if (!scope.provider || scope.model || scope.deployment || scope.tag || limit.dimension !== 'cost') return
    const budget = entry.raisedAmount ?? limit.amount
    tell({
      type: 'threshold_crossed',
      provider: scope.provider,
      model,
      tier: /** @type {ThresholdTier} */ (tier),
      spend: dollarsOf(used),
      budget: dollarsOf(budget),
      utilizationPct: Number(used) / Number(budget),
    }, `threshold ${scope.provider} ${tier} ${used}`)
  }

  /**
   * @internal
   * @param {DepletionProjected} projected
   * @param {(moment: number) => number} local a moment of the daemon on this process's clock
   * @param {(event: LedgerEvent, key: string) => void} tell
   */
  tellDepletion ({ provider, tier, daysRemaining, depletesAt, burnRate }, local, tell) {
    tell({
      type: 'depletion_projected', provider, tier: /** @type {DepletionTier} */ (`depletion_${tier}`), daysRemaining,
      projectedDepletionDate: new Date(local(depletesAt)),
      burnRate: {
        costPerHour: burnRate.costPerHour ?? 0, costPerDay: burnRate.costPerDay ?? 0, windowMs: Number(
          burnRate.windowMilliseconds,
        ),
        sampleCount: Number(burnRate.sampleCount),
      },
    }, `depletion ${provider} ${tier} ${depletesAt}`)
  }

  // The replica

  /** @internal */
  accounts () {
    const { ledger } = hub()
    ledger.touch()
    return ledger.accounts
  }

  /**
   * @internal
   * @param {string} provider
   */
  account (provider) { return this.accounts().get(provider) }

  /**
   * @internal
   * @param {string} provider @param {string} [model] @returns {{ spend: bigint, budget: bigint | null }}
   */
  measure (provider, model) {
    const account = this.account(provider)
    if (!account) return { spend: 0n, budget: null }
    if (!model) return account
    return { spend: account.models.get(model)?.spend ?? 0n, budget: account.budgets.get(model) ?? null }
  }

  /**
   * @internal
   * @param {string} provider @param {number} windowMs
   */
  costs (provider, windowMs) {
    const cutoff = Date.now() - windowMs
    return this.history().filter(entry => entry.provider === provider && entry.timestamp >= cutoff)
  }

  /**
   * The last costs, at most so many as this ledger's ring buffer holds.
   *
   * @internal
   */
  history () { return this.ringBufferSize > 0 ? hub().ledger.history.slice(-this.ringBufferSize) : [] }
}

/** @param {bigint} amount nano-dollars */
const dollarsOf = amount => Number(amount) / 1e9

/** @param {Totals} totals @returns {ModelAccumulator} */
const accumulator = ({ spend, inputTokens, outputTokens, requestCount, lastRecordedAt }) =>
  ({ spend: dollarsOf(spend), inputTokens, outputTokens, requestCount, lastRecordedAt })

/** @param {Account} account @returns {ProviderAccumulator} */
const providerAccumulator = account => ({
  ...accumulator(account),
  models: Object.fromEntries([...account.models].map(([model, totals]) => [model, accumulator(totals)])),
  budget: account.budget === null ? null : dollarsOf(account.budget),
  rateLimits: Object.fromEntries([...account.rateLimits].map(([dimension, window]) => [dimension, { ...window }])),
})

module.exports = { CreditLedger }
