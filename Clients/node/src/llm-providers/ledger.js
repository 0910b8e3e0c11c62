'use strict'

const { nanodollars } = require('../money')
const { limitOf, dimensionOf, windowLengths } = require('./budgets')
const { mostHistory } = require('./ledger-types')

/** @typedef {import('./hub').Hub} Hub */
/** @typedef {import('../logger').Logger} Logger */
/** @typedef {import('../protocol/types').LimitEntry} LimitEntry */
/** @typedef {import('../protocol/types').AccountUsage} AccountUsage */
/** @typedef {import('../protocol/types').FuseboxEvent} FuseboxEvent */
/** @typedef {import('./budgets').BudgetConfig} BudgetConfig */
/** @typedef {import('./budgets').RateLimitDimension} RateLimitDimension */

/**
 * What an account has used. `spend` is in nano-dollars.
 *
 * @typedef {object} Totals
 * @property {bigint} spend
 * @property {number} inputTokens
 * @property {number} outputTokens
 * @property {number} requestCount
 * @property {number} lastRecordedAt
 */

/** @typedef {{ used: number, limit: number, windowStart: number }} RateLimitWindow */

/**
 * @typedef {object} Parts
 * @property {Map<string, Totals>} models
 * @property {bigint | null} budget
 * @property {Map<string, bigint>} budgets
 * @property {Map<RateLimitDimension, RateLimitWindow>} rateLimits
 */
/**
 * @typedef {Totals & Parts} Account
 */

/**
 * @typedef {object} Entry
 * @property {string} provider
 * @property {string} model
 * @property {bigint} cost
 * @property {number} inputTokens
 * @property {number} outputTokens
 * @property {number} at
 */

/** A read that finds the replica older than this has it brought up to date behind it, in milliseconds. */
const oldest = 250
/** Attempts to read the ledger between two writes of this worker. */
const mostAttempts = 5

/** The replica of the ledger. */
class Ledger {
  /** @param {Hub} hub */
  constructor (hub) {
    this.hub = hub
    /** @type {Map<string, Account>} */
    this.accounts = new Map()
    /**
     * Costs by their moments, this worker's records and what others have spent between two reads.
     *
     * @type {Array<{ timestamp: number, provider: string, cost: bigint }>}
     */
    this.history = []
    /** How many costs are kept. */
    this.mostKept = mostHistory
    /** Counts what this worker has written. */
    this.records = 0
    this.loadedAt = 0
    this.isLoading = false
    this.periodStart = Date.now()
    /** @type {Set<(event: FuseboxEvent | { name: 'reply', reply: any, entry: Entry }) => void>} */
    this.listeners = new Set()
  }

  // The replica

  /** @param {number} [attempt] @returns {Promise<void>} */
  async load (attempt = 1) {
    this.isLoading = true
    try {
      const number = this.records
      /** @type {Map<string, Account>} */
      const accounts = new Map()
      const [total, providers, limits] = await Promise.all([
        this.hub.client.call('ledger.total'), all(
          this.hub.client.list('ledger.providers'),
        ), all(this.hub.client.list('limit.list')),
      ])
      await Promise.all(providers.map(async ({ provider, usage }) => {
        const models = await readable(this.hub.client.list('ledger.models', { provider }))
        const account = { ...emptyAccount(), ...this.totals(usage) }
        for (const { model, usage } of models) account.models.set(model, this.totals(usage))
        accounts.set(provider, account)
      }))
      for (const entry of limits) this.takeLimit(accounts, entry)
      // What this worker wrote while the answers were under way may be in some of them. Another attempt sees all of it.
      if (this.records !== number && attempt < mostAttempts) return await this.load(attempt + 1)
      this.noteOthers(accounts)
      this.accounts = accounts
      this.periodStart = this.hub.local(total.since)
      this.loadedAt = Date.now()
    } finally {
      this.isLoading = false
    }
  }

  /** Has the replica brought up to date, if it is old. */
  touch () {
    if (this.isLoading || Date.now() - this.loadedAt < oldest || !this.hub.client.isConnected) return
    this.isLoading = true
    this.hub.background(this.load())
  }

  /** @param {AccountUsage} usage @returns {Totals} */
  totals (usage) {
    return {
      spend: usage.spend,
      inputTokens: Number(usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens),
      outputTokens: Number(usage.outputTokens + usage.reasoningTokens),
      requestCount: Number(usage.requests),
      lastRecordedAt: usage.lastRecorded == null ? 0 : this.hub.local(usage.lastRecorded),
    }
  }

  /** @param {Map<string, Account>} accounts @param {LimitEntry} entry */
  takeLimit (accounts, { scope, limit, raisedAmount, used, startedAt }) {
    const { provider, deployment, model, tag } = scope
    if (!provider || deployment || tag) return
    const account = accounts.get(provider) ?? emptyAccount()
    accounts.set(provider, account)
    const amount = raisedAmount ?? limit.amount
    if (limit.dimension === 'cost' && limit.window.kind === 'manual') {
      if (model) account.budgets.set(model, amount)
      else account.budget = amount
    }
    const dimension = dimensionOf(limit)
    if (dimension && !model) {
      const windowStart = startedAt == null ? Date.now() : this.hub.local(startedAt)
      account.rateLimits.set(dimension, { used: Number(used), limit: Number(amount), windowStart })
    }
  }

  /**
   * Notes what other workers have spent since the last read.
   *
   * @param {Map<string, Account>} accounts
   */
  noteOthers (accounts) {
    if (this.loadedAt === 0) return
    for (const [provider, { spend }] of accounts) {
      const others = spend - (this.accounts.get(provider)?.spend ?? 0n)
      if (others > 0n) this.noteCost(provider, others)
    }
  }

  /** @param {string} provider @param {bigint} cost */
  noteCost (provider, cost) {
    this.history.push({ timestamp: Date.now(), provider, cost })
    if (this.history.length > this.mostKept) this.history.shift()
  }

  /**
   * Keeps at least so many costs.
   *
   * @param {number} count
   */
  keepHistory (count) { this.mostKept = Math.max(this.mostKept, count) }

  /** @param {Array<{ timestamp: number, provider: string, cost: number }>} entries costs in dollars */
  restoreHistory (entries) {
    const kept = entries.slice(-this.mostKept)
    this.history = kept.map(({ timestamp, provider, cost }) => ({ timestamp, provider, cost: nanodollars(cost ?? 0) }))
  }

  /** @param {string} provider */
  account (provider) {
    let found = this.accounts.get(provider)
    if (!found) {
      found = emptyAccount()
      this.accounts.set(provider, found)
    }
    return found
  }

  // Writes

  /** @param {Omit<Entry, 'at'>} told @param {Logger} logger */
  record (told, logger) {
    const entry = { ...told, at: Date.now() }
    const { provider, model, cost, inputTokens, outputTokens } = entry
    this.records += 1
    this.apply(entry)
    this.noteCost(provider, cost)
    this.hub.background(this.hub.report('ledger.record', {
      provider, model, cost, tokens: { input: inputTokens, output: outputTokens },
    }).then(reply => { if (reply) this.emit({ name: 'reply', reply, entry }) }), logger)
  }

  /**
   * Takes back what was spent. This needs an operator's rights.
   *
   * @param {{ provider: string, model: string, cost: bigint }} told a cost below 0 @param {Logger} logger
   */
  refund ({ provider, model, cost }, logger) {
    const account = this.accounts.get(provider)
    if (account) account.spend += cost
    const ofModel = account?.models.get(model)
    if (ofModel) ofModel.spend += cost
    this.noteCost(provider, cost)
    this.write('ledger.adjust', { scope: { provider, model }, cost, reason: 'a refund' }, logger)
  }

  /** @param {Entry} entry */
  apply ({ provider, model, cost, inputTokens, outputTokens, at }) {
    const account = this.account(provider)
    const ofModel = account.models.get(model) ?? emptyTotals()
    account.models.set(model, ofModel)
    for (const totals of [account, ofModel]) {
      totals.spend += cost
      totals.inputTokens += inputTokens
      totals.outputTokens += outputTokens
      totals.requestCount += 1
      totals.lastRecordedAt = at
    }
    for (const [dimension, window] of account.rateLimits) {
      renew(dimension, window)
      window.used += dimension.startsWith('r') ? 1 : inputTokens + outputTokens
    }
  }

  /**
   * Sets the limits that a budget of the library stands for. This needs an operator's rights.
   *
   * @param {BudgetConfig} budget @param {any} thresholds @param {Logger} logger
   */
  setBudget (budget, thresholds, logger) {
    const { provider, model, monthlyBudget, rateLimits } = budget
    const account = this.account(provider)
    if (monthlyBudget !== undefined && model) account.budgets.set(model, nanodollars(monthlyBudget))
    if (monthlyBudget !== undefined && !model) account.budget = nanodollars(monthlyBudget)
    /** @type {Array<[RateLimitDimension, number]>} */
    const rates = /** @type {any} */ (Object.entries(rateLimits ?? {}))
    for (const [dimension, limit] of rates) {
      const window = account.rateLimits.get(dimension) ?? { used: 0, limit, windowStart: Date.now() }
      account.rateLimits.set(dimension, { ...window, limit })
    }
    const money = limitOf({ provider, model, monthlyBudget }, thresholds)
    if (money.length > 0) this.write('limit.set', { scope: { provider, model }, limits: money }, logger)
    const others = limitOf({ provider, rateLimits }, thresholds)
    if (others.length > 0) this.write('limit.set', { scope: { provider }, limits: others }, logger)
  }

  /** @param {string} provider @param {string | undefined} model @param {Logger} logger */
  removeBudget (provider, model, logger) {
    const account = this.accounts.get(provider)
    if (!account) return
    const had = model ? account.budgets.delete(model) : account.budget !== null
    if (!model) account.budget = null
    const limits = limitOf({ provider, model, monthlyBudget: 1 }, undefined)
    if (had) this.write('limit.remove', { scope: { provider, model }, limits, removesAll: false }, logger)
  }

  /** @param {Logger} logger */
  resetPeriod (logger) {
    this.periodStart = Date.now()
    this.history = []
    for (const account of this.accounts.values()) {
      Object.assign(account, emptyTotals())
      for (const model of account.models.keys()) account.models.set(model, emptyTotals())
      for (const window of account.rateLimits.values()) Object.assign(window, { used: 0, windowStart: Date.now() })
    }
    this.write('ledger.reset', { scope: {} }, logger)
  }

  /** @param {import('../protocol/types').CommandName} name @param {any} fields @param {Logger} logger */
  write (name, fields, logger) {
    this.records += 1
    this.hub.background(this.hub.send(name, fields), logger)
  }

  // Events

  /** @param {FuseboxEvent} event */
  take (event) {
    this.emit(event)
    if (event.name !== 'depletionProjected') this.hub.background(this.load())
  }

  /** @param {FuseboxEvent | { name: 'reply', reply: any, entry: Entry }} event */
  emit (event) {
    for (const listener of [...this.listeners]) listener(event)
  }
}

/**
 * Begins a window anew whose end has passed.
 *
 * @param {RateLimitDimension} dimension @param {RateLimitWindow} window
 */
function renew (dimension, window) {
  const now = Date.now()
  if (now - window.windowStart >= windowLengths[dimension]) Object.assign(window, { used: 0, windowStart: now })
}

/** @returns {Totals} */
const emptyTotals = () => ({ spend: 0n, inputTokens: 0, outputTokens: 0, requestCount: 0, lastRecordedAt: 0 })

/** @returns {Account} */
const emptyAccount = () => ({
  ...emptyTotals(), models: new Map(), budget: null, budgets: new Map(), rateLimits: new Map(),
})

/** @param {AsyncIterable<any>} list @returns {Promise<any[]>} */
async function all (list) {
  const entries = []
  for await (const entry of list) entries.push(entry)
  return entries
}

/**
 * The entries of a list that only readers may read; none for others.
 *
 * @param {AsyncIterable<any>} list @returns {Promise<any[]>}
 */
async function readable (list) {
  try {
    return await all(list)
  } catch (error) {
    if (/** @type {any} */ (error).status !== 'notPermitted') throw error
    return []
  }
}

module.exports = { Ledger, renew }
