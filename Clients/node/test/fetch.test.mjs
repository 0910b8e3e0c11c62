// client.fetch against a fake provider: what each answer does to breaker, mark, usage and cost.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import test from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { Daemon, until } from './support/daemon.mjs'
import { list, startProvider } from './support/provider.mjs'

const { DocumentStream } = createRequire(import.meta.url)('../src/sse.js')

async function start (t) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const url = await startProvider(t)
  await client.call(
    'price.set', { prices: [{ provider: 'openai', price: { input: 2_500_000_000n, output: 10_000_000_000n } }] },
  )
  /** What the call did: failures of the breaker, milliseconds of the mark, cost, tokens. */
  const effects = async (provider = 'openai') => {
    const { status } = await client.call('breaker.get', { name: provider })
    const { entries } = await client.call('exhaustion.list', { cursor: 0n })
    const entry = entries.find(mark => mark.provider === provider) ?? null
    const { account } = await client.call('ledger.provider', { provider })
    const { totals } = await client.call('admission.permits', { cursor: 0n })
    return {
      failures: status.consecutiveFailures,
      successes: Number(status.totalSuccesses),
      mark: entry && entry.resetsAt - entry.exhaustedAt,
      cost: account ? account.usage.spend : null,
      tokens: account ? [Number(account.usage.inputTokens), Number(account.usage.outputTokens)] : null,
      outstanding: Number(totals.outstanding),
    }
  }
  return { daemon, client, url, effects }
}

const nothing = { failures: 0, successes: 0, mark: null, cost: 0n, tokens: [0, 0], outstanding: 0 }
const paid = { ...nothing, successes: 1, cost: 4_500_000n, tokens: [1_000, 200] }

const cases = [
  ['/ok', 200, paid],
  ['/stream', 200, paid],
  ['/lines', 200, { ...nothing, successes: 1, cost: 3_045_000n, tokens: [26, 298] }],
  ['/list', 200, paid],
  ['/list-overloaded', 200, { ...nothing, failures: 1, cost: 17_500n, tokens: [7, 0] }],
  ['/text', 200, { ...nothing, successes: 1 }],
  ['/empty', 204, { ...nothing, successes: 1 }],
  ['/throttled', 429, { ...nothing, mark: 60_000 }],
  ['/limits', 429, { ...nothing, mark: 60_000 }],
  ['/last', 200, { ...paid, mark: 30_000 }],
  ['/last-stream', 200, { ...paid, mark: 60_000 }],
  ['/overloaded', 200, { ...nothing, failures: 1 }],
  ['/unauthorized', 401, { ...nothing, mark: 86_400_000 }],
  ['/quota', 429, { ...nothing, mark: 300_000 }],
  ['/failing', 500, { ...nothing, failures: 1 }],
  ['/wrong', 400, nothing],
]

for (const [path, status, expected] of cases) {
  test(`fetch of ${path}`, async t => {
    const { client, url, effects } = await start(t)
    const response = await client.fetch(
      'openai/gpt-4o', url + path, { headers: { 'x-mine': 'yes' } }, { cost: 0.01, tags: ['team:a'] },
    )
    assert.equal(response.status, status)
    assert.equal(response.headers.get('x-seen'), 'yes')
    assert.equal(response.url, url + path)
    const text = await response.text()
    if (path === '/ok') assert.equal(JSON.parse(text).choices[0].message.content, 'they melt')
    if (path === '/list') assert.equal(text, list)
    if (path === '/stream') assert.equal(text.match(/data: /g).length, 4)
    assert.deepEqual(await effects(), expected)
  })
}

test('no answer in time is a failure, and so is a connection that breaks off', async t => {
  const { client, url, effects } = await start(t)
  await assert.rejects(client.fetch(
    'openai', `${url}/silent`, {},
    { fetch: (target, init) => fetch(target, { ...init, signal: AbortSignal.timeout(50) }) },
  ), { name: 'TimeoutError' })
  assert.equal((await effects()).failures, 1)
  await assert.rejects(client.fetch('openai', `${url}/cut`), { message: 'fetch failed' })
  assert.equal((await effects()).failures, 2)
  const response = await client.fetch('openai', `${url}/broken`)
  await assert.rejects(response.text())
  assert.deepEqual({ ...await effects(), mark: null }, { ...nothing, failures: 3 })
})

/** What `AbortSignal.timeout` aborts with. */
async function timeoutReason () {
  const signal = AbortSignal.timeout(1)
  await once(signal, 'abort')
  return signal.reason
}

test('a timeout is a failure of the provider, unless the call may have waited for its turn', async t => {
  const { client, url, effects } = await start(t)
  const late = async wait => {
    const controller = new AbortController()
    const call = client.fetch('openai', `${url}/silent`, { signal: controller.signal }, { wait })
    await until(async () => (await effects()).outstanding === 1)
    controller.abort(await timeoutReason())
    await call
  }
  await assert.rejects(late(0), { name: 'TimeoutError' })
  assert.equal((await effects()).failures, 1)
  await assert.rejects(late(1), { name: 'TimeoutError' })
  const { failures, outstanding } = await effects()
  assert.deepEqual([failures, outstanding], [1, 0])
})

test('the caller may say what answers and errors mean', async t => {
  const { client, url } = await start(t)
  const answer = (response, body) => {
    assert.equal(body.error.code, 'invalid_api_key')
    return { outcome: 'unauthorized', markScope: 'route' }
  }
  await client.fetch('openai@key/m', `${url}/unauthorized`, {}, { answer })
  const { entries: [mark] } = await client.call('exhaustion.list', { cursor: 0n })
  assert.deepEqual([mark.provider, mark.deployment, mark.model], ['openai', 'key', 'm'])
  await assert.rejects(client.fetch('a', `${url}/cut`, {}, { outcome: () => ({ outcome: 'rejected' }) }))
  assert.equal((await client.call('breaker.get', { name: 'a' })).status.totalFailures, 0n)
})

test('the request may be a Request, and another key of the same provider is tried', async t => {
  const { client, url } = await start(t)
  const response = await client.fetch(['openai@one', 'openai@two'], permit =>
    new Request(`${url}/${permit.deployment === 'one' ? 'unauthorized' : 'ok'}`, { headers: { 'x-mine': 'yes' } }))
  assert.deepEqual([response.status, response.headers.get('x-seen')], [200, 'yes'])
  const controller = new AbortController()
  const silent = client.fetch('openai@two', new Request(`${url}/silent`, { signal: controller.signal }))
  controller.abort()
  await assert.rejects(silent, { name: 'AbortError' })
})

test('an aborted call is abandoned', async t => {
  const { client, url, effects } = await start(t)
  const controller = new AbortController()
  const call = client.fetch('openai', `${url}/silent`, { signal: controller.signal })
  await until(async () => (await effects()).outstanding === 1)
  controller.abort()
  await assert.rejects(call, { name: 'AbortError' })
  assert.deepEqual(await effects(), nothing)
})

test('a consumer that stops early abandons the call, with the usage until then', async t => {
  const { client, url, effects } = await start(t)
  const response = await client.fetch('openai', `${url}/endless`)
  assert.equal((await effects()).outstanding, 1)
  for await (const chunk of response.body) {
    assert.match(Buffer.from(chunk).toString(), /message_start/)
    break
  }
  const expected = { ...nothing, cost: 72_500n, tokens: [25, 1] }
  await until(async () => (await effects()).outstanding === 0)
  assert.deepEqual(await effects(), expected)
})

test('an answer that nobody reads and nobody refers to is abandoned', async t => {
  const { client, url, effects } = await start(t)
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  await (async () => assert.equal((await client.fetch('openai', `${url}/endless`)).status, 200))()
  assert.equal((await effects()).outstanding, 1)
  await until(async () => {
    collect()
    return (await effects()).outstanding === 0
  })
  assert.equal((await effects()).failures, 0)
})

test('a body that is read slowly outlives its answer', async t => {
  const { client, url, effects } = await start(t)
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  const reader = await (async () => (await client.fetch('openai', `${url}/stream`)).body.getReader())()
  let length = 0
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    length += piece.value.length
    collect()
    await client.call('ping')
  }
  assert.ok(length > 100)
  assert.deepEqual(await effects(), paid)
})

test('a stream whose signal is aborted is abandoned', async t => {
  const { client, url, effects } = await start(t)
  const controller = new AbortController()
  const response = await client.fetch('openai', `${url}/endless`, { signal: controller.signal })
  const reader = response.body.getReader()
  await reader.read()
  controller.abort()
  await assert.rejects(reader.read(), { name: 'AbortError' })
  assert.equal((await effects()).failures, 0)
  assert.deepEqual((await effects()).tokens, [25, 1])
})

test('if the address is a function, the next provider is tried', async t => {
  const { client, url, effects } = await start(t)
  const paths = { openai: '/failing', anthropic: '/cut', google: '/stream' }
  const seen = []
  const response = await client.fetch(['openai/gpt-4o', 'anthropic', 'google'], permit => {
    seen.push(permit.provider)
    return url + paths[permit.provider]
  }, permit => ({ headers: { 'x-mine': permit.provider } }))
  assert.equal(response.headers.get('x-seen'), 'google')
  await response.text()
  assert.deepEqual(seen, ['openai', 'anthropic', 'google'])
  assert.equal((await effects('openai')).failures, 1)
  assert.equal((await effects('anthropic')).failures, 1)
  assert.deepEqual((await effects('google')).tokens, [1_000, 200])
})

test('if all providers fail, the caller gets the last answer, which it can read', async t => {
  const { client, url } = await start(t)
  const response = await client.fetch(['a', 'b'], permit => `${url}/${permit.provider === 'a' ? 'throttled' : 'quota'}`)
  assert.equal(response.status, 429)
  assert.equal((await response.json()).error.message, 'pay')
  await client.call('exhaustion.mark', { provider: 'd', resetAfterMilliseconds: 60_000 })
  // The other one is denied. The answer of the one that was called tells more than the denial.
  assert.equal((await client.fetch(['c', 'd'], () => `${url}/failing`)).status, 500)
  await assert.rejects(client.fetch(['d'], `${url}/ok`), { code: 'ERR_FUSEBOX_DENIED' })
})

test('a JSON list is passed on before its end, and one that is left is abandoned', async t => {
  const { client, url, effects } = await start(t)
  const response = await client.fetch('openai/gpt-4o', `${url}/list-endless`)
  const reader = response.body.getReader()
  const { value } = await reader.read()
  assert.ok(list.startsWith(new TextDecoder().decode(value)))
  assert.equal((await effects()).outstanding, 1)
  await reader.cancel()
  assert.deepEqual(await effects(), { ...paid, successes: 0 })
})

test('the elements of a list are found, however its bytes arrive', () => {
  const found = length => {
    const documents = []
    const stream = new DocumentStream(document => documents.push(document))
    const bytes = new TextEncoder().encode(list)
    for (let start = 0; start < bytes.length; start += length) stream.push(bytes.subarray(start, start + length))
    stream.end()
    return documents
  }
  for (const length of [1, 2, 3, 7, 64, Infinity]) assert.deepEqual(found(length), JSON.parse(list), `pieces of ${length}`)
})

test('an element of a list that is too long to be kept is left out, and the next one is found', () => {
  const documents = []
  const stream = new DocumentStream(document => documents.push(document))
  for (const text of ['[{"usage":"', 'x'.repeat(1 << 20), '"},', '{"usage":1}]']) stream.push(new TextEncoder().encode(text))
  assert.deepEqual(documents, [{ usage: 1 }])
})

for (const [name, target, init] of [
  ['URL', 'nonsense', {}],
  ['header', 'http://127.0.0.1:9', { headers: { 'x-mine': 'two\nlines' } }],
  ['method', 'http://127.0.0.1:9', { method: 'TWO WORDS' }],
  ['body', 'http://127.0.0.1:9', { method: 'GET', body: 'none' }],
]) {
  test(`a request that is none is the caller's fault: ${name}`, async t => {
    const { client, effects } = await start(t)
    const tried = []
    await assert.rejects(client.fetch(['openai/m', 'groq/m'], permit => {
      tried.push(permit.provider)
      return target
    }, init), TypeError)
    assert.deepEqual(tried, ['openai'])
    assert.deepEqual(await effects(), nothing)
    // `fetch` in a call of one's own. Only a URL's error says what it is.
    if (name !== 'URL') return
    await assert.rejects(client.withPermit('openai/m', {}, () => fetch(target, init)), TypeError)
    await assert.rejects(client.withPermit('openai/m', {}, () => new URL(target)), TypeError)
    assert.deepEqual(await effects(), nothing)
  })
}
