// client.createFetch under an SDK: a small double of it, which sends as the SDKs of OpenAI and Anthropic do.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Daemon, until } from './support/daemon.mjs'
import { startProvider } from './support/provider.mjs'

/** Sends and reads as an SDK does: makes errors of answers, and iterates over the data of streams. */
class SDK {
  constructor ({ fetch, baseURL, headers = {} }) {
    Object.assign(this, { fetch, baseURL, headers })
  }

  async request (path, body, { signal, method = 'POST' } = {}) {
    const controller = new AbortController()
    signal?.addEventListener('abort', () => controller.abort())
    const response = await this.fetch.call(undefined, this.baseURL + path, {
      method, signal: controller.signal, headers: { 'content-type': 'application/json', ...this.headers },
      body: method === 'POST' ? JSON.stringify(body) : undefined,
    })
    if (response.ok) return response
    const { status, headers } = response
    throw Object.assign(new Error(String(status)), { status, headers, error: (await response.json()).error })
  }

  async * stream (path, body) {
    const response = await this.request(path, { ...body, stream: true })
    const decoder = new TextDecoder()
    for await (const chunk of response.body) yield decoder.decode(chunk, { stream: true })
  }
}

async function start (t, options = {}) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const baseURL = await startProvider(t)
  const sdk = new SDK({ baseURL, fetch: client.createFetch({ provider: 'openai', cost: 0.01, ...options }) })
  /** What the calls by a route did: outcome counts of the breaker, tokens, permits that are held. */
  const effects = async (provider = 'openai') => {
    const { status } = await client.call('breaker.get', { name: provider })
    const { account } = await client.call('ledger.provider', { provider })
    const { totals } = await client.call('admission.permits', { cursor: 0n })
    return [
      status.totalSuccesses, status.totalFailures, account ? account.usage.outputTokens : 0n, totals.outstanding,
    ].map(Number)
  }
  return { client, sdk, baseURL, effects }
}

test('an SDK gets its answers, and each call has a permit', async t => {
  const { client, sdk, effects } = await start(t, { tags: ['team:docs'] })
  const answer = await (await sdk.request('/ok', { model: 'gpt-4o' })).json()
  assert.equal(answer.choices[0].message.content, 'they melt')
  assert.deepEqual(await effects(), [1, 0, 200, 0])
  const { account } = await client.call('ledger.account', { scope: { tag: 'team:docs' } })
  assert.equal(account.usage.outputTokens, 200n)
  assert.ok((await client.call('ledger.model', { provider: 'openai', model: 'gpt-4o' })).account)
})

test('streams are read as they pass, and one that is left is abandoned', async t => {
  const { sdk, effects } = await start(t)
  let text = ''
  for await (const piece of sdk.stream('/stream', { model: 'gpt-4o' })) text += piece
  assert.match(text, /\[DONE\]/)
  assert.deepEqual(await effects(), [1, 0, 200, 0])
  for await (const piece of sdk.stream('/endless', { model: 'gpt-4o' })) {
    assert.match(piece, /message_start/)
    break
  }
  await until(async () => (await effects())[3] === 0)
  assert.deepEqual(await effects(), [1, 0, 201, 0])
})

test('errors of the provider are the SDK\'s own, and so is a denial', async t => {
  const { client, sdk, effects } = await start(t)
  await assert.rejects(sdk.request('/failing', { model: 'm' }), { status: 500 })
  assert.deepEqual(await effects(), [0, 1, 0, 0])
  await assert.rejects(sdk.request('/throttled', { model: 'm' }), { status: 429 })
  await assert.rejects(sdk.request('/ok', { model: 'm' }), error => {
    assert.deepEqual([error.status, error.error.code], [429, 'admission_denied'])
    assert.match(error.error.message, /openai\/m: exhausted/)
    assert.ok(Number(error.headers.get('retry-after')) > 0 && Number(error.headers.get('retry-after-ms')) > 1_000)
    assert.equal(error.headers.get('x-should-retry'), 'false')
    return true
  })
  await client.call('breaker.forceOpen', { name: 'openai', mustBeKnown: false })
  await assert.rejects(sdk.request('/ok', { model: 'other' }), { status: 503 })
})

test('an abort of the caller abandons the call', async t => {
  const { sdk, effects } = await start(t)
  const controller = new AbortController()
  const silent = sdk.request('/silent', { model: 'm' }, { signal: controller.signal })
  await until(async () => (await effects())[3] === 1)
  controller.abort()
  await assert.rejects(silent, { name: 'AbortError' })
  assert.deepEqual(await effects(), [0, 0, 0, 0])
})

test('the route is told by host, body and path; lists of models need no permit', async t => {
  const { client, baseURL } = await start(t)
  const routes = []
  const sent = []
  const answer = async (target, init) => {
    sent.push(target instanceof Request ? target.url : String(target))
    return Response.json({})
  }
  const whole = client.fetch
  client.fetch = (candidate, ...rest) => {
    routes.push(candidate)
    return whole.call(client, candidate, ...rest)
  }
  const fetch = client.createFetch({ fetch: answer, deployment: 'key-1' })
  const post = (url, body) => fetch(url, { method: 'POST', body })
  await post('https://api.anthropic.com/v1/messages', '{"model":"claude"}')
  await post('https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent', '{}')
  await post(new URL('https://llm.example/openai/deployments/my%20gpt/chat'), new Uint8Array(2))
  await fetch(new Request('https://llm.example/v1/chat', { method: 'POST', body: '{"model":"m"}' }))
  const bytes = new TextEncoder().encode('{"model":"bytes"}')
  await post('https://llm.example/v1/chat', bytes)
  await post('https://llm.example/v1/chat', bytes.buffer)
  const form = new FormData()
  form.set('model', 'whisper-1')
  form.set('file', new Blob(['sound']))
  await post('https://llm.example/v1/audio', form)
  await fetch('https://api.openai.com/v1/models')
  assert.deepEqual(routes.map(({ provider, deployment, model }) => `${provider}@${deployment}/${model}`), [
    'anthropic@key-1/claude', 'gemini@key-1/gemini-2.5-pro', 'llm.example@key-1/my gpt', 'llm.example@key-1/m',
    'llm.example@key-1/bytes', 'llm.example@key-1/bytes', 'llm.example@key-1/whisper-1',
  ])
  assert.equal(sent.length, 8)
  const routed = client.createFetch({ fetch: answer, route: request => request.url.endsWith('/free') ? null : 'a/b' })
  await routed('https://llm.example/free', { method: 'POST' })
  await routed('https://llm.example/paid', { method: 'POST' })
  assert.deepEqual([routes.length, routes.at(-1)], [8, 'a/b'])
  assert.equal((await client.createFetch()(`${baseURL}/ok`, { method: 'POST', body: '{"model":"m"}' })).status, 200)
})
