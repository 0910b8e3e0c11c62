// What statuses, headers and errors mean.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'node:test'

const require = createRequire(import.meta.url)
const {
  outcomeOfError, outcomeOfStatus, providerAnswer, retryTime, CallFailedError, ClosedError,
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

for (const { status, headers, body, outcome, retryAfter, remaining = [] } of answers) {
  test(`an answer of ${status} ${JSON.stringify(headers)} ${JSON.stringify(body) ?? ''} is ${outcome}`, () => {
    const small = new Map(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]))
    for (const form of [headers, new Headers(headers), small]) {
      const told = providerAnswer(status, form, body, { now: wall })
      assert.deepEqual([told.outcome, told.retryAfter], [outcome, retryAfter])
      assert.deepEqual(told.remaining.map(({ limit, count, resetAfter }) => [limit, count, resetAfter]), remaining)
    }
  })
}

test('every row of the table has an example', () => {
  assert.deepEqual(new Set(answers.map(({ row }) => row)), new Set([...table.rows.map(({ name }) => name), null]))
})

test('the word of an error may be told alone', () => {
  assert.deepEqual(outcomeOfStatus(429, {}, 'insufficient_quota'), { outcome: 'quotaExhausted', retryAfter: null })
  assert.deepEqual(outcomeOfStatus(403, {}), { outcome: 'unauthorized', retryAfter: null })
})

test('errors of SDKs are read by what they have in common', () => {
  const openai = Object.assign(
    new Error('429'), { status: 429, headers: { 'retry-after': '3' }, error: { code: 'rate_limit_exceeded' } },
  )
  assert.deepEqual(outcomeOfError(openai), { outcome: 'throttled', retryAfter: 3_000 })
  const quota = Object.assign(new Error('429'), { status: 429, headers: new Headers(), code: 'insufficient_quota' })
  assert.equal(outcomeOfError(quota).outcome, 'quotaExhausted')
  const anthropic = Object.assign(
    new Error('529'), { status: 529, error: { type: 'error', error: { type: 'overloaded_error' } } },
  )
  assert.equal(outcomeOfError(anthropic).outcome, 'failure')
  const axios = Object.assign(new Error('503'), { response: { status: 503, headers: { 'Retry-After': '1' } } })
  assert.deepEqual(outcomeOfError(axios), { outcome: 'failure', retryAfter: 1_000 })
  const aws = Object.assign(new Error('ThrottlingException'), { $metadata: { httpStatusCode: 429 } })
  assert.equal(outcomeOfError(aws).outcome, 'throttled')
  const vercel = Object.assign(new Error('400'), { statusCode: 400, responseHeaders: {} })
  assert.equal(outcomeOfError(vercel).outcome, 'rejected')
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
