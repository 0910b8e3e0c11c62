'use strict'

const { performance } = require('node:perf_hooks')
const { FuseboxError, InvalidArgumentError } = require('./errors')
const { CandidateWalk } = require('./candidate-walk')
const { route } = require('./candidates')
const { ask, checkedTTL, defaultTTL, settle } = require('./admission')
const { isTimeout, outcomeOfError } = require('./outcomes')
const { sum } = require('./permit')

/** @typedef {import('./client').Client} Client */
/** @typedef {import('./permit').Permit} Permit */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */

/**
 * A call whose permit could not be settled.
 *
 * @typedef {object} UnsettledCall
 * @property {Permit} permit
 * @property {CallOutcome} outcome
 * @property {FuseboxError} error
 */

/**
 * The rules that a call is made by.
 *
 * @typedef {object} CallRules
 * @property {number} [maxAge] how long the permit is renewed at most, in milliseconds: an hour by default
 * @property {number} [attempts] how many calls are made at most, each by another route: 16 by default
 * @property {AbortSignal} [signal] aborted before the body begins: a wait is withdrawn, the permit is given back and the
 *   call rejects with the signal's reason. The body finds it in `permit.signal`. A call that ends after it was aborted
 *   counts as abandoned; by `AbortSignal.timeout`, and without `wait`, as a failure of the provider
 * @property {(error: unknown) => CallOutcome} [outcome] what an error of the body means, instead of `outcomeOfError`
 * @property {(call: UnsettledCall) => void} [onUnsettled] called when the daemon refused the settle, or the usage was
 *   out of range
 */

/** @typedef {import('./admission').AdmitOptions & CallRules} PermitOptions */

const hour = 3_600_000

/**
 * Makes a call under a permit; `Client.withPermit` documents it.
 *
 * Every permit is settled exactly once. A settle that fails does not affect what the caller gets. If the daemon is
 * away, the settle is kept under either failure policy, and sent when the client is connected again. Once a call has
 * failed, its error is thrown, and not the reason why there is no other candidate.
 *
 * @template T
 * @param {Client} client
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {PermitOptions} options
 * @param {(permit: Permit) => T | Promise<T>} body
 * @returns {Promise<T>}
 */
async function withPermit (client, candidates, options, body) {
  if (typeof body !== 'function') throw new InvalidArgumentError('withPermit takes candidates, options and a function')
  const rules = withDeadline(options)
  const walk = new CandidateWalk(candidates, options)
  /** @type {{ error: unknown } | null} */
  let failure = null
  for (;;) {
    /** @type {Permit} */
    let permit
    try {
      permit = await hold(client, walk.left, rules)
    } catch (error) {
      throw failure ? failure.error : error
    }
    const ending = await run(body, permit)
    if ('value' in ending) {
      await finish(client, permit, endingOf(options), options)
      return ending.value
    }
    failure = ending
    const ended = await finish(client, permit, meaningOf(ending.error, options), options)
    if (!walk.goesOn(permit, ended)) throw ending.error
  }
}

/**
 * What the body returns or throws.
 *
 * @template T
 * @param {(permit: Permit) => T | Promise<T>} body @param {Permit} permit
 * @returns {Promise<{ value: T } | { error: unknown }>}
 */
async function run (body, permit) {
  try {
    return { value: await body(permit) }
  } catch (error) {
    return { error }
  }
}

/**
 * How a call ended that threw nothing. Streams of SDKs end without an error when they are aborted.
 *
 * @param {PermitOptions} options @returns {CallOutcome}
 */
const endingOf = options => ({ outcome: options.signal?.aborted ? ofAborted(options.signal, options) : 'success' })

/**
 * How a call ended that threw an error.
 *
 * @param {unknown} error @param {PermitOptions} options @returns {CallOutcome}
 */
function meaningOf (error, options) {
  if (options.outcome) return options.outcome(error)
  const meaning = outcomeOfError(error, options.signal)
  if (!options.signal?.aborted || meaning.outcome !== 'failure' || error instanceof FuseboxError) return meaning
  return { outcome: ofAborted(options.signal, options) }
}

/**
 * What an aborted signal says of the call. A timeout says that the provider took too long, unless the call may have
 * spent the time waiting for its turn.
 *
 * @param {AbortSignal} signal @param {PermitOptions} options
 */
const ofAborted = (signal, { wait = 0 }) => isTimeout(signal) && wait === 0 ? 'failure' : 'abandoned'

/**
 * The same options, whose wait counts from now on, for all candidates that are tried one after the other.
 *
 * @template {PermitOptions} Options
 * @param {Options} options
 * @returns {Options & { until: number }}
 */
const withDeadline = options => ({ ...options, until: performance.now() + (options.wait ?? 0) })

/**
 * A permit that is renewed until it is settled. An aborted caller gives it back.
 *
 * @param {Client} client @param {CandidateLike[]} candidates @param {PermitOptions & { until: number }} options
 */
async function hold (client, candidates, options) {
  options.signal?.throwIfAborted()
  const isWaiting = /** @type {number} */ (options.wait) > 0
  const asked = isWaiting ? { ...options, wait: Math.max(0, options.until - performance.now()) } : options
  const permit = await ask(client, candidates, asked, options.signal)
  if (options.signal?.aborted) {
    await finish(client, permit, { outcome: 'cancelled' }, options)
    throw options.signal.reason
  }
  if (permit.number !== null) {
    client.holding.renew(permit.number, checkedTTL(options.ttl ?? defaultTTL), options.maxAge ?? hour)
  }
  return permit
}

/**
 * Settles a permit with what the body told, whatever happens. Returns what counts as the call's end.
 *
 * @param {Client} client @param {Permit} permit @param {CallOutcome} ended how the body ended
 * @param {Pick<CallRules, 'onUnsettled'>} options
 * @returns {Promise<CallOutcome>}
 */
async function finish (client, permit, ended, options) {
  const told = permit.told ?? ended
  // A call that was never sent has used nothing, so one with usage cannot be cancelled.
  const outcome = told.outcome === 'cancelled' && (permit.used || ended.usage) ? 'abandoned' : told.outcome
  const { retryAfter, markScope } = told
  const call = { outcome, retryAfter, markScope }
  try {
    const { used } = permit
    const usage = used && ended.usage ? sum(used, ended.usage) : used ?? ended.usage
    await settle(client, permit, { outcome, retryAfter, markScope, usage }, true)
  } catch (error) {
    if (!(error instanceof FuseboxError)) throw error
    // The outcome counts even if the usage is out of range.
    if (error instanceof InvalidArgumentError) await settle(client, permit, call, true).catch(ignore)
    client.exchange.droppedReports += 1
    const { logger } = client.settings
    logger.warn?.(`[Fusebox] the call by ${route(permit.candidate)} could not be counted: ${error.message}`)
    options.onUnsettled?.({ permit, outcome: call, error })
  }
  return call
}

/** The caller is told of the first error. */
const ignore = () => {}

module.exports = { withPermit, withDeadline, hold, finish, endingOf, meaningOf }
