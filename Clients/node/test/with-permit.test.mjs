// Calls under a permit, against a real daemon.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test from 'node:test'
import { Daemon, until } from './support/daemon.mjs'

const { CallFailedError } = createRequire(import.meta.url)('../src/index.js')

async function start (t, options) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect(options)
  const account = async provider => (await client.call('ledger.provider', { provider })).account
  const totals = async () => (await client.call('admission.permits', { cursor: 0n })).totals
  const failures = async name => (await client.call('breaker.get', { name })).status.consecutiveFailures
  const mark = async provider => (await client.call('exhaustion.get', { provider })).entry
  return { daemon, client, account, totals, failures, mark }
}

test('candidates are ranked by what is known of them', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const call = (route, firstToken, milliseconds) => client.withPermit(route, {}, async permit => {
    // What the permit measures is told, whatever the clock says.
    permit.begin -= milliseconds
    permit.answered = permit.begin + firstToken
  })
  await call('slow', 10, 90_000)
  await call('fast', 500, 20_000)
  await client.call('exhaustion.mark', { provider: 'marked', resetAfterMilliseconds: 60_000n })
  await client.call('breaker.configure', { name: 'new', change: { degradationCurve: [1, 0.5] } })
  await client.call('breaker.failure', { name: 'new' })
  await client.call('price.set', { prices: [
    { provider: 'new', price: { input: 1_000_000n, output: 1_000_000n } },
    { provider: 'fast', price: { input: 2_000_000n, output: 2_000_000n } },
    { provider: 'marked', price: { input: 0n, output: 0n } },
  ] })
  const routes = ['marked', 'new', 'slow', 'fast']
  const ranked = async by => (await client.ranked(routes, by, { tokens: 1 })).map(({ provider }) => provider)
  assert.deepEqual(await ranked('latency'), ['fast', 'slow', 'new', 'marked'])
  assert.deepEqual(await ranked('firstToken'), ['slow', 'fast', 'new', 'marked'])
  assert.deepEqual(await ranked('price'), ['new', 'fast', 'slow', 'marked'])
  assert.deepEqual(await ranked('share'), ['slow', 'fast', 'new', 'marked'])
  await assert.rejects(client.ranked(routes, 'beauty'), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
})

test('a body that returns counts as success, with the usage that it told', async t => {
  const { client, account, totals, failures } = await start(t)
  await client.call(
    'price.set',
    { prices: [{ provider: 'openai', model: 'gpt-4o', price: { input: 2_500_000_000n, output: 10_000_000_000n } }] },
  )
  const answer = await client.withPermit([
    'openai/gpt-4o', 'anthropic',
  ], { tags: ['user:42'], cost: 0.01, tokens: 800 }, async permit => {
    assert.equal(permit.provider, 'openai')
    assert.equal(permit.model, 'gpt-4o')
    const { heldCost, number, tags } = JSON.parse(JSON.stringify(permit))
    assert.deepEqual([heldCost, number, tags], ['10000000', String(permit.number), ['user:42']])
    assert.ok(permit.usage({ model: 'gpt-4o-2024', usage: { prompt_tokens: 1_000, completion_tokens: 200 } }))
    return 'they melt'
  })
  assert.equal(answer, 'they melt')
  const { usage } = await account('openai')
  assert.equal(usage.spend, 4_500_000n)
  assert.deepEqual([usage.inputTokens, usage.outputTokens, usage.requests], [1_000n, 200n, 1n])
  assert.equal(await failures('openai'), 0)
  assert.equal((await totals()).settled, 1n)
})

test('if a provider fails the next one is tried, each with a permit of its own', async t => {
  const { client, totals, failures, mark } = await start(t)
  const tried = []
  const answer = await client.withPermit(['openai/gpt-4o', 'openai/gpt-4', 'anthropic', 'google'], {}, permit => {
    tried.push(permit.provider)
    if (permit.provider === 'openai') throw Object.assign(new Error('overloaded'), { status: 503 })
    if (permit.provider === 'anthropic') {
      throw Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after': '60' } })
    }
    return permit.provider
  })
  assert.equal(answer, 'google')
  assert.deepEqual(tried, ['openai', 'anthropic', 'google'])
  assert.equal(await failures('openai'), 1)
  assert.equal(await failures('anthropic'), 0)
  const { exhaustedAt, resetsAt } = await mark('anthropic')
  assert.equal(resetsAt - exhaustedAt, 60_000)
  const { granted, settled } = await totals()
  assert.deepEqual([granted, settled], [3n, 3n])
})

test('an error of the caller is thrown at once, and the last error if all providers fail', async t => {
  const { client, failures } = await start(t)
  const tried = []
  const wrong = Object.assign(new Error('bad request'), { status: 400 })
  await assert.rejects(client.withPermit(['a', 'b'], {}, permit => { tried.push(permit.provider); throw wrong }), wrong)
  assert.deepEqual(tried, ['a'])
  const errors = { a: new Error('no a'), b: new Error('no b') }
  await assert.rejects(client.withPermit(['a', 'b'], {}, permit => { throw errors[permit.provider] }), errors.b)
  await assert.rejects(
    client.withPermit(['a', 'b'], { attempts: 1 }, permit => { throw errors[permit.provider] }), errors.a,
  )
  assert.deepEqual([await failures('a'), await failures('b')], [2, 1])
})

test('a body can say how the call went', async t => {
  const { client, account, failures, mark } = await start(t)
  assert.equal(await client.withPermit('a', {}, permit => {
    permit.outcome('failure')
    permit.use({ cost: '0.5' })
    return 'half an answer'
  }), 'half an answer')
  assert.equal(await failures('a'), 1)
  assert.equal((await account('a')).usage.spend, 500_000_000n)
  await assert.rejects(client.withPermit('b', {}, () => {
    throw new CallFailedError('quotaExhausted', { retryAfter: 90_000, usage: { cost: 1n } })
  }), { code: 'ERR_FUSEBOX_CALL_FAILED', outcome: 'quotaExhausted' })
  const { exhaustedAt, resetsAt } = await mark('b')
  assert.equal(resetsAt - exhaustedAt, 90_000)
  assert.equal((await account('b')).usage.spend, 1n)
  await client.withPermit('c', {}, permit => { permit.response(new Response('', { status: 500 })) })
  assert.equal(await failures('c'), 1)
  await client.withPermit(
    'd', { outcome: () => ({ outcome: 'rejected' }) }, () => { throw new Error('mine') },
  ).catch(() => {})
  assert.equal(await failures('d'), 0)
})

test('a body can say how much of its route is marked', async t => {
  const { client } = await start(t)
  const marks = async () => (await client.call('exhaustion.list', { cursor: 0n })).entries.map(route).sort()
  const refused = new CallFailedError('unauthorized', { markScope: 'route' })
  await assert.rejects(client.withPermit('a@key/m', {}, () => { throw refused }), refused)
  await client.withPermit('b@key/m', {}, permit => { permit.outcome('quotaExhausted', { markScope: 'provider' }) })
  await client.settle(await client.admit('c@key/m'), { outcome: 'throttled', retryAfter: 60_000, markScope: 'model' })
  await client.report('d@key/m', { outcome: 'unauthorized' })
  await client.report('e@key/m', { outcome: 'success', markScope: 'provider' })
  assert.deepEqual(await marks(), ['a@key/m', 'b', 'c/m', 'd@key'])
})

test('a 403 leaves the other models of the key, and a 401 does not', async t => {
  const { client } = await start(t)
  for (const [status, expected] of [[403, ['key/m', 'key/n']], [401, ['key/m', 'other/n']]]) {
    const tried = []
    const routes = ['key/m', 'key/n', 'other/n'].map(rest => `p${status}@${rest}`)
    await client.withPermit(routes, {}, permit => {
      tried.push(`${permit.deployment}/${permit.model}`)
      if (tried.length === 1) throw Object.assign(new Error('refused'), { status })
    })
    assert.deepEqual(tried, expected)
  }
  const marks = (await client.call('exhaustion.list', { cursor: 0n })).entries.map(route).sort()
  assert.deepEqual(marks, ['p401@key', 'p403@key/m'])
})

const route = ({ provider, deployment, model }) =>
  provider + (deployment ? `@${deployment}` : '') + (model ? `/${model}` : '')

test('a call that ends after its signal was aborted is abandoned, with what it returned', async t => {
  const { client, account } = await start(t)
  const controller = new AbortController()
  assert.equal(await client.withPermit('a', { signal: controller.signal }, permit => {
    permit.use({ cost: 1n })
    controller.abort()
    return 'half an answer'
  }), 'half an answer')
  const { status } = await client.call('breaker.get', { name: 'a' })
  assert.deepEqual([status.totalSuccesses, status.totalFailures], [0n, 0n])
  assert.equal((await account('a')).usage.spend, 1n)
})

test('a denial tells what has opened the breaker', async t => {
  const { client } = await start(t)
  await client.call('breaker.forceOpen', { name: 'a', deployment: null, model: null })
  await assert.rejects(client.withPermit(['a'], {}, () => assert.fail('it was denied')), error => {
    const [{ openedBy, failedRecoveries, resetTimeout }] = error.reasons
    assert.deepEqual([openedBy, failedRecoveries, resetTimeout], ['forced', 0, null])
    assert.match(error.message, /a: breakerOpen, opened by forced/)
    return true
  })
})

test('a denial tells each reason and when to come back', async t => {
  const { client } = await start(t)
  await client.call('exhaustion.mark', { provider: 'a', resetAfterMilliseconds: 60_000 })
  const window = {
    kind: 'sliding', lengthMilliseconds: 3_600_000, unit: 'day', anchorDay: 1, anchorMonth: 1, zone: null,
  }
  const limit = { dimension: 'cost', amount: 1_000_000_000n, window, mode: 'deny', onLapse: 'charge', thresholds: null }
  await client.call('limit.set', { scope: { provider: 'b' }, limits: [limit] })
  await assert.rejects(client.withPermit(['a', 'b/m'], { cost: 2 }, () => assert.fail('it was denied')), error => {
    assert.equal(error.code, 'ERR_FUSEBOX_DENIED')
    assert.deepEqual(error.reasons.map(({ reason }) => reason), ['exhausted', 'limit'])
    assert.equal(error.reasons[1].limits[0].needed, 2_000_000_000n)
    assert.equal(error.reasons[1].candidate.model, 'm')
    assert.ok(error.retryAfter > 0 && error.retryAfter <= 75_000)
    assert.match(error.message, /a: exhausted, b\/m: limit/)
    const { code, reasons } = JSON.parse(JSON.stringify(error))
    assert.deepEqual([code, reasons[1].limits[0].needed], ['ERR_FUSEBOX_DENIED', '2000000000'])
    return true
  })
  assert.equal((await client.preview(['a', 'b'], { cost: '0.5' })).candidate.provider, 'b')
  await assert.rejects(client.withPermit([], {}, () => {}), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  await assert.rejects(
    client.withPermit('c', { tags: Array(9).fill('t') }, () => {}), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' },
  )
})

test('a caller that was aborted before gives its permit back; later its body decides', async t => {
  const { client, totals, account } = await start(t)
  const controller = new AbortController()
  const reason = new Error('no longer needed')
  const call = client.withPermit('a', { signal: controller.signal }, () => assert.fail('it was aborted'))
  controller.abort(reason)
  await assert.rejects(call, reason)
  assert.equal((await totals()).outstanding, 0n)
  const second = new AbortController()
  await assert.rejects(client.withPermit(['a', 'b'], { signal: second.signal }, permit => {
    assert.equal(permit.signal, second.signal)
    permit.use({ inputTokens: 7 })
    second.abort()
    permit.signal.throwIfAborted()
  }), { name: 'AbortError' })
  assert.equal((await account('a')).usage.inputTokens, 7n)
  assert.equal((await client.call('breaker.get', { name: 'a' })).status.consecutiveFailures, 0)
})

test('usage out of range does not lose the outcome', async t => {
  const { client, totals } = await start(t)
  const unsettled = []
  const answer = await client.withPermit('a', { onUnsettled: call => unsettled.push(call) }, permit => {
    permit.use({ cost: 'much' })
    return 1
  })
  assert.equal(answer, 1)
  assert.equal(unsettled.length, 1)
  assert.equal(unsettled[0].error.code, 'ERR_FUSEBOX_INVALID_ARGUMENT')
  assert.equal(client.droppedReports, 1)
  assert.equal((await totals()).settled, 1n)
})

test('a settle is kept while the daemon is away, although the client fails closed', async t => {
  const { client, daemon } = await start(t, { backoffMaximum: 100 })
  await client.withPermit('a', { cost: 1 }, async permit => {
    permit.use({ cost: 0.25 })
    await daemon.kill()
    await until(() => !client.isConnected)
  })
  assert.equal(client.queuedReports, 1)
  await daemon.run()
  await until(() => client.queuedReports === 0 && client.isConnected)
  assert.equal((await client.call('ledger.total')).spend, 250_000_000n)
})

test('answers with different ids add up, those of one stream do not', async t => {
  const { client, account } = await start(t)
  await client.withPermit('a/m', {}, permit => {
    permit.usage({ id: '1', usage: { prompt_tokens: 10, completion_tokens: 1 } })
    permit.usage({ id: '1', usage: { prompt_tokens: 10, completion_tokens: 5 } })
    permit.usage({ id: '2', usage: { prompt_tokens: 100, completion_tokens: 50 } })
    assert.equal(permit.usage({ choices: [] }), false)
    assert.equal(permit.usage(null), false)
    assert.equal(permit.usage({ prompt_tokens: -1 }), false)
  })
  const { usage } = await account('a')
  assert.deepEqual([usage.inputTokens, usage.outputTokens], [110n, 55n])
})

test('await using closes the client', {
  skip: Symbol.asyncDispose ? false : 'this Node has no Symbol.asyncDispose',
}, async t => {
  const { client } = await start(t)
  await client[Symbol.asyncDispose]()
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_CLOSED' })
})

test('an estimate of tokens is held at its price', async t => {
  const { client } = await start(t)
  const price = { input: 2_500_000_000n, output: 10_000_000_000n }
  await client.call('price.set', { prices: [{ provider: 'openai', price }] })
  const permit = await client.admit('openai/gpt-4o', { inputTokens: 1_000, outputTokens: 200 })
  assert.deepEqual([permit.heldCost, permit.costBasis], [4_500_000n, 'priced'])
  await client.settle(permit, 'cancelled')
  const told = await client.admit('openai/gpt-4o', { cost: '0.01' })
  assert.deepEqual([told.heldCost, told.costBasis], [10_000_000n, 'told'])
})
