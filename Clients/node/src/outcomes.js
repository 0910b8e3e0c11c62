'use strict'

const { FuseboxError } = require('./errors')
const { retryTime } = require('./retry-time')

/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./usage').Usage} Usage */

/**
 * How a call went.
 *
 * @typedef {object} CallOutcome
 * @property {Outcome} outcome
 * @property {number | null} [retryAfter] how long the provider takes no calls, in milliseconds, if it said so
 * @property {Usage | null} [usage] what the call used although it failed
 */

/** The longest time that the daemon takes: 366 days. */
const longestRetry = 366 * 86_400_000

/**
 * An error that says how the call of `withPermit` went. A body throws it where the error at hand does not tell.
 */
class CallFailedError extends FuseboxError {
  /**
   * @param {Outcome} outcome
   * @param {{ retryAfter?: number | null, usage?: Usage | null, message?: string, cause?: unknown }} options
   */
  constructor (outcome, { retryAfter = null, usage = null, message, cause } = {}) {
    super('ERR_FUSEBOX_CALL_FAILED', message ?? `the call ended as ${outcome}`, { cause })
    this.outcome = outcome
    this.retryAfter = retryAfter
    this.usage = usage
  }
}

/**
 * Whether another provider may do better.
 *
 * @param {Outcome} outcome
 */
const isOfProvider = outcome => ['failure', 'throttled', 'quotaExhausted', 'unauthorized'].includes(outcome)

/** @param {Outcome} outcome */
const takesRetryAfter = outcome => isOfProvider(outcome) && outcome !== 'unauthorized'

/**
 * The outcomes of HTTP statuses. What is not listed is `success` below 400, `rejected` below 500, `failure` above.
 *
 * 401 and 403 mean that the key is not (or not any more) accepted. Like a quota they say nothing of the provider's
 * health, and like a quota they hold for all calls with this key.
 *
 * @type {Record<number, Outcome>}
 */
const outcomesOfStatuses = {
  401: 'quotaExhausted', 402: 'quotaExhausted', 403: 'quotaExhausted', 408: 'failure', 425: 'throttled',
  429: 'throttled', 499: 'abandoned',
}

/** What providers call an error whose quota does not come back by waiting a moment. */
const quotaCodes = new Set([
  'insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active', 'quota_exceeded', 'insufficient_credits',
])

/**
 * The outcome of an answer, by its status and headers.
 *
 * @param {number} status
 * @param {unknown} [headers] a `Headers`, a `Map`, or an object
 * @param {unknown} [code] what the body calls the error
 * @returns {CallOutcome}
 */
function outcomeOfStatus (status, headers, code) {
  let outcome = outcomesOfStatuses[status] ?? (status < 400 ? 'success' : status < 500 ? 'rejected' : 'failure')
  if (status === 429 && quotaCodes.has(String(code))) outcome = 'quotaExhausted'
  return { outcome, retryAfter: takesRetryAfter(outcome) ? retryAfter(headers) : null }
}

/**
 * The outcome of an error, by what the errors of SDKs and of `fetch` have in common. The first that applies counts:
 *
 * | error | outcome |
 * |---|---|
 * | a `CallFailedError` | what it says |
 * | another error of this package | `abandoned` |
 * | with `status`, `statusCode`, `response.status` or `$metadata.httpStatusCode` | that of the status and the headers |
 * | an `AbortError`, or any error after the signal was aborted | `abandoned` |
 * | any other: timeout, no connection | `failure` |
 *
 * @param {unknown} thrown
 * @param {AbortSignal} [signal]
 * @returns {CallOutcome}
 */
function outcomeOfError (thrown, signal) {
  if (thrown instanceof CallFailedError) return thrown
  if (thrown instanceof FuseboxError) return { outcome: 'abandoned' }
  const error = /** @type {any} */ (thrown)
  const status = [error?.status, error?.statusCode, error?.response?.status, error?.$metadata?.httpStatusCode]
    .find(value => Number.isInteger(value) && value >= 400 && value < 600)
  if (status !== undefined) {
    const headers = error.headers ?? error.responseHeaders ?? error.response?.headers ?? error.$response?.headers
    return outcomeOfStatus(status, headers, errorCode(error))
  }
  if (signal?.aborted || error?.name === 'AbortError' || error?.name === 'APIUserAbortError') {
    return { outcome: 'abandoned' }
  }
  return { outcome: 'failure' }
}

/**
 * What an error, or the body of an answer, calls the error.
 *
 * @param {any} value
 */
function errorCode (value) {
  const error = value?.error?.error ?? value?.error ?? value
  return error?.code ?? error?.type
}

/**
 * A header; undefined if there is none.
 *
 * @param {any} headers @param {string} name
 */
function header (headers, name) {
  if (!headers) return undefined
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  const key = Object.keys(headers).find(key => key.toLowerCase() === name)
  const value = key === undefined ? undefined : headers[key]
  return Array.isArray(value) ? value[0] : value
}

/** Headers that tell what remains of a rate limit, and those that tell when it is reset. */
const rateLimits = [
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ['anthropic-ratelimit-requests-remaining', 'anthropic-ratelimit-requests-reset'],
  ['anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset'],
  ['anthropic-ratelimit-input-tokens-remaining', 'anthropic-ratelimit-input-tokens-reset'],
  ['anthropic-ratelimit-output-tokens-remaining', 'anthropic-ratelimit-output-tokens-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
]

/**
 * How long the provider takes no calls, in milliseconds: from `retry-after-ms`, else `retry-after`, else from the rate
 * limits of which nothing remains, the longest. Null if the headers do not say.
 *
 * @param {unknown} headers
 * @returns {number | null}
 */
function retryAfter (headers) {
  const milliseconds = header(headers, 'retry-after-ms')
  if (milliseconds !== undefined && Number(milliseconds) >= 0 && String(milliseconds).trim() !== '') {
    return bounded(Math.ceil(Number(milliseconds)))
  }
  const told = header(headers, 'retry-after')
  const wait = told === undefined ? null : retryTime(told)
  if (wait !== null) return bounded(wait)
  /** @type {number | null} */
  let longest = null
  for (const [remaining, reset] of rateLimits) {
    const rest = header(headers, remaining)
    const moment = header(headers, reset)
    if (rest === undefined || moment === undefined || String(rest).trim() !== '0') continue
    const wait = retryTime(moment)
    if (wait !== null && (longest === null || wait > longest)) longest = wait
  }
  return longest === null ? null : bounded(longest)
}

/** @param {number} milliseconds */
const bounded = milliseconds => Math.min(Math.max(Math.ceil(milliseconds), 0), longestRetry)

module.exports = {
  CallFailedError, bounded, errorCode, isOfProvider, outcomeOfError, outcomeOfStatus, retryAfter, takesRetryAfter,
}
