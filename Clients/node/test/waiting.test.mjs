// Calls that wait for their turn, against a real daemon.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, until } from './support/daemon.mjs'
import { Proxy } from './support/proxy.mjs'

const wait = 60_000

async function start (t, limit = '1 in flight', options = {}) {
  const daemon = await Daemon.start(t)
  await daemon.tool('limit', 'set', '--provider', 'p', limit)
  const client = await daemon.connect(options)
  const observer = await daemon.connect({ requestTimeout: 20_000, restartPatience: 20_000 })
  const waiting = async () => (await observer.call('admission.waiting', { cursor: 0n })).waiting
  const inFlight = async () => (await observer.call('ledger.provider', { provider: 'p' })).account?.inFlight ?? 0
  const totals = async () => (await observer.call('admission.permits', { cursor: 0n })).totals
  return { daemon, client, observer, waiting, inFlight, totals }
}

/** A call in flight, until it is told to end. */
async function hold (client) {
  const permit = await client.admit('p')
  return () => client.settle(permit, 'success')
}

/** A promise and what resolves it. */
function gate () {
  let open
  const opened = new Promise(resolve => { open = resolve })
  return { open, opened }
}

test('calls get their turns in order, the urgent ones first', async t => {
  const { client, waiting, inFlight } = await start(t)
  const release = await hold(client)
  const order = []
  const calls = []
  for (const [name, priority] of [['first', 3], ['second', undefined], ['urgent', 0], ['idle', 7]]) {
    calls.push(client.withPermit('p', { wait, priority }, () => { order.push(name) }))
    await until(async () => await waiting() === calls.length)
  }
  await release()
  await Promise.all(calls)
  assert.deepEqual(order, ['urgent', 'first', 'second', 'idle'])
  assert.equal(await inFlight(), 0)
})

test('one that polls gets nothing while others wait', async t => {
  const { daemon, client, waiting } = await start(t)
  const poller = await daemon.connect()
  const release = await hold(client)
  let polls = 0
  let isPolling = true
  const poll = async () => {
    while (isPolling) {
      await assert.rejects(poller.admit('p'), error => ['limit', 'waiting'].includes(error.reasons[0].reason))
      polls += 1
    }
  }
  const served = []
  const calls = []
  let polling
  for (let number = 0; number < 12; number += 1) {
    calls.push(client.withPermit('p', { wait }, async () => {
      const asked = polls
      await until(() => polls > asked + 2)
      served.push(number)
      if (served.length < 12) return
      isPolling = false
      await polling
    }))
    await until(async () => await waiting() === number + 1)
  }
  polling = poll()
  await release()
  await Promise.all([...calls, polling])
  assert.deepEqual(served, Array.from({ length: 12 }, (_, number) => number))
})

test('a call that waits in vain is told why', async t => {
  const { client, waiting } = await start(t)
  const release = await hold(client)
  const began = performance.now()
  await assert.rejects(client.admit('p', { wait: 300 }), error => {
    assert.equal(error.code, 'ERR_FUSEBOX_DENIED')
    assert.deepEqual(error.reasons.map(({ reason }) => reason), ['limit'])
    return true
  })
  assert.ok(performance.now() - began >= 299)
  assert.equal(await waiting(), 0)
  await client.call('exhaustion.mark', { provider: 'q', resetAfterMilliseconds: 600_000 })
  await assert.rejects(client.admit('q', { wait: 10_000 }), error => error.reasons[0].reason === 'exhausted')
  await release()
})

test('what is out of range is not sent', async t => {
  const { client } = await start(t)
  for (const options of [{ wait: -1 }, { wait: 90_000_000 }, { wait: NaN }, { priority: 8 }, { priority: 1.5 }]) {
    await assert.rejects(client.admit('p', options), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
    await assert.rejects(client.withPermit('p', options, () => {}), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  }
})

test('many promises wait on one connection, and each gets its turn', async t => {
  const { client, totals } = await start(t, '4 in flight')
  let running = 0
  let most = 0
  await Promise.all(Array.from({ length: 200 }, () => client.withPermit('p', { wait }, async permit => {
    running += 1
    most = Math.max(most, running)
    await new Promise(resolve => setImmediate(resolve))
    permit.use({ cost: 1n })
    running -= 1
  })))
  assert.ok(most <= 4, `${most} at once`)
  assert.equal((await client.call('ledger.total')).spend, 200n)
  const { granted, settled, outstanding } = await totals()
  assert.deepEqual([granted, settled, outstanding], [200n, 200n, 0n])
})

test('all candidates of a call wait for its time together', async t => {
  const { client } = await start(t)
  const release = await hold(client)
  const began = performance.now()
  // The second candidate has only what the first has left of the time.
  const failed = Object.assign(new Error('overloaded'), { status: 503 })
  await assert.rejects(client.withPermit(['a', 'p'], { wait: 600 }, async () => {
    await until(() => performance.now() - began > 400)
    throw failed
  }), failed)
  const took = performance.now() - began
  assert.ok(took >= 590, `${took}`)
  assert.ok(took < 10_000, `${took}`)
  await release()
})

test('fetch waits for its turn', async t => {
  const { client, waiting } = await start(t)
  const release = await hold(client)
  const answer = client.fetch('p', 'http://localhost/', {}, { wait, fetch: async () => Response.json({ usage: {} }) })
  await until(async () => await waiting() === 1)
  await release()
  assert.equal((await answer).status, 200)
})

test('an aborted signal withdraws', async t => {
  const { client, waiting, inFlight } = await start(t)
  const release = await hold(client)
  const reason = new Error('no longer needed')
  for (const call of [
    signal => client.withPermit('p', { wait, signal }, () => assert.fail('it was let through')),
    signal => client.admit('p', { wait, signal }),
    signal => client.fetch('p', 'http://localhost/', { signal }, { wait, fetch: () => assert.fail('it was sent') }),
  ]) {
    const controller = new AbortController()
    const made = call(controller.signal)
    await until(async () => await waiting() === 1)
    controller.abort(reason)
    await assert.rejects(made, reason)
    await until(async () => await waiting() === 0)
  }
  assert.equal(await inFlight(), 1)
  await release()
  await assert.rejects(client.admit('p', { wait, signal: AbortSignal.abort(reason) }), reason)
  assert.equal(await inFlight(), 0)
})

test('a permit that comes with the abort is given back', async t => {
  const { client, observer, waiting, inFlight, totals } = await start(t)
  for (let round = 0; round < 20; round += 1) {
    const release = await hold(observer)
    const controller = new AbortController()
    const made = client.admit('p', { wait, signal: controller.signal, ttl: 600_000 })
    await until(async () => await waiting() === 1)
    // The grant is on its way, and the client has not read it, because its socket is not read.
    client.exchange.connection.socket.pause()
    await release()
    await until(async () => await waiting() === 0)
    controller.abort()
    client.exchange.connection.socket.resume()
    await assert.rejects(made, { name: 'AbortError' })
    await until(async () => await inFlight() === 0)
  }
  const { granted, settled, outstanding } = await totals()
  assert.deepEqual([granted, settled, outstanding], [40n, 40n, 0n])
})

test('a permit whose caller has gone before the reply is given back', async t => {
  const { client, inFlight } = await start(t)
  client.settings.requestTimeout = 50
  client.exchange.connection.socket.pause()
  await assert.rejects(client.admit('p', { ttl: 600_000 }), { code: 'ERR_FUSEBOX_TIMEOUT' })
  client.settings.requestTimeout = 10_000
  await until(async () => await inFlight() === 1)
  client.exchange.connection.socket.resume()
  await until(async () => await inFlight() === 0)
})

test('waits outlive the daemon, and keep their order', async t => {
  const { daemon, client, waiting, inFlight } = await start(t, '1 in flight', { requestTimeout: 1_000 })
  const holder = await daemon.connect({ requestTimeout: 1_000 })
  const { open, opened } = gate()
  const held = holder.withPermit('p', {}, () => opened)
  await until(async () => await inFlight() === 1)
  const order = []
  const calls = []
  for (let number = 0; number < 3; number += 1) {
    calls.push(client.withPermit('p', { wait }, permit => {
      order.push(number)
      permit.use({ cost: 1n })
    }))
    await until(async () => await waiting() === number + 1)
  }
  for (let kill = 0; kill < 2; kill += 1) {
    await daemon.restart()
    await until(async () => await waiting() === 3)
    await until(() => holder.isConnected)
  }
  open()
  await Promise.all([held, ...calls])
  assert.deepEqual(order, [0, 1, 2])
  assert.equal((await client.call('ledger.total')).spend, 3n)
  assert.equal(await inFlight(), 0)
})

test('a grant at the moment of return is taken once', async t => {
  const { daemon, observer, waiting, inFlight, totals } = await start(t)
  const proxy = await Proxy.start(t, daemon)
  const client = await daemon.connect({ socket: proxy.path })
  const release = await hold(observer)
  const made = client.admit('p', { wait, ttl: 600_000 })
  await until(async () => await waiting() === 1)
  proxy.stop()
  await until(() => !client.isConnected)
  await until(async () => (await observer.call('admission.waiting', { cursor: 0n })).entries[0].isAway)
  await release()
  // The daemon grants the permit with its reply to hello, before the client has asked for the ticket.
  proxy.server.listen(proxy.path)
  const { standing } = await client.settle(await made, 'success')
  assert.equal(standing, 'inForce')
  assert.deepEqual([await waiting(), await inFlight()], [0, 0])
  const { granted, settled } = await totals()
  assert.deepEqual([granted, settled], [2n, 2n])
})

test('turns go on although the daemon is killed again and again', async t => {
  const { daemon, observer, waiting, inFlight } = await start(t, '2 in flight')
  const options = { requestTimeout: 20_000, restartPatience: 20_000 }
  const clients = await Promise.all([1, 2, 3].map(() => daemon.connect(options)))
  let made = 0
  let stops = false
  const work = async (client, number) => {
    for (let turn = 1; !stops; turn += 1) {
      if ((number + turn) % 7 !== 0) {
        await client.withPermit('p', { wait, ttl: 3_600_000 }, permit => { permit.use({ cost: 1n }) })
        made += 1
        continue
      }
      // Others give up, before, after or in the moment of their grants.
      const signal = AbortSignal.timeout(turn % 20)
      const call = client.withPermit('p', { wait, ttl: 3_600_000, signal }, permit => permit.outcome('cancelled'))
      await call.catch(error => assert.equal(error.name, 'TimeoutError'))
    }
  }
  const working = clients.flatMap(client => Array.from({ length: 15 }, (_, number) => work(client, number)))
  for (let kill = 0; kill < 6; kill += 1) {
    const before = made
    await until(() => made > before + 20)
    await daemon.restart()
  }
  stops = true
  await Promise.all(working)
  await until(async () => await waiting() === 0 && await inFlight() === 0)
  assert.equal((await observer.call('ledger.total')).spend, BigInt(made))
})

test('a client that fails open goes on without the daemon', async t => {
  const { daemon, client, observer, waiting } = await start(t, '1 in flight', { failurePolicy: 'open' })
  await hold(observer)
  const permit = client.admit('p', { wait })
  await until(async () => await waiting() === 1)
  await daemon.kill()
  assert.ok((await permit).isAssumed)
})

test('a wait is withdrawn though the daemon is away', async t => {
  const { daemon, client, observer, waiting, inFlight } = await start(t)
  await hold(observer)
  const controller = new AbortController()
  const made = client.admit('p', { wait, signal: controller.signal })
  await until(async () => await waiting() === 1)
  await daemon.kill()
  await until(() => !client.isConnected)
  controller.abort()
  await assert.rejects(made, { name: 'AbortError' })
  await daemon.run()
  await until(() => client.isConnected)
  await client.call('ping')
  assert.deepEqual([await waiting(), await inFlight()], [0, 1])
})

test('a killed worker that waits frees nothing that it did not hold', async t => {
  const { daemon, client, waiting, inFlight } = await start(t)
  const release = await hold(client)
  const module = fileURLToPath(new URL('../src/index.mjs', import.meta.url))
  const worker = spawn(process.execPath, ['--input-type=module', '-e', `
    import { connect } from '${module}'
    const client = await connect({ socket: '${daemon.socket}', spool: false })
    await client.admit('p', { wait: ${wait} })
  `], { stdio: 'inherit' })
  t.after(() => worker.kill('SIGKILL'))
  await until(async () => await waiting() === 1)
  worker.kill('SIGKILL')
  await once(worker, 'close')
  await until(async () => await waiting() === 0)
  assert.equal(await inFlight(), 1)
  await assert.rejects(client.admit('p'), { code: 'ERR_FUSEBOX_DENIED' })
  await release()
  assert.equal(await inFlight(), 0)
})

test('closing the client ends its waits', async t => {
  const { daemon, observer, waiting, inFlight } = await start(t)
  const release = await hold(observer)
  const client = await daemon.connect()
  const made = client.admit('p', { wait })
  await until(async () => await waiting() === 1)
  await Promise.all([client.close(), assert.rejects(made, { code: 'ERR_FUSEBOX_CLOSED' })])
  await until(async () => await waiting() === 0)
  await release()
  assert.equal(await inFlight(), 0)
})

test('any number of calls and streams share a signal: it has one listener, which goes with the last of them', async t => {
  const { client } = await start(t)
  const release = await hold(client)
  const warnings = []
  const warn = warning => warnings.push(warning.message)
  process.on('warning', warn)
  t.after(() => process.off('warning', warn))
  const controller = new AbortController()
  const { signal } = controller
  const listeners = () => getEventListeners(signal, 'abort').length
  await Promise.all(Array.from({ length: 40 }, () => client.call('ping', {}, { signal })))
  assert.equal(listeners(), 0)
  const calls = Array.from({ length: 20 }, () => client.withPermit('p', { wait, signal }, () => {}))
  const streams = Array.from({ length: 20 }, () => client.events(['breaker'], { signal }))
  assert.equal(listeners(), 1)
  streams.pop().close()
  assert.equal(listeners(), 1)
  const reason = new Error('shutdown')
  controller.abort(reason)
  for (const { status, reason: told } of await Promise.allSettled([...calls, ...streams.map(stream => stream.next())])) {
    assert.deepEqual([status, told], ['rejected', reason])
  }
  assert.equal(listeners(), 0)
  await release()
  assert.deepEqual(warnings, [])
})
