'use strict'

const { retryTime } = require('./retry-time')
const table = require('./protocol/answer-table')

/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./protocol/types').MarkScope} MarkScope */

/**
 * What remains of a rate limit.
 *
 * @typedef {object} Remaining
 * @property {string} limit what the limit counts
 * @property {number} count how much is left
 * @property {number | null} resetAfter the time until it is reset, in milliseconds; null: it was not told
 */

/**
 * What an answer of a provider tells.
 *
 * @typedef {object} ProviderAnswer
 * @property {Outcome} outcome how the call went
 * @property {MarkScope | null} markScope how much of the call's route the outcome marks, if it marks; null: as the
 *   outcome does by itself
 * @property {number | null} retryAfter how long the provider takes no calls, in milliseconds; null: it did not say. With
 *   `success` the next call would be denied
 * @property {Remaining[]} remaining what remains of the rate limits that the headers tell
 */

const number = /^\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)\s*$/

/**
 * What an answer of a provider tells of its call, by the table that all clients share; see `proto-docs/outcomes.md`.
 *
 * @param {number | null | undefined} status the status; null: there is none, as in the middle of a stream
 * @param {unknown} [headers] a `Headers`, a `Map` with names in small letters, or an object
 * @param {unknown} [body] the body as parsed JSON, if it tells an error
 * @param {{ words?: unknown[], now?: number }} options what an exception calls the error; the wall clock's time
 * @returns {ProviderAnswer}
 */
function providerAnswer (status, headers, body, { words = [], now = Date.now() } = {}) {
  // Gemini answers a stream that is not one of events with a list.
  const document = Array.isArray(body) ? body[0] : body
  const error = toldError(status ?? null, headers, document, words)
  const row = table.rows.find(row => applies(row, error, document))
  const outcome = /** @type {Outcome} */ (row?.outcome ?? 'failure')
  const remaining = table.limits.flatMap(limit => remainingOf(limit, headers, now) ?? [])
  let wait = isOfProvider(outcome) && takesRetryAfter(outcome) ? toldTime(headers, document, now) : null
  if (wait === null && table.limitedOutcomes.includes(outcome)) {
    const resets = remaining.flatMap(({ count, resetAfter }) => count === 0 && resetAfter !== null ? resetAfter : [])
    if (resets.length > 0) wait = Math.min(Math.max(...resets), table.longestReset)
  }
  const markScope = /** @type {MarkScope | null} */ (row?.markScope ?? null)
  return { outcome, markScope, retryAfter: wait, remaining }
}

/**
 * Whether another provider may do better.
 *
 * @param {Outcome} outcome
 */
const isOfProvider = outcome => table.outcomes[outcome].isOfProvider

/** @param {Outcome} outcome */
const takesRetryAfter = outcome => table.outcomes[outcome].takesRetryAfter

/**
 * Whether something other than null and false stands where errors are told.
 *
 * @param {unknown} document
 */
const tellsError = document =>
  table.errorPlaces.some(place => valuesAt(document, place).some(value => value !== false))

/**
 * The values at a place, given as names separated by points. A list stands for each of its elements.
 *
 * @param {unknown} document @param {string} place @returns {any[]}
 */
function valuesAt (document, place) {
  let found = [document]
  for (const name of place.split('.')) {
    found = found.flat().flatMap(value =>
      value !== null && typeof value === 'object' && Object.hasOwn(value, name)
        ? [/** @type {any} */ (value)[name]]
        : [])
  }
  return found.filter(value => value !== null && value !== undefined)
}

/**
 * The status that counts, and the words by which the error is called.
 *
 * @param {number | null} status @param {unknown} headers @param {unknown} document @param {unknown[]} words
 */
function toldError (status, headers, document, words) {
  const named = new Set(words.filter(word => typeof word === 'string').map(word => plainWord(String(word))))
  if (status !== null && status < 400) {
    if (!tellsError(document) && named.size === 0) return { status, words: named }
    status = null
  }
  const told = header(headers, table.wordHeader)
  if (told !== undefined) named.add(plainWord(String(told).split(':')[0]))
  const values = table.wordPlaces.flatMap(place => valuesAt(document, place))
  for (const value of values) if (typeof value === 'string') named.add(plainWord(value))
  status ??= values.map(Number).find(value => Number.isInteger(value) && value >= 400 && value < 600) ?? null
  return { status, words: named }
}

/**
 * A word in small letters, without the name space that AWS puts before it.
 *
 * @param {string} text
 */
const plainWord = text => text.slice(text.lastIndexOf('#') + 1).trim().toLowerCase()

/**
 * @param {typeof table.rows[number]} row @param {{ status: number | null, words: Set<string> }} error
 * @param {unknown} document
 */
function applies (row, { status, words }, document) {
  if (row.statuses.length > 0) {
    if (status === null || !row.statuses.some(([low, high]) => status >= low && status <= high)) return false
  }
  if (row.words.length > 0 && !row.words.some(word => words.has(word))) return false
  return row.places.length === 0 || row.places.some(place => valuesAt(document, place).length > 0)
}

/** @param {unknown} headers @param {unknown} document @param {number} now @returns {number | null} */
function toldTime (headers, document, now) {
  for (const { name, unit } of table.retryHeaders) {
    const text = header(headers, name)
    if (text === undefined) continue
    const wait = unit === 'milliseconds' ? ofMilliseconds(String(text)) : retryTime(text, now)
    if (wait !== null) return wait
  }
  for (const value of table.retryPlaces.flatMap(place => valuesAt(document, place))) {
    const wait = typeof value === 'string' ? retryTime(value, now) : null
    if (wait !== null) return wait
  }
  return null
}

/** @param {string} text */
function ofMilliseconds (text) {
  const parts = number.exec(text)
  return parts && (parts[1] === '-' ? 0 : Math.ceil(Number(parts[2])))
}

/**
 * What remains of a limit; null if the headers do not tell it.
 *
 * @param {typeof table.limits[number]} limit @param {unknown} headers @param {number} now @returns {Remaining | null}
 */
function remainingOf (limit, headers, now) {
  const parts = number.exec(String(header(headers, limit.remaining) ?? ''))
  if (!parts) return null
  const reset = header(headers, limit.reset)
  const count = parts[1] === '-' ? 0 : Math.floor(Number(parts[2]))
  return { limit: limit.name, count, resetAfter: reset === undefined ? null : retryTime(reset, now) }
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

module.exports = { isOfProvider, providerAnswer, takesRetryAfter, tellsError }
