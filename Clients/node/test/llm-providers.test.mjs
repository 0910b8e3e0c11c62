// The behaviours of the library's three stateful parts, with a daemon under the profile `llm-providers` behind them.

import assert from 'node:assert/strict'
import test from 'node:test'
import { until } from './support/daemon.mjs'
import { draw, fail, library, like, start, succeed } from './support/library.mjs'

const {
  CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry, flush,
} = library

test('breaker: failures degrade it, the threshold opens it, each success recovers one step', async t => {
  await start(t)
  draw(t, 0)
  const breaker = new CircuitBreaker(
    'openai', { failureThreshold: 3, resetTimeout: 1_000, degradationCurve: [1, 0.6, 0.2] },
  )
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  like(breaker.getState(), {
    state: 'DEGRADED', failures: 2, consecutiveFailures: 2, primaryTrafficPct: 0.2, totalFailures: 2, totalRequests: 2,
  })
  await assert.rejects(breaker.execute(fail), /boom/)
  like(breaker.getState(), { state: 'OPEN', failures: 3, primaryTrafficPct: 0 })
  await assert.rejects(breaker.execute(async () => assert.fail('it is open')), error => {
    assert.ok(error instanceof CircuitBreakerOpenError)
    like(
      error,
      { code: 'CIRCUIT_BREAKER_OPEN', provider: 'openai', retryAfterSec: 1, consecutiveFailures: 3, retryable: true },
    )
    return true
  })
  await until(() => breaker.getState().failures === 2)
  assert.equal(await breaker.execute(succeed), 'ok')
  like(
    breaker.getState(),
    { state: 'RECOVERING', failures: 1, primaryTrafficPct: 0.6, totalSuccesses: 1, totalRequests: 4 },
  )
  assert.equal(await breaker.execute(succeed), 'ok')
  assert.equal(breaker.getState().state, 'CLOSED')
  assert.ok(breaker.isClosed())
})

test('breaker: a degraded one rejects by the draw', async t => {
  await start(t)
  draw(t, 0)
  const breaker = new CircuitBreaker('openai')
  await assert.rejects(breaker.execute(fail), /boom/)
  draw(t, 0.95)
  await assert.rejects(breaker.execute(async () => assert.fail('it was drawn')), CircuitBreakerOpenError)
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalFailures: 1, totalRequests: 1 })
})

test('breaker: the fallback takes over when the primary fails and when it is not drawn', async t => {
  await start(t)
  draw(t, 0)
  const breaker = new CircuitBreaker('openai')
  let fallbacks = 0
  const fallback = async () => { fallbacks += 1; return 'fallback' }
  assert.equal(await breaker.execWithFallback(fail, fallback), 'fallback')
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalRequests: 1 })
  draw(t, 0.95)
  assert.equal(await breaker.execWithFallback(async () => assert.fail('it was not drawn'), fallback), 'fallback')
  assert.equal(fallbacks, 2)
  like(breaker.getState(), { state: 'DEGRADED', failures: 1, totalFailures: 1, totalRequests: 1 })
})

test('breaker: failures decay after idle intervals, however often it is read', async t => {
  await start(t)
  draw(t, 0)
  const breaker = new CircuitBreaker('openai', { resetTimeout: 700 })
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  assert.equal(breaker.getState().failures, 2)
  const due = breaker.getState().nextAttempt
  await until(() => breaker.getState().failures === 1)
  assert.ok(Date.now() >= due)
  like(breaker.getState(), { state: 'DEGRADED', primaryTrafficPct: 0.9 })
  await until(() => breaker.getState().failures === 0)
  assert.ok(Date.now() >= due + 700)
  like(breaker.getState(), { state: 'CLOSED', primaryTrafficPct: 1 })
})

test('breaker: what one worker learns, another one sees', async t => {
  const { other } = await start(t)
  const breaker = new CircuitBreaker('openai', { failureThreshold: 3 })
  await breaker.execute(succeed)
  for (let count = 0; count < 3; count += 1) await other.call('breaker.failure', { name: 'openai' })
  await until(() => breaker.isOpen())
  assert.equal(breaker.getHealth().healthy, false)
  await assert.rejects(breaker.exec(succeed), CircuitBreakerOpenError)
})

test('breaker: serialized and restored, in the library\'s JSON', async t => {
  const { other } = await start(t)
  draw(t, 0)
  const breaker = new CircuitBreaker(
    'openai', { failureThreshold: 3, resetTimeout: 60_000, degradationCurve: [1, 0.5, 0.1] },
  )
  await assert.rejects(breaker.execute(fail), /boom/)
  await assert.rejects(breaker.execute(fail), /boom/)
  await flush()
  const text = breaker.serialize()
  const snapshot = JSON.parse(text)
  like(snapshot, { version: 1, name: 'openai' })
  like(snapshot.state, { consecutiveFailures: 2, totalFailures: 2, totalRequests: 2, totalSuccesses: 0 })
  breaker.reset()
  await flush()
  assert.equal((await other.call('breaker.get', { name: 'openai' })).status.consecutiveFailures, 0)
  const restored = CircuitBreaker.deserialize(text)
  like(restored.getConfig(), { failureThreshold: 3, resetTimeout: 60_000, degradationCurve: [1, 0.5, 0.1] })
  like(
    restored.getState(),
    { state: 'DEGRADED', consecutiveFailures: 2, totalFailures: 2, totalRequests: 2, primaryTrafficPct: 0.1 },
  )
  await flush()
  assert.equal((await other.call('breaker.get', { name: 'openai' })).status.consecutiveFailures, 2)
  like(breaker.getState(), { consecutiveFailures: 2, totalFailures: 2 })
  assert.throws(() => breaker.restore({ ...snapshot, version: 2 }), /version: 2/)
})

test('manager: all breakers, their health, serialized and restored', async t => {
  const { other } = await start(t)
  draw(t, 0)
  const manager = new CircuitBreakerManager({ failureThreshold: 3, degradationCurve: [1, 0.5, 0.1] })
  await assert.rejects(manager.execute('openai', fail), /boom/)
  await assert.rejects(manager.execute('groq', fail), /boom/)
  await assert.rejects(manager.execute('groq', fail), /boom/)
  assert.equal(await manager.execWithFallback('google', fail, succeed), 'ok')
  const text = manager.serialize()
  manager.resetAll()
  await flush()
  assert.equal(manager.getAllStates().groq.consecutiveFailures, 0)
  const restored = CircuitBreakerManager.deserialize(text)
  like(
    restored.getAllStates().openai,
    { state: 'DEGRADED', consecutiveFailures: 1, totalRequests: 1, primaryTrafficPct: 0.5 },
  )
  like(
    restored.getAllStates().groq,
    { state: 'DEGRADED', consecutiveFailures: 2, totalRequests: 2, primaryTrafficPct: 0.1 },
  )
  assert.equal(restored.getHealthStatus().groq.failureThreshold, 3)
  await flush()
  const names = []
  for await (const { name } of other.list('breaker.list')) names.push(name)
  assert.deepEqual(names.sort(), ['google', 'groq', 'openai'])
  restored.reset('groq')
  await flush()
  assert.equal(restored.getAllStates().groq.consecutiveFailures, 0)
})

test('manager: a breaker that nobody calls does not reach the daemon, and the first configuration counts', async t => {
  const { other } = await start(t)
  const manager = new CircuitBreakerManager()
  assert.equal(manager.getBreaker('pending').isOpen(), false)
  const breaker = manager.getBreaker('openai', { failureThreshold: 2 })
  assert.equal(manager.getBreaker('openai', { failureThreshold: 9 }), breaker)
  await breaker.exec(succeed)
  await new CircuitBreaker('openai', { failureThreshold: 7 }).exec(succeed)
  await flush()
  const names = []
  for await (const { name } of other.list('breaker.list')) names.push(name)
  assert.deepEqual(names, ['openai'])
  assert.equal((await other.call('breaker.configuration', { name: 'openai' })).failureThreshold, 2)
  assert.equal(breaker.getConfig().failureThreshold, 2)
  breaker.forceOpen()
  assert.ok(breaker.isOpen())
  await flush()
  assert.equal((await other.call('breaker.get', { name: 'openai' })).status.state, 'open')
})

test('registry: a mark holds for its time, for every worker', async t => {
  const { other } = await start(t)
  const registry = new ExhaustionRegistry(60_000)
  registry.markExhausted('openai')
  registry.markExhausted('groq', 300)
  assert.ok(registry.isExhausted('openai'))
  assert.deepEqual(registry.getExhaustedProviders().sort(), ['groq', 'openai'])
  await flush()
  const { entry } = await other.call('exhaustion.get', { provider: 'openai' })
  assert.equal(entry.resetsAt - entry.exhaustedAt, 60_000)
  const { resetAt, exhaustedAt } = registry.getEntry('openai')
  assert.equal(resetAt - exhaustedAt, 60_000)
  await until(() => !registry.isExhausted('groq'))
  assert.equal(registry.getEntry('groq'), undefined)
  await other.call('exhaustion.mark', { provider: 'google', resetAfterMilliseconds: 60_000 })
  await until(() => registry.isExhausted('google'))
  await other.call('exhaustion.clear', { provider: 'google' })
  await until(() => !registry.isExhausted('google'))
  registry.clearExhaustion('openai')
  assert.equal(registry.isExhausted('openai'), false)
  const route = { provider: 'google', deployment: null, model: null }
  await other.call('exhaustion.pause', { ...route, reason: 'a test', durationMilliseconds: null, mustBeKnown: false })
  await until(() => registry.isExhausted('google'))
  assert.equal(registry.getEntry('google').resetAt, Infinity)
  assert.deepEqual(registry.snapshot().entries.filter(({ provider }) => provider === 'google'), [])
  await other.call('exhaustion.resume', route)
  await until(() => !registry.isExhausted('google'))
  await flush()
  assert.equal((await other.call('exhaustion.get', { provider: 'openai' })).entry, null)
})

test('registry: serialized and restored', async t => {
  const { other } = await start(t)
  const registry = new ExhaustionRegistry(60_000)
  registry.markExhausted('openai', 90_000)
  const text = registry.serialize()
  like(JSON.parse(text), { version: 1, defaultResetMs: 60_000 })
  registry.markExhausted('groq')
  const restored = ExhaustionRegistry.deserialize(text)
  assert.deepEqual(restored.getExhaustedProviders(), ['openai'])
  assert.equal(restored.defaultResetMs, 60_000)
  await flush()
  const { entries } = await other.call('exhaustion.list', { cursor: 0n })
  assert.deepEqual(entries.map(({ provider }) => provider), ['openai'])
  assert.ok(Math.abs(entries[0].resetsAt - entries[0].exhaustedAt - 90_000) < 5_000)
  restored.reset()
  await flush()
  assert.deepEqual((await other.call('exhaustion.list', { cursor: 0n })).entries, [])
})

test('registry: a restored mark keeps its beginning, for every worker', async t => {
  const { other } = await start(t)
  const now = Date.now()
  const entry = { provider: 'groq', exhaustedAt: now - 3_600_000, resetAt: now + 3_600_000 }
  new ExhaustionRegistry().restore({ version: 1, defaultResetMs: 1_000, entries: [entry] })
  await flush()
  const { entries: [mark] } = await other.call('exhaustion.list', { cursor: 0n })
  const { now: steady } = await other.call('ping')
  assert.ok(Math.abs(steady - mark.exhaustedAt - 3_600_000) < 60_000, `${steady - mark.exhaustedAt}`)
  assert.equal(Math.round((mark.resetsAt - mark.exhaustedAt) / 60_000), 120)
})

test('ledger: records add up by provider and model, for every worker', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger()
  ledger.record('anthropic', 'claude', 1.5, 1_000, 500)
  ledger.record('anthropic', '', 0.25, 10, 5)
  ledger.record('groq', 'llama', 0.000000001, 1, 1)
  like(
    ledger.getProviderAccumulator('anthropic'),
    { spend: 1.75, inputTokens: 1_010, outputTokens: 505, requestCount: 2, budget: null },
  )
  like(ledger.getModelAccumulator('anthropic', 'unknown'), { spend: 0.25, requestCount: 1 })
  assert.equal(ledger.totalSpend(), 1.750000001)
  await flush()
  assert.equal((await other.call('ledger.total')).spend, 1_750_000_001n)
  await other.call(
    'ledger.record', { provider: 'anthropic', model: 'claude', cost: 2_000_000_000n, tokens: { input: 1, output: 1 } },
  )
  await until(() => ledger.getProviderAccumulator('anthropic').spend === 3.75)
  assert.deepEqual(Object.keys(ledger.breakdown()).sort(), ['anthropic', 'groq'])
  assert.equal(ledger.getProviderAccumulator('nobody'), undefined)
})

test('ledger: budgets of providers and models', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger({ budgets: [
    { provider: 'anthropic', monthlyBudget: 20 }, { provider: 'anthropic', model: 'claude', monthlyBudget: 10 },
  ] })
  assert.equal(ledger.remainingBalance('anthropic'), 20)
  assert.equal(ledger.remainingBalance('groq'), null)
  ledger.record('anthropic', 'claude', 5, 1, 1)
  assert.equal(ledger.remainingBalance('anthropic'), 15)
  assert.equal(ledger.utilizationPct('anthropic'), 0.25)
  assert.equal(ledger.remainingBalance('anthropic', 'claude'), 5)
  assert.equal(ledger.utilizationPct('anthropic', 'claude'), 0.5)
  await flush()
  const { entries } = await other.call('limit.list', { scope: null, cursor: 0n })
  assert.deepEqual(entries.map(({ scope, limit, used }) => [scope.model, limit.amount, limit.mode, used]).sort(), [
    [null, 20_000_000_000n, 'notify', 5_000_000_000n], ['claude', 10_000_000_000n, 'notify', 5_000_000_000n],
  ])
  ledger.removeBudget('anthropic', 'claude')
  ledger.removeBudget('anthropic')
  assert.equal(ledger.remainingBalance('anthropic'), null)
  await flush()
  assert.deepEqual((await other.call('limit.list', { scope: null, cursor: 0n })).entries, [])
})

test('ledger: rate limits', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger({ budgets: [{ provider: 'groq', rateLimits: { rpm: 2, tpd: 100 } }] })
  assert.deepEqual(ledger.checkRateLimit('groq', 'rpm'), { allowed: true, used: 0, limit: 2 })
  assert.deepEqual(ledger.checkRateLimit('groq', 'rpd'), { allowed: true, used: 0, limit: 0 })
  ledger.record('groq', 'llama', 0, 30, 20)
  assert.deepEqual(ledger.checkRateLimit('groq', 'tpd'), { allowed: true, used: 50, limit: 100 })
  ledger.record('groq', 'llama', 0, 30, 20)
  assert.deepEqual(ledger.checkRateLimit('groq', 'rpm'), { allowed: false, used: 2, limit: 2 })
  assert.deepEqual(ledger.checkRateLimit('groq', 'tpd'), { allowed: false, used: 100, limit: 100 })
  await flush()
  await assert.rejects(other.admit('groq'), { code: 'ERR_FUSEBOX_DENIED' })
})

test('ledger: listeners hear of thresholds and projections, their own and those of others, once each', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger({ budgets: [{ provider: 'anthropic', monthlyBudget: 10 }] })
  const events = []
  const stop = ledger.on(event => events.push(event))
  const thresholds = () => events.filter(({ type }) => type === 'threshold_crossed')
  ledger.record('anthropic', 'claude', 8.5, 1, 1)
  await flush()
  await until(() => thresholds().length === 1)
  like(thresholds()[0], { provider: 'anthropic', tier: 'warning', spend: 8.5, budget: 10, utilizationPct: 0.85 })
  await until(() => events.some(({ type }) => type === 'depletion_projected'))
  const projected = events.find(({ type }) => type === 'depletion_projected')
  assert.equal(projected.tier, 'depletion_emergency')
  assert.ok(projected.daysRemaining <= 1)
  assert.ok(projected.projectedDepletionDate instanceof Date)
  await other.call('ledger.record', { provider: 'anthropic', model: 'claude', cost: 1_200_000_000n, tokens: {} })
  await until(() => thresholds().length === 2)
  assert.equal(thresholds()[1].tier, 'emergency')
  // What comes after has passed what was to come before it.
  await other.call('exhaustion.mark', { provider: 'last', resetAfterMilliseconds: 60_000 })
  await until(() => new ExhaustionRegistry().isExhausted('last'))
  assert.equal(events.length, 3)
  stop()
  ledger.record('anthropic', 'claude', 5, 1, 1)
  await flush()
  assert.equal(events.length, 3)
})

test('ledger: burn rate, depletion and summaries, by what this process has seen', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger({ budgets: [{ provider: 'anthropic', monthlyBudget: 20 }] })
  const hour = 3_600_000
  assert.deepEqual(
    ledger.getBurnRate('anthropic'), { costPerHour: 0, costPerDay: 0, windowMs: 24 * hour, sampleCount: 0 },
  )
  assert.deepEqual(ledger.getDepletionEstimate('anthropic'), {
    remainingBudget: 20, burnRate: ledger.getBurnRate('anthropic'), projectedDepletionDate: null, daysRemaining: null,
  })
  assert.equal(ledger.getDepletionEstimate('groq'), null)
  ledger.record('anthropic', 'claude', 5, 1, 1)
  ledger.record('groq', 'llama', 0.5, 1, 1)
  like(ledger.getBurnRate('anthropic', hour), { costPerHour: 5, costPerDay: 120, sampleCount: 1 })
  like(ledger.getDepletionEstimate('anthropic', hour), { remainingBudget: 15, daysRemaining: 15 / 120 })
  like(ledger.getSpendSummary('anthropic', hour), { provider: 'anthropic', spend: 5, requestCount: 1 })
  assert.equal(ledger.getSpendBreakdown(hour).length, 2)
  await flush()
  await other.call('ledger.record', { provider: 'anthropic', model: 'claude', cost: 15_000_000_000n, tokens: {} })
  await until(() => ledger.remainingBalance('anthropic') === 0)
  like(ledger.getDepletionEstimate('anthropic'), { remainingBudget: 0, daysRemaining: 0 })
  assert.equal(ledger.getSpendSummary('anthropic', hour).spend, 20)
})

test('ledger: a new period begins anew, and a snapshot has the library\'s form', async t => {
  const { other } = await start(t)
  const ledger = new CreditLedger(
    { budgets: [{ provider: 'anthropic', monthlyBudget: 20 }], thresholds: { warning: 0.5 } },
  )
  ledger.record('anthropic', 'claude', 5, 10, 20)
  const snapshot = JSON.parse(ledger.serialize())
  assert.equal(snapshot.version, 1)
  assert.deepEqual(snapshot.thresholds, { warning: 0.5, critical: 0.9, emergency: 0.95 })
  assert.deepEqual(snapshot.budgets, [{ provider: 'anthropic', monthlyBudget: 20 }])
  like(snapshot.providers.anthropic, { spend: 5, inputTokens: 10, outputTokens: 20, requestCount: 1, budget: 20 })
  assert.equal(snapshot.spendHistory.length, 1)
  ledger.resetPeriod()
  assert.equal(ledger.totalSpend(), 0)
  assert.equal(ledger.getBurnRate('anthropic').sampleCount, 0)
  assert.equal(ledger.remainingBalance('anthropic'), 20)
  await flush()
  assert.equal((await other.call('ledger.provider', { provider: 'anthropic' })).account.usage.spend, 0n)
})

test('a replica that starts later has everything at once', async t => {
  const { daemon } = await start(t)
  const registry = new ExhaustionRegistry()
  registry.markExhausted('openai', 60_000)
  await assert.rejects(new CircuitBreaker('groq').exec(fail), /boom/)
  new CreditLedger({ budgets: [{ provider: 'openai', monthlyBudget: 5 }] }).record('openai', 'gpt', 2, 1, 1)
  await library.close()
  library.configure({ socket: daemon.socket, spool: daemon.spool })
  await library.ready
  assert.ok(registry.isExhausted('openai'))
  assert.equal(new CircuitBreaker('groq').getState().consecutiveFailures, 1)
  assert.equal(new CreditLedger().remainingBalance('openai'), 3)
})

test('without a daemon the replica decides, and the daemon hears of it on return', async t => {
  const { daemon, warnings } = await start(t, { backoffMaximum: 50 })
  draw(t, 0)
  const breaker = new CircuitBreaker('openai', { failureThreshold: 2, degradationCurve: [1, 0.5] })
  await breaker.exec(succeed)
  await flush()
  await daemon.kill()
  await assert.rejects(breaker.exec(fail), /boom/)
  await assert.rejects(breaker.exec(fail), /boom/)
  assert.ok(breaker.isOpen())
  await assert.rejects(breaker.exec(succeed), CircuitBreakerOpenError)
  const ledger = new CreditLedger()
  ledger.record('openai', 'gpt', 2, 1, 1)
  new ExhaustionRegistry().markExhausted('groq', 60_000)
  assert.equal(ledger.totalSpend(), 2)
  await daemon.run()
  const later = await daemon.connect()
  await until(async () => (await later.call('ledger.total')).spend === 2_000_000_000n)
  await until(async () => (await later.call('breaker.get', { name: 'openai' })).status.state === 'open')
  await until(async () => (await later.call('exhaustion.get', { provider: 'groq' })).entry !== null)
  assert.ok(warnings.length > 0)
})

test('under the profile `fusebox` the same objects follow its rules', async t => {
  await start(t, { profile: 'fusebox' })
  const breaker = new CircuitBreaker('openai', { failureThreshold: 2 })
  for (let count = 0; count < 3; count += 1) await breaker.exec(fail).catch(() => {})
  await flush()
  assert.equal(breaker.getState().consecutiveFailures, 2)
  const registry = new ExhaustionRegistry()
  registry.markExhausted('groq', 60_000)
  registry.markExhausted('groq', 1_000)
  assert.ok(registry.getEntry('groq').resetAt - Date.now() > 50_000)
  await flush()
  assert.ok(registry.getEntry('groq').resetAt - Date.now() > 50_000)
})

test('the library\'s own error of open breakers is thrown, if it is told', async t => {
  class OpenError extends Error {
    constructor (...told) {
      super('open')
      this.told = told
    }
  }
  const { other } = await start(t, { CircuitBreakerOpenError: OpenError })
  const breaker = new CircuitBreaker('openai')
  await breaker.exec(succeed)
  await other.call('breaker.forceOpen', { name: 'openai', mustBeKnown: true })
  await assert.rejects(breaker.exec(succeed), error => {
    assert.deepEqual([error instanceof OpenError, error.told], [true, ['openai', 60, 5]])
    return true
  })
})

test('registry: the denial of one tenant keeps this process away, and no other', async t => {
  const { other } = await start(t)
  const registry = new ExhaustionRegistry(60_000)
  // As the library's factory does: it tells its hooks, throws, and marks the provider.
  library.quotaHooks.onQuotaDenied({ input: { provider: 'openai' } })
  await Promise.resolve()
  registry.markExhausted('openai')
  assert.ok(registry.isExhausted('openai'))
  assert.deepEqual(registry.getExhaustedProviders(), ['openai'])
  assert.deepEqual(registry.snapshot().entries, [])
  await flush()
  assert.equal((await other.call('exhaustion.get', { provider: 'openai' })).entry, null)
  // A later error of the provider itself marks it for all.
  registry.markExhausted('openai')
  await flush()
  assert.notEqual((await other.call('exhaustion.get', { provider: 'openai' })).entry, null)
  registry.clearExhaustion('openai')
  assert.equal(registry.isExhausted('openai'), false)
  // A denial without a mark is forgotten within the turn.
  library.quotaHooks.onQuotaDenied({ input: { provider: 'groq' } })
  await new Promise(resolve => setImmediate(resolve))
  registry.markExhausted('groq')
  await flush()
  assert.notEqual((await other.call('exhaustion.get', { provider: 'groq' })).entry, null)
})

test('ledger: refunds count for all workers, and no number of a worker is fatal', async t => {
  const { other, logger, warnings } = await start(t)
  const ledger = new CreditLedger({ logger })
  ledger.record('openai', 'gpt', 3, 10, 10)
  ledger.record('openai', 'gpt', -1.25, 0, 0)
  assert.equal(ledger.totalSpend(), 1.75)
  await flush()
  const { account } = await other.call('ledger.model', { provider: 'openai', model: 'gpt' })
  assert.equal(account.usage.spend, 1_750_000_000n)
  for (const cost of [NaN, Infinity]) ledger.record('openai', 'gpt', cost, NaN, -5)
  ledger.record('openai', 'gpt', 1, 2 ** 60, 0)
  ledger.record('openai', 'x'.repeat(500), 1, 0, 0)
  ledger.record('nobody', 'gpt', -1, 0, 0)
  await flush()
  assert.equal(warnings.length, 3)
  assert.equal((await other.call('ledger.total')).spend, 1_750_000_000n)
})

test('ledger: a snapshot restores thresholds, budgets and burn rates, and undoes nothing of other workers', async t => {
  const { other, logger, warnings } = await start(t)
  const budgets = [{ provider: 'openai', monthlyBudget: 20 }]
  const ledger = new CreditLedger({ budgets, thresholds: { warning: 0.5 } })
  ledger.record('openai', 'gpt', 5, 1, 1)
  const snapshot = JSON.parse(ledger.serialize())
  ledger.removeBudget('openai')
  ledger.record('openai', 'gpt', 2, 1, 1)
  const restored = new CreditLedger({ logger })
  restored.restore(snapshot)
  assert.equal(restored.remainingBalance('openai'), 13)
  assert.equal(restored.getBurnRate('openai').sampleCount, 1)
  assert.deepEqual(restored.snapshot().thresholds, { warning: 0.5, critical: 0.9, emergency: 0.95 })
  restored.restore({ ...snapshot, version: 2 })
  assert.equal(warnings.length, 1)
  await flush()
  assert.equal((await other.call('ledger.total')).spend, 7_000_000_000n)
})
