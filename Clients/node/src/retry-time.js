'use strict'

/** From this number on, seconds are since 1970. As a duration they would be thirty years. */
const firstEpochSecond = 1e9
/** From this number on, the number is milliseconds since 1970. */
const firstEpochMillisecond = 1e11
const endOfEpochs = 1e14

/** @type {Record<string, number>} */
const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const duration = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d)\s*)+$/
const durationPart = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g
const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/
const httpDate = /^[A-Za-z]+, \d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4} \d\d:\d\d:\d\d GMT$/
/** The oldest form, which has no zone. */
const oldestHTTPDate = /^[A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/**
 * How long a provider takes no calls, in milliseconds, from a header or from the body of an error. Null if the text is
 * none of these forms:
 *
 * | text | read as |
 * |---|---|
 * | `30`, `1.8` | seconds |
 * | `34.07s`, `6m0s`, `1500ms` | a duration |
 * | `1764096832`, `1764096832000` | seconds or milliseconds since 1970: that moment |
 * | `Wed, 25 Nov 2026 18:53:52 GMT` and the two older forms of HTTP | that moment |
 * | `2026-11-25T18:53:52Z` | that moment |
 *
 * A negative duration and a moment in the past are 0. The result is never too early: a moment in whole seconds may have
 * lost its fraction, so the time until then is rounded up to whole seconds.
 *
 * @param {string | number} text
 * @param {number} [now] the wall clock's time
 * @returns {number | null}
 */
function retryTime (text, now = Date.now()) {
  const told = String(text).trim()
  if (number.test(told)) return ofNumber(Number(told), now)
  const magnitude = told.replace(/^-/, '')
  if (duration.test(magnitude)) {
    if (magnitude !== told) return 0
    let milliseconds = 0
    for (const [, amount, unit] of told.matchAll(durationPart)) milliseconds += Number(amount) * units[unit]
    return Math.ceil(Number(milliseconds.toFixed(6)))
  }
  const parts = rfc3339.exec(told)
  if (parts) return until(Date.parse(told.replace(' ', 'T')), parts[1] === undefined, now)
  if (httpDate.test(told)) return until(Date.parse(told), true, now)
  if (oldestHTTPDate.test(told)) return until(Date.parse(`${told} GMT`), true, now)
  return null
}

/** @param {number} seconds @param {number} now */
function ofNumber (seconds, now) {
  if (seconds < 0) return 0
  if (seconds >= endOfEpochs) return null
  if (seconds >= firstEpochMillisecond) return until(Math.ceil(seconds), false, now)
  const milliseconds = Math.ceil(Number((seconds * 1_000).toFixed(6)))
  return seconds >= firstEpochSecond ? until(milliseconds, Number.isInteger(seconds), now) : milliseconds
}

/** @param {number} moment @param {boolean} isCut whether its fraction of a second may be lost @param {number} now */
function until (moment, isCut, now) {
  if (Number.isNaN(moment)) return null
  const wait = Math.max(0, moment - now)
  return isCut ? Math.ceil(wait / 1_000) * 1_000 : wait
}

module.exports = { retryTime }
