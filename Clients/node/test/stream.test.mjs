// client.stream against a real daemon: what each end of a stream does to breaker, usage and permit.

import assert from 'node:assert/strict'
import test from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { Daemon, until } from './support/daemon.mjs'

const usage = { usage: { prompt_tokens: 1_000, completion_tokens: 200 } }

/** A stream as SDKs have it. Notes whether its consumer has ended it. */
class Events {
  constructor (...steps) {
    this.steps = steps
    this.isEnded = false
  }

  async * [Symbol.asyncIterator] () {
    try {
      for (const step of this.steps) {
        if (step instanceof Error) throw step
        if (typeof step === 'function') step()
        else yield step
      }
    } finally {
      this.isEnded = true
    }
  }
}

async function start (t) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  /** What the calls did: successes and failures of the breaker, tokens, permits that are held. */
  const effects = async (provider = 'a') => {
    const { status } = await client.call('breaker.get', { name: provider })
    const { account } = await client.call('ledger.provider', { provider })
    const { totals } = await client.call('admission.permits', { cursor: 0n })
    return [
      status.totalSuccesses, status.totalFailures, account ? account.usage.outputTokens : 0n, totals.outstanding,
    ].map(Number)
  }
  return { client, effects }
}

async function collected (stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

test('a stream that ends is a success, with its usage and its first token', async t => {
  const { client, effects } = await start(t)
  const chunks = ['they ', 'melt', usage]
  assert.deepEqual(await collected(client.stream('a/m', { cost: 0.01 }, permit => {
    assert.equal(permit.model, 'm')
    permit.begin -= 1_000
    return new Events(...chunks)
  })), chunks)
  assert.deepEqual(await effects(), [1, 0, 200, 0])
  const { outlooks: [{ firstToken }] } = await client.call('admission.preview', {
    candidates: [{ provider: 'a', model: 'm' }], tags: [], estimate: {}, explains: false,
  })
  assert.ok(firstToken.p50Milliseconds >= 1_000)
})

test('a consumer that leaves the loop abandons the call and ends the provider\'s stream', async t => {
  const { client, effects } = await start(t)
  const events = new Events(usage, 'and', 'more')
  for await (const chunk of client.stream('a', {}, async () => events)) {
    assert.equal(chunk, usage)
    break
  }
  assert.ok(events.isEnded)
  assert.deepEqual(await effects(), [0, 0, 200, 0])
  const thrown = new Error('mine')
  await assert.rejects(async () => {
    for await (const chunk of client.stream('a', {}, () => new Events(usage, 'and'))) throw thrown
  }, thrown)
  assert.deepEqual(await effects(), [0, 0, 400, 0])
})

test('nothing is asked for before the first chunk is', async t => {
  const { client, effects } = await start(t)
  const stream = client.stream('a', {}, () => assert.fail('nobody reads'))
  await stream.return()
  assert.deepEqual(await effects(), [0, 0, 0, 0])
  assert.equal((await client.call('admission.permits', { cursor: 0n })).totals.granted, 0n)
  assert.throws(() => client.stream('a', {}), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
})

test('before the first chunk the next candidate is tried, after it the error is the caller\'s', async t => {
  const { client, effects } = await start(t)
  const overloaded = Object.assign(new Error('overloaded'), { status: 529 })
  const tried = []
  const chunks = await collected(client.stream(['a', 'b', 'c'], {}, permit => {
    tried.push(permit.provider)
    if (permit.provider === 'a') throw overloaded
    return permit.provider === 'b' ? new Events(overloaded) : new Events('c', usage)
  }))
  assert.deepEqual([tried, chunks], [['a', 'b', 'c'], ['c', usage]])
  assert.deepEqual([await effects('a'), await effects('b'), await effects('c')], [
    [0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 200, 0],
  ])
  const broken = new Error('the connection is lost')
  await assert.rejects(collected(client.stream(['d', 'e'], {}, () => new Events(usage, broken))), broken)
  assert.deepEqual([await effects('d'), await effects('e')], [[0, 1, 200, 0], [0, 0, 0, 0]])
  await assert.rejects(collected(client.stream(['f', 'g'], {}, () => { throw broken })), broken)
  assert.deepEqual([await effects('f'), await effects('g')], [[0, 1, 0, 0], [0, 1, 0, 0]])
  await assert.rejects(collected(client.stream(['h', 'i'], { attempts: 1 }, () => new Events(broken))), broken)
  assert.deepEqual([await effects('h'), await effects('i')], [[0, 1, 0, 0], [0, 0, 0, 0]])
})

test('a chunk that tells an error decides, and so does the body', async t => {
  const { client, effects } = await start(t)
  await collected(client.stream('a', {}, () => new Events('they ', { error: { type: 'overloaded_error' } })))
  assert.deepEqual(await effects(), [0, 1, 0, 0])
  await collected(client.stream('b', {}, permit => { permit.outcome('failure'); return new Events('') }))
  assert.deepEqual(await effects('b'), [0, 1, 0, 0])
})

test('a stream that ends without an error because it was aborted is no success', async t => {
  const { client, effects } = await start(t)
  const controller = new AbortController()
  const { signal } = controller
  const events = new Events(usage, () => controller.abort())
  assert.deepEqual(await collected(client.stream('a', { signal }, permit => {
    assert.equal(permit.signal, signal)
    return events
  })), [usage])
  assert.deepEqual(await effects(), [0, 0, 200, 0])
  await assert.rejects(client.stream('a', { signal }, () => events).next(), { name: 'AbortError' })
})

test('a stream that nobody refers to any more gives its permit back', async t => {
  const { client, effects } = await start(t)
  v8.setFlagsFromString('--expose-gc')
  const collectGarbage = vm.runInNewContext('gc')
  const events = new Events('first', 'second')
  await client.stream('a', {}, () => events).next()
  assert.deepEqual(await effects(), [0, 0, 0, 1])
  await until(async () => { collectGarbage(); return (await effects())[3] === 0 })
  assert.ok(events.isEnded)
})
