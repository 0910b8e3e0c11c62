// The library's own tests of its three stateful files, by their names and in their order, against the drop-in and a
// daemon under the profile `llm-providers`. What differs from the originals is said beside it.

import assert from 'node:assert/strict'
import test from 'node:test'
import { until } from './support/daemon.mjs'
import { draw, fail, library, like, start, succeed } from './support/library.mjs'

const { CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry } = library

const hour = 3_600_000
const noon = Date.parse('2026-03-31T12:00:00Z')
const near = (actual, expected, tolerance = 0.05) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not near ${expected}`)

/** A test of the library, which has a daemon for itself. */
const its = (name, body) => test(name, async t => {
  const told = await start(t)
  await body(t, told)
})

// src/__tests__/circuit-breaker.test.ts: 6 tests

its('degrades with failures, opens at the threshold, and recovers one step per success', async t => {
  draw(t, 0)
  // The original moves the clock by a minute. A daemon has a clock of its own, so the timeout is short.
  const breaker = new CircuitBreaker(
    'openai', { failureThreshold: 3, resetTimeout: 1_000, degradationCurve: [1, 0.6, 0.2] },
  )
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  like(breaker.getState(), {
    state: 'DEGRADED', failures: 2, consecutiveFailures: 2, primaryTrafficPct: 0.2, totalFailures: 2, totalRequests: 2,
  })
  await assert.rejects(breaker.execute(fail), /boom/)
  like(breaker.getState(), { state: 'OPEN', failures: 3, consecutiveFailures: 3, primaryTrafficPct: 0 })
  await assert.rejects(breaker.execute(async () => 'nope'), CircuitBreakerOpenError)
  await until(() => breaker.getState().failures === 2)
  assert.equal(await breaker.execute(succeed), 'ok')
  like(breaker.getState(), {
    state: 'RECOVERING', failures: 1, consecutiveFailures: 1, primaryTrafficPct: 0.6, totalSuccesses: 1,
    totalRequests: 4,
  })
  assert.equal(await breaker.execute(succeed), 'ok')
  assert.equal(breaker.getState().state, 'CLOSED')
})

its('rejects primary traffic probabilistically while degraded', async t => {
  draw(t, 0)
  const breaker = new CircuitBreaker('openai')
  await assert.rejects(breaker.execute(fail), /boom/)
  draw(t, 0.95)
  const primary = t.mock.fn(succeed)
  await assert.rejects(breaker.execute(primary), CircuitBreakerOpenError)
  assert.equal(primary.mock.callCount(), 0)
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalFailures: 1, totalRequests: 1 })
})

its('execWithFallback uses fallback on primary failure and on degraded routing', async t => {
  draw(t, 0)
  const breaker = new CircuitBreaker('openai')
  const fallback = t.mock.fn(async () => 'fallback')
  const primaryFailure = t.mock.fn(fail)
  assert.equal(await breaker.execWithFallback(primaryFailure, fallback), 'fallback')
  assert.deepEqual([primaryFailure.mock.callCount(), fallback.mock.callCount()], [1, 1])
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalFailures: 1, totalRequests: 1 })
  draw(t, 0.95)
  const primarySuccess = t.mock.fn(succeed)
  assert.equal(await breaker.execWithFallback(primarySuccess, fallback), 'fallback')
  assert.deepEqual([primarySuccess.mock.callCount(), fallback.mock.callCount()], [0, 2])
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalFailures: 1, totalRequests: 1 })
})

its('decays failures after idle intervals without double-counting repeated reads', async t => {
  draw(t, 0)
  // The original moves the clock.
  const breaker = new CircuitBreaker('openai', { resetTimeout: 700 })
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  assert.equal(breaker.getState().failures, 2)
  await until(() => breaker.getState().failures === 1)
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, primaryTrafficPct: 0.9 })
  assert.equal(breaker.getState().failures, 1)
  await until(() => breaker.getState().failures === 0)
  like(breaker.getState(), { state: 'CLOSED', failures: 0, primaryTrafficPct: 1 })
})

its('serializes and restores breaker state for external persistence', async t => {
  draw(t, 0)
  const config = { failureThreshold: 3, resetTimeout: 60_000, degradationCurve: [1, 0.5, 0.1] }
  const breaker = new CircuitBreaker('openai', config)
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  const serialized = breaker.serialize()
  const restored = CircuitBreaker.deserialize(serialized)
  assert.equal(restored.name, 'openai')
  like(restored.getConfig(), config)
  like(restored.getState(), {
    state: 'DEGRADED', consecutiveFailures: 2, totalFailures: 2, totalRequests: 2, primaryTrafficPct: 0.1,
  })
  const target = new CircuitBreaker('openai')
  target.restore(serialized)
  like(target.getConfig(), config)
  like(target.getState(), { consecutiveFailures: 2, totalFailures: 2, totalRequests: 2 })
})

its('serializes and restores all breakers through the manager', async t => {
  draw(t, 0)
  const manager = new CircuitBreakerManager({ failureThreshold: 3, degradationCurve: [1, 0.5, 0.1] })
  await assert.rejects(manager.execute('openai', fail), /boom/)
  await assert.rejects(manager.execute('groq', fail), /boom/)
  await assert.rejects(manager.execute('groq', fail), /boom/)
  const serialized = manager.serialize()
  const restored = CircuitBreakerManager.deserialize(serialized)
  like(restored.getAllStates().openai, {
    state: 'DEGRADED', consecutiveFailures: 1, totalRequests: 1, primaryTrafficPct: 0.5,
  })
  like(restored.getAllStates().groq, {
    state: 'DEGRADED', consecutiveFailures: 2, totalRequests: 2, primaryTrafficPct: 0.1,
  })
  const target = new CircuitBreakerManager()
  target.restore(serialized)
  like(target.getAllStates().groq, { consecutiveFailures: 2, totalFailures: 2 })
})

// src/__tests__/credit-ledger.test.ts: 16 tests

/** What reads the clock here sees this moment. The daemon has a clock of its own. */
const at = (t, moment) => t.mock.method(Date, 'now', () => moment)

const makeLedger = (monthlyBudget = 20) => new CreditLedger({ budgets: [{ provider: 'anthropic', monthlyBudget }] })
const spend = (ledger, cost) => ledger.record('anthropic', 'claude-sonnet', cost, 1_000, 500)

function spendHourly (t, ledger, begin, count) {
  for (let index = 0; index < count; index += 1) {
    at(t, begin + index * hour)
    spend(ledger, 1)
  }
}

its('returns zero burn rate with no spend history', async () => {
  like(makeLedger().getBurnRate('anthropic'), { costPerHour: 0, costPerDay: 0, sampleCount: 0 })
})

its('calculates burn rate from spend entries', async t => {
  const ledger = makeLedger()
  spendHourly(t, ledger, noon - 12 * hour, 24)
  at(t, noon + 12 * hour - 1_000)
  const rate = ledger.getBurnRate('anthropic')
  near(rate.costPerHour, 1)
  near(rate.costPerDay, 24)
  assert.equal(rate.sampleCount, 24)
})

its('respects custom window size', async t => {
  const ledger = makeLedger()
  at(t, noon - 6 * hour)
  spend(ledger, 10)
  at(t, noon)
  spend(ledger, 2)
  const recent = ledger.getBurnRate('anthropic', hour)
  assert.equal(recent.sampleCount, 1)
  near(recent.costPerHour, 2)
  assert.equal(ledger.getBurnRate('anthropic', 24 * hour).sampleCount, 2)
})

its('only includes entries for the requested provider', async () => {
  const ledger = new CreditLedger({
    budgets: [{ provider: 'anthropic', monthlyBudget: 20 }, { provider: 'groq', monthlyBudget: 5 }],
  })
  spend(ledger, 5)
  ledger.record('groq', 'llama-70b', 0.01, 500, 200)
  assert.equal(ledger.getBurnRate('anthropic').sampleCount, 1)
})

its('returns null for providers with no budget', async () => {
  const ledger = new CreditLedger()
  spend(ledger, 1)
  assert.equal(ledger.getDepletionEstimate('anthropic'), null)
})

its('returns null days remaining when burn rate is zero', async () => {
  like(makeLedger().getDepletionEstimate('anthropic'), {
    daysRemaining: null, projectedDepletionDate: null, remainingBudget: 20,
  })
})

its('projects depletion date from burn rate', async t => {
  const ledger = makeLedger()
  spendHourly(t, ledger, noon - 12 * hour, 10)
  at(t, noon - 2 * hour)
  const estimate = ledger.getDepletionEstimate('anthropic', 10 * hour)
  near(estimate.remainingBudget, 10)
  near(estimate.burnRate.costPerHour, 1)
  near(estimate.daysRemaining, 10 / 24)
  assert.ok(estimate.projectedDepletionDate instanceof Date)
})

its('returns zero days remaining when budget is exhausted', async () => {
  const ledger = makeLedger(5)
  spend(ledger, 5)
  like(ledger.getDepletionEstimate('anthropic'), { daysRemaining: 0, remainingBudget: 0 })
})

/** The original's listeners are called within `record`. These are called when the daemon has answered. */
async function depletions (budget, count) {
  const events = []
  const ledger = makeLedger(budget)
  ledger.on(event => events.push(event))
  for (let index = 0; index < count; index += 1) spend(ledger, 1)
  await library.flush()
  return events.filter(({ type }) => type === 'depletion_projected')
}

its('fires depletion_emergency when projected depletion < 1 day', async () => {
  // The original spreads the records over 9 hours.
  const events = await depletions(10, 9)
  assert.ok(events.length > 0)
  assert.equal(events.at(-1).tier, 'depletion_emergency')
  assert.ok(events.at(-1).daysRemaining <= 1)
})

its('fires only on tier escalation, not every record', async () => {
  const events = await depletions(100, 90)
  const tiers = events.map(({ tier }) => tier)
  assert.deepEqual(tiers, ['depletion_warning', 'depletion_critical', 'depletion_emergency'])
})

its('returns windowed spend summary', async t => {
  const ledger = makeLedger()
  at(t, noon - 2 * hour)
  spend(ledger, 3)
  at(t, noon - hour)
  spend(ledger, 2)
  at(t, noon)
  like(ledger.getSpendSummary('anthropic', 24 * hour), { spend: 5, requestCount: 2, provider: 'anthropic' })
})

its('returns breakdown for all providers', async () => {
  const ledger = new CreditLedger({
    budgets: [{ provider: 'anthropic', monthlyBudget: 20 }, { provider: 'groq', monthlyBudget: 5 }],
  })
  spend(ledger, 5)
  ledger.record('groq', 'llama-70b', 0.5, 500, 200)
  const breakdown = ledger.getSpendBreakdown(24 * hour)
  assert.deepEqual(breakdown.map(({ provider, spend }) => [provider, spend]), [['anthropic', 5], ['groq', 0.5]])
})

its('caps at configured size', async () => {
  const ledger = new CreditLedger({ budgets: [{ provider: 'anthropic', monthlyBudget: 100 }], ringBufferSize: 5 })
  for (let index = 0; index < 10; index += 1) spend(ledger, 1)
  assert.equal(ledger.snapshot().spendHistory.length, 5)
})

its('survives snapshot/restore round-trip', async () => {
  const ledger = makeLedger()
  spend(ledger, 3)
  spend(ledger, 2)
  const snapshot = ledger.snapshot()
  assert.equal(snapshot.spendHistory.length, 2)
  const restored = makeLedger()
  restored.restore(snapshot)
  assert.equal(restored.getBurnRate('anthropic').sampleCount, 2)
})

its('restores cleanly from snapshots without spendHistory (backward compat)', async () => {
  const { spendHistory, ...snapshot } = makeLedger().snapshot()
  const restored = makeLedger()
  restored.restore(snapshot)
  assert.equal(restored.getBurnRate('anthropic').sampleCount, 0)
})

its('clears spend history and depletion tiers', async () => {
  const ledger = makeLedger()
  spend(ledger, 5)
  assert.equal(ledger.getBurnRate('anthropic').sampleCount, 1)
  ledger.resetPeriod()
  assert.equal(ledger.getBurnRate('anthropic').sampleCount, 0)
})

// src/__tests__/observability.test.ts, ExhaustionRegistry: 9 tests

its('marks and checks provider exhaustion', async () => {
  const registry = new ExhaustionRegistry()
  assert.equal(registry.isExhausted('groq'), false)
  registry.markExhausted('groq')
  assert.equal(registry.isExhausted('groq'), true)
})

its('clears exhaustion manually', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq')
  registry.clearExhaustion('groq')
  assert.equal(registry.isExhausted('groq'), false)
})

its('auto-clears after resetAfterMs', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq', 0)
  assert.equal(registry.isExhausted('groq'), false)
})

its('returns exhausted providers list', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq')
  registry.markExhausted('cerebras')
  assert.deepEqual(registry.getExhaustedProviders().sort(), ['cerebras', 'groq'])
})

its('getExhaustedProviders prunes expired entries', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq', 0)
  assert.deepEqual(registry.getExhaustedProviders(), [])
})

its('getEntry returns entry data', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq', 60_000)
  const entry = registry.getEntry('groq')
  assert.equal(entry.provider, 'groq')
  assert.ok(entry.resetAt > entry.exhaustedAt)
})

its('getEntry returns undefined for non-exhausted provider', async () => {
  assert.equal(new ExhaustionRegistry().getEntry('groq'), undefined)
})

its('serializes and restores exhaustion state', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq', 60_000)
  registry.markExhausted('cerebras', 120_000)
  const restored = ExhaustionRegistry.deserialize(registry.serialize())
  assert.deepEqual(restored.getExhaustedProviders().sort(), ['cerebras', 'groq'])
  assert.equal(restored.getEntry('groq').provider, 'groq')
  const target = new ExhaustionRegistry(1)
  target.restore(registry.snapshot())
  assert.equal(target.defaultResetMs, registry.defaultResetMs)
  assert.deepEqual(target.getExhaustedProviders().sort(), ['cerebras', 'groq'])
})

its('reset clears all entries', async () => {
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq')
  registry.markExhausted('cerebras')
  registry.reset()
  assert.deepEqual(registry.getExhaustedProviders(), [])
})
