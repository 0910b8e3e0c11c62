'use strict'

const { FuseboxError } = require('./errors')
const { nanodollars } = require('./money')
const { findUsage, Report } = require('./usage')
const { checkOutcome, outcomeOfStatus } = require('./outcomes')
const { route } = require('./candidates')

/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./protocol/types').DenialReason} DenialReason */
/** @typedef {import('./protocol/types').BreakerRule} BreakerRule */
/** @typedef {import('./protocol/types').LimitObjection} LimitObjection */
/** @typedef {import('./protocol/types').FullQueue} FullQueue */
/** @typedef {import('./protocol/types').AdmissionDecision} AdmissionDecision */
/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./usage').Usage} Usage */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */

/**
 * Why a candidate may not be called.
 *
 * @typedef {object} Denial
 * @property {Candidate} candidate
 * @property {DenialReason} reason the reason that lasts longest
 * @property {number | null} retryAfter milliseconds until another attempt can succeed; 0: another call's end may help;
 *   null: time alone does not help
 * @property {LimitObjection[]} limits the limits that stand against it
 * @property {BreakerRule | null} [openedBy] what has opened the breaker first since it last was closed; null: it has not
 *   opened, or does not deny
 * @property {number} [failedRecoveries] with `openedBy`: how often it has opened again since it last was closed
 * @property {number | null} [resetTimeout] the quiet milliseconds that take one failure off the breaker, after recoveries
 *   that have failed; null: none has
 */

/** None of the candidates may be called now. */
class AdmissionDeniedError extends FuseboxError {
  /** @param {Denial[]} reasons @param {number | null} retryAfter @param {FullQueue | null} [fullQueue] */
  constructor (reasons, retryAfter, fullQueue = null) {
    const each = reasons.map(({ candidate, reason, openedBy = null }) => {
      const rule = openedBy === null ? '' : `, opened by ${openedBy}`
      return `${route(candidate)}: ${reason}${rule}`
    }).join(', ')
    const hope = retryAfter === null
      ? 'waiting alone does not help'
      : retryAfter === 0 ? 'try again with the next call' : `try again in ${retryAfter} ms`
    const queue = fullQueue === null ? '' : `; the queue is full for ${fullQueue}`
    super('ERR_FUSEBOX_DENIED', `no provider may be called now (${each})${queue}; ${hope}`)
    /** The reason of each candidate, in their order. */
    this.reasons = reasons
    /** Milliseconds until any candidate can be admitted; 0 and null as in `Denial`. */
    this.retryAfter = retryAfter
    /** For whom the queue is full, if that is why the call does not wait; null: it is not, or it was not to wait. */
    this.fullQueue = fullQueue
  }

  /** For logs in JSON, which has no bigints: they are texts. */
  toJSON () {
    const { name, code, message, reasons, retryAfter, fullQueue } = this
    return withoutBigints({ name, code, message, reasons, retryAfter, fullQueue })
  }
}

/** The permission to make one call. It holds what the call may use until it is settled. */
class Permit {
  /**
   * @param {object} granted
   * @param {Candidate} granted.candidate
   * @param {string[]} granted.tags
   * @param {bigint | null} granted.number
   * @param {number | null} granted.expiresAt
   * @param {bigint | undefined} granted.epoch
   * @param {import('./protocol/types').BreakerState} granted.state
   * @param {number} granted.share
   * @param {bigint | null} granted.heldCost
   * @param {import('./protocol/types').CostBasis} granted.costBasis
   * @param {Denial[]} granted.passedOver
   * @param {AbortSignal} [signal]
   */
  constructor (granted, signal) {
    /** Where the call may go. */
    this.candidate = granted.candidate
    /** What the call is made for. */
    this.tags = granted.tags
    /** The permit's number at the daemon; null if it is assumed. */
    this.number = granted.number
    /** When it ends by itself, in milliseconds on the daemon's steady clock; null if it is assumed. */
    this.expiresAt = granted.expiresAt
    /**
     * The life of the daemon's state in which the number means something.
     *
     * @internal
     */
    this.epoch = granted.epoch
    /** The state of the provider's breaker at the admission. */
    this.state = granted.state
    /** The share of traffic that the breaker let through. */
    this.share = granted.share
    /** What is held of limits of cost until the settle, in nano-dollars; null: nothing. */
    this.heldCost = granted.heldCost
    /** Where this cost comes from: it was told, or is the price of the estimated tokens, or what calls cost lately. */
    this.costBasis = granted.costBasis
    /** The candidates before this one, and why they were passed over. */
    this.passedOver = granted.passedOver
    /** The signal that the caller gave, for the request that the body makes. */
    this.signal = signal
    /**
     * What was told of each call that was made, and what the caller added.
     *
     * @internal
     * @type {Map<string, Report | Usage>}
     */
    this.usages = new Map()
    /** @internal */
    this.currentCall = ''
    /**
     * @internal
     * @type {CallOutcome | null}
     */
    this.told = null
    /**
     * Whether the call was settled, so that usage counts no more.
     *
     * @internal
     */
    this.hasEnded = false
    /** @internal */
    this.begin = performance.now()
    /**
     * @internal
     * @type {number | null}
     */
    this.answered = null
  }

  /** The provider that may be called. */
  get provider () { return this.candidate.provider }
  /** The deployment: the API key, region or endpoint; null if the candidate named none. */
  get deployment () { return this.candidate.deployment ?? null }
  /** The model to ask for; null if the candidate named none. */
  get model () { return this.candidate.model ?? null }
  /** Whether the daemon did not answer and the client fails open. The permit then holds nothing. */
  get isAssumed () { return this.number === null }

  /** For logs in JSON, which has no bigints: they are texts. */
  toJSON () {
    const { provider, deployment, model, tags, number, state, share, heldCost, costBasis } = this
    return withoutBigints({ provider, deployment, model, tags, number, state, share, heldCost, costBasis })
  }

  /**
   * Takes what the provider told of the call's usage: its usage object, or an answer or an event of a stream that has
   * one. In a stream the last numbers count. Answers with different ids add up.
   *
   * @param {unknown} document
   * @returns {boolean} whether usage was found. What is not understood is left out: the call counts as unpriced
   */
  usage (document) {
    if (this.hasEnded) warnOfEnd(this)
    let told
    try {
      told = findUsage(document)
    } catch (error) {
      return false
    }
    if (!told) return false
    if (told.call !== null) this.currentCall = told.call
    const found = this.usages.get(this.currentCall) ?? this.usages.get('')
    const known = found instanceof Report ? found : new Report()
    if (this.usages.get('') === known) this.usages.delete('')
    known.update(told)
    if (known.model !== null || !known.isEmpty) this.usages.set(this.currentCall, known)
    return !told.isEmpty
  }

  /**
   * Adds to what the call has used.
   *
   * @param {Usage} usage
   */
  use (usage) {
    if (this.hasEnded) warnOfEnd(this)
    this.usages.set(`own ${this.usages.size}`, { ...usage })
  }

  /**
   * Tells that the first token of the answer has arrived. Only the first time counts. `fetch` tells it of streams by
   * itself.
   */
  firstToken () {
    this.answered ??= performance.now()
  }

  /**
   * How long the call has taken until now.
   *
   * @internal
   */
  get timing () {
    return {
      firstTokenMilliseconds: this.answered === null ? null : elapsed(this.begin, this.answered),
      durationMilliseconds: elapsed(this.begin, performance.now()),
    }
  }

  /**
   * Tells how the call went, where the body returns or throws something else than what counts.
   *
   * @param {Outcome} outcome
   * @param {Pick<CallOutcome, 'retryAfter' | 'markScope'>} options
   */
  outcome (outcome, { retryAfter = null, markScope = null } = {}) {
    checkOutcome(outcome)
    this.told = { outcome, retryAfter, markScope }
  }

  /**
   * Tells how the call went by the provider's answer: its status and headers, and its body if it tells an error.
   *
   * @param {{ status: number, headers?: unknown }} response a `Response`, or anything with these members
   * @param {unknown} [body] the body, as parsed JSON
   * @returns {Outcome}
   */
  response (response, body) {
    this.told = outcomeOfStatus(response.status, response.headers, body)
    return this.told.outcome
  }

  /**
   * All that the call has used; null if nothing is known.
   *
   * @returns {Usage | null}
   * @internal
   */
  get used () {
    const usages = [...this.usages.values()].map(told => told instanceof Report ? told.usage : told)
    return usages.length === 0 ? null : usages.reduce(sum)
  }
}

let hasWarned = false

/**
 * Says once that usage is told too late: mostly nobody waits for what tells it.
 *
 * @param {Permit} permit
 */
function warnOfEnd ({ candidate }) {
  if (hasWarned) return
  hasWarned = true
  process.emitWarning(
    `the call by ${route(candidate)} has ended; usage that is told now does not count. Is an await missing?`,
    { type: 'FuseboxWarning', code: 'FUSEBOX_LATE_USAGE' },
  )
}

/**
 * @param {object} value
 * @returns {any}
 */
const withoutBigints = value =>
  JSON.parse(JSON.stringify(value, (name, member) => typeof member === 'bigint' ? String(member) : member))

/** @param {number} begin @param {number} end */
const elapsed = (begin, end) => Math.min(Math.floor(end - begin), 0xffff_ffff)

/**
 * The sum of two usages. The model is that of the later, if it names one.
 *
 * @param {Usage} earlier @param {Usage} later @returns {Usage}
 */
function sum (earlier, later) {
  /** @type {any} */
  const total = { ...earlier }
  for (const [member, value] of Object.entries(later)) {
    if (value === null || value === undefined) continue
    if (member === 'model') total.model = value
    else if (member === 'cost') total.cost = nanodollars(total.cost ?? 0n) + nanodollars(/** @type {any} */ (value))
    else total[member] = (total[member] ?? 0) + /** @type {number} */ (value)
  }
  return total
}

/**
 * The reasons of a decision.
 *
 * @param {AdmissionDecision} decision @param {Candidate[]} candidates @returns {Denial[]}
 */
function denials (decision, candidates) {
  return decision.denials.map((denial, place) => ({
    candidate: candidates[place],
    reason: denial.reason,
    retryAfter: denial.retryAfterMilliseconds == null ? null : Number(denial.retryAfterMilliseconds),
    limits: decision.limits.filter(limit => limit.candidate === place),
    openedBy: denial.openedBy ?? null,
    failedRecoveries: denial.failedRecoveries,
    resetTimeout: denial.resetTimeoutMilliseconds == null ? null : Number(denial.resetTimeoutMilliseconds),
  }))
}

module.exports = { AdmissionDeniedError, Permit, denials, sum }
