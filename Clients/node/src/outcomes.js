'use strict'

const { FuseboxError, InvalidArgumentError } = require('./errors')
const { Outcome } = require('./protocol/enumerations')
const { isOfProvider, providerAnswer, takesRetryAfter } = require('./provider-answer')

/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./protocol/types').MarkScope} MarkScope */
/** @typedef {import('./usage').Usage} Usage */

/**
 * How a call went.
 *
 * @typedef {object} CallOutcome
 * @property {Outcome} outcome
 * @property {number | null} [retryAfter] how long the provider takes no calls, in milliseconds, if it said so
 * @property {Usage | null} [usage] what the call used although it failed
 * @property {MarkScope | null} [markScope] how much of the call's route the outcome marks, if it marks: by default the
 *   whole route, with `unauthorized` the deployment, or the provider if the call names none. A 403, where the key may not
 *   use this model, is told as `route`
 */

/** What Node calls the error of a URL that cannot be parsed. */
const invalidURL = 'ERR_INVALID_URL'
/** The longest time that the daemon takes: 366 days. */
const longestRetry = 366 * 86_400_000

/**
 * An error that says how the call of `withPermit` went. A body throws it where the error at hand does not tell.
 */
class CallFailedError extends FuseboxError {
  /**
   * @param {Outcome} outcome
   * @param {Omit<CallOutcome, 'outcome'> & { message?: string, cause?: unknown }} options
   */
  constructor (outcome, { retryAfter = null, usage = null, markScope = null, message, cause } = {}) {
    super('ERR_FUSEBOX_CALL_FAILED', message ?? `the call ended as ${outcome}`, { cause })
    this.outcome = outcome
    this.retryAfter = retryAfter
    this.usage = usage
    this.markScope = markScope
  }
}

/**
 * The outcome of an answer, by its status, its headers and its error.
 *
 * @param {number} status
 * @param {unknown} [headers] a `Headers`, a `Map`, or an object
 * @param {unknown} [body] the body as parsed JSON, or the word by which it calls the error
 * @returns {CallOutcome}
 */
function outcomeOfStatus (status, headers, body) {
  const isWord = typeof body === 'string'
  const told = isWord ? { words: [body] } : {}
  return outcomeOf(providerAnswer(status, headers, isWord ? undefined : body, told))
}

/**
 * The outcome of an error, by what the errors of SDKs and of `fetch` have in common. The first that applies counts:
 *
 * | error | outcome |
 * |---|---|
 * | a `CallFailedError` | what it says |
 * | another error of this package | `abandoned` |
 * | with `status`, `statusCode`, `response.status` or `$metadata.httpStatusCode` | that of the status and the headers |
 * | of a URL that cannot be parsed, itself or as its cause | `rejected`: nothing was sent |
 * | an `AbortError`, or any error after the signal was aborted | `abandoned` |
 * | … by `AbortSignal.timeout` | `failure`: the provider took too long |
 * | any other, such as one in the middle of a stream | that of the words by which it is called |
 * | … that no word of the table names: timeout, no connection | `failure` |
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
  if (status === undefined) {
    if (signal?.aborted) return { outcome: isTimeout(signal) ? 'failure' : 'abandoned' }
    if (error?.name === 'AbortError' || error?.name === 'APIUserAbortError') return { outcome: 'abandoned' }
    if (error === null || typeof error !== 'object') return { outcome: 'failure' }
    if (error.code === invalidURL || error.cause?.code === invalidURL) return { outcome: 'rejected' }
  }
  const headers = error.headers ?? error.responseHeaders ?? error.response?.headers ?? error.$response?.headers
  return outcomeOf(providerAnswer(status, headers, bodyOf(error), { words: wordsOf(error) }))
}

/**
 * What an answer says of its call.
 *
 * @param {import('./provider-answer').ProviderAnswer} answer
 * @returns {CallOutcome}
 */
const outcomeOf = ({ outcome, markScope, retryAfter }) => ({ outcome, retryAfter, markScope })

/**
 * Whether an aborted signal is one of `AbortSignal.timeout`.
 *
 * @param {AbortSignal} signal
 */
const isTimeout = signal => signal.reason?.name === 'TimeoutError'

/**
 * The body of the answer that an error has. Some SDKs take the error out of it.
 *
 * @param {any} error
 */
function bodyOf (error) {
  const body = error.error ?? error.data ?? error.response?.data
  const isWhole = Array.isArray(body) || body?.error !== undefined
  return isWhole || body === undefined ? body : { error: body }
}

/**
 * What the members of an error call it.
 *
 * @param {any} error
 */
const wordsOf = error => [error.code, error.type, error.status, error.name]

/** @param {number} milliseconds */
const bounded = milliseconds => Math.min(Math.max(Math.ceil(milliseconds), 0), longestRetry)

/**
 * @param {unknown} outcome
 * @throws {InvalidArgumentError} if it is none
 */
function checkOutcome (outcome) {
  if (typeof outcome === 'string' && Object.hasOwn(Outcome.values, outcome)) return
  throw new InvalidArgumentError(`outcome: ${outcome} is none of ${Object.keys(Outcome.values).join(', ')}`)
}

module.exports = {
  CallFailedError, bounded, checkOutcome, isOfProvider, isTimeout, outcomeOfError, outcomeOfStatus, takesRetryAfter,
}
