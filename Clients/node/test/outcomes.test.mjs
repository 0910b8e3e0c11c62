// What statuses, headers and errors mean.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'node:test'

const require = createRequire(import.meta.url)
const {
  outcomeOfError, outcomeOfStatus, providerAnswer, retryTime, AdmissionDeniedError, CallFailedError, ClosedError,
} = require('../src/index.js')
const table = require('../src/protocol/answer-table.js')

const now = Date.UTC(2026, 10, 25, 18, 53, 22)

const times = [
  ['30', 30_000], ['1.8', 1_800], ['0', 0], ['-3', 0], ['34.07s', 34_070], ['6m0s', 360_000], ['1h30m', 5_400_000],
  ['1500ms', 1_500], ['-5s', 0], [' 7 ', 7_000], [String(now / 1_000 + 30), 30_000], [String(now + 250), 250],
  ['Wed, 25 Nov 2026 18:53:52 GMT', 30_000], ['Wednesday, 25-Nov-26 18:53:52 GMT', 30_000],
  ['Wed Nov 25 18:53:52 2026', 30_000], ['Wed, 25 Nov 2026 18:53:02 GMT', 0], ['2026-11-25T18:53:52Z', 30_000],
  ['2026-11-25T19:53:52.5+01:00', 30_500], ['0.0001', 1], ['soon', null], ['', null], ['1e3', null], ['6x', null],
]

for (const [text, expected] of times) {
  test(`a retry time of '${text}' is ${expected} ms`, () => assert.equal(retryTime(text, now), expected))
}

test('a moment in whole seconds is never too early', () => {
  assert.equal(retryTime('2026-11-25T18:53:52Z', now + 1), 30_000)
  assert.equal(retryTime('2026-11-25T18:53:52.000Z', now + 1), 29_999)
})

// The tests of every client read these.
const { answers, now: wall } = JSON.parse(readFileSync(new URL('../../../proto-docs/answers.json', import.meta.url), 'utf8'))

for (const { status, headers, body, outcome, markScope = null, retryAfter, remaining = [] } of answers) {
  test(`an answer of ${status} ${JSON.stringify(headers)} ${JSON.stringify(body) ?? ''} is ${outcome}`, () => {
    const small = new Map(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]))
    for (const form of [headers, new Headers(headers), small]) {
      const told = providerAnswer(status, form, body, { now: wall })
      assert.deepEqual([told.outcome, told.markScope, told.retryAfter], [outcome, markScope, retryAfter])
      assert.deepEqual(told.remaining.map(({ limit, count, resetAfter }) => [limit, count, resetAfter]), remaining)
    }
  })
}

test('every row of the table has an example', () => {
  assert.deepEqual(new Set(answers.map(({ row }) => row)), new Set([...table.rows.map(({ name }) => name), null]))
})

/** A body with a value at a place. */
const at = (place, value) => place.split('.').reduceRight((inner, name) => ({ [name]: inner }), value)
const meaning = ({ outcome, markScope }) => ({ outcome, markScope })

for (const { name, outcome, markScope, statuses, words, places } of table.rows) {
  // What a row says besides its words holds too.
  const status = statuses[0]?.[0]
  if (words.length > 0) {
    test(`every word of '${name}' decides by it at every place`, () => {
      for (const word of words) {
        for (const place of table.wordPlaces) {
          const told = providerAnswer(status, {}, at(place, word))
          assert.deepEqual(meaning(told), { outcome, markScope }, `${word} at ${place}`)
        }
        const headers = { [table.wordHeader]: `com.amazon#${word.toUpperCase()}:http://amazon.com/` }
        assert.deepEqual(meaning(providerAnswer(status ?? 418, headers)), { outcome, markScope }, word)
      }
    })
  }
  for (const place of places) {
    test(`${place} decides by '${name}'`, () => {
      assert.deepEqual(meaning(providerAnswer(status, {}, at(place, 'x'))), { outcome, markScope })
    })
  }
}

test('every status is decided by the first row that has it', () => {
  const rows = table.rows.filter(({ words, places }) => words.length === 0 && places.length === 0)
  for (const row of rows) row.decided = 0
  for (let status = 100; status < 600; status += 1) {
    const row = rows.find(({ statuses }) => statuses.some(([lowest, highest]) => lowest <= status && status <= highest))
    row.decided += 1
    assert.deepEqual(meaning(providerAnswer(status)), meaning(row), `${status}`)
  }
  for (const { name, decided } of rows) assert.ok(decided > 0, `${name} decides nothing`)
})

test('a time is read at every place', () => {
  for (const { name, unit } of table.retryHeaders) {
    const text = unit === 'milliseconds' ? '7000' : '7'
    assert.equal(providerAnswer(429, { [name]: text }).retryAfter, 7_000, name)
  }
  for (const place of table.retryPlaces) {
    assert.equal(providerAnswer(429, {}, at(place, '7s')).retryAfter, 7_000, place)
  }
  for (const { name, remaining, reset } of table.limits) {
    const told = providerAnswer(200, { [remaining]: '0', [reset]: '7s' })
    assert.deepEqual([told.retryAfter, told.remaining.map(({ limit }) => limit)], [7_000, [name]])
  }
})

test('an error is told at every place', () => {
  for (const place of table.errorPlaces) {
    assert.equal(providerAnswer(200, {}, at(place, { message: 'no' })).outcome, 'failure', place)
  }
})

test('the word of an error may be told alone', () => {
  assert.deepEqual(
    outcomeOfStatus(429, {}, 'insufficient_quota'), { outcome: 'quotaExhausted', retryAfter: null, markScope: null },
  )
})

test('a 401 is about the key, and a 403 about the model that it may not use', () => {
  assert.deepEqual(outcomeOfStatus(401, {}), { outcome: 'unauthorized', retryAfter: null, markScope: null })
  assert.deepEqual(outcomeOfStatus(403, {}), { outcome: 'unauthorized', retryAfter: null, markScope: 'route' })
  const refused = Object.assign(new Error('403'), { status: 403 })
  assert.deepEqual(outcomeOfError(refused), { outcome: 'unauthorized', retryAfter: null, markScope: 'route' })
})

test('errors of SDKs are read by what they have in common', () => {
  const openai = Object.assign(
    new Error('429'), { status: 429, headers: { 'retry-after': '3' }, error: { code: 'rate_limit_exceeded' } },
  )
  assert.deepEqual(outcomeOfError(openai), { outcome: 'throttled', retryAfter: 3_000, markScope: null })
  const quota = Object.assign(new Error('429'), { status: 429, headers: new Headers(), code: 'insufficient_quota' })
  assert.equal(outcomeOfError(quota).outcome, 'quotaExhausted')
  const anthropic = Object.assign(
    new Error('529'), { status: 529, error: { type: 'error', error: { type: 'overloaded_error' } } },
  )
  assert.equal(outcomeOfError(anthropic).outcome, 'failure')
  const axios = Object.assign(new Error('503'), { response: { status: 503, headers: { 'Retry-After': '1' } } })
  assert.deepEqual(outcomeOfError(axios), { outcome: 'failure', retryAfter: 1_000, markScope: null })
  const aws = Object.assign(new Error('ThrottlingException'), { $metadata: { httpStatusCode: 429 } })
  assert.equal(outcomeOfError(aws).outcome, 'throttled')
  const vercel = Object.assign(new Error('400'), { statusCode: 400, responseHeaders: {} })
  assert.equal(outcomeOfError(vercel).outcome, 'rejected')
})

test('a denial tells for whom the queue is full', () => {
  const denied = new AdmissionDeniedError([], 0, 'user')
  assert.match(denied.message, /the queue is full for user/)
  assert.equal(JSON.parse(JSON.stringify(denied)).fullQueue, 'user')
  assert.equal(new AdmissionDeniedError([], 0).fullQueue, null)
})

test('errors without a status', () => {
  assert.equal(outcomeOfError(new TypeError('fetch failed')).outcome, 'failure')
  assert.equal(outcomeOfError(new DOMException('late', 'TimeoutError')).outcome, 'failure')
  assert.equal(outcomeOfError(new DOMException('gone', 'AbortError')).outcome, 'abandoned')
  assert.equal(outcomeOfError(new ClosedError()).outcome, 'abandoned')
  assert.equal(outcomeOfError('a string').outcome, 'failure')
  const overloaded = new Error('in the middle of a stream')
  assert.equal(
    outcomeOfError(Object.assign(overloaded, { error: { error: { type: 'rate_limit_error' } } })).outcome, 'throttled',
  )
  assert.equal(outcomeOfError(undefined).outcome, 'failure')
  const controller = new AbortController()
  controller.abort()
  assert.equal(outcomeOfError(new Error('whatever'), controller.signal).outcome, 'abandoned')
  const told = new CallFailedError('throttled', { retryAfter: 5, usage: { inputTokens: 3 } })
  assert.equal(outcomeOfError(told).retryAfter, 5)
  assert.equal(outcomeOfError(told).usage.inputTokens, 3)
})
