// Calls, failure policies, reconnecting and closing, against a real daemon.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, connect, until } from './support/daemon.mjs'

test('commands of every effect are answered', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ clientName: 'test' })
  assert.equal(client.hello.profile, 'fusebox')
  assert.ok(client.isConnected)
  const { wall } = await client.call('ping')
  assert.ok(Math.abs(wall - Date.now()) < 60_000)
  assert.equal((await client.call('breaker.acquire', { name: 'openai', draw: null })).admitted, true)
  await client.call('breaker.failure', { name: 'openai' })
  const { status } = await client.call('breaker.get', { name: 'openai' })
  assert.equal(status.consecutiveFailures, 1)
  await client.call('ledger.record', { provider: 'openai', model: 'gpt-4o', cost: 1_200_000n, tokens: { input: 120 } })
  assert.equal((await client.call('ledger.total')).spend, 1_200_000n)
  assert.ok((await client.call('snapshot.now')).sequence > 0n)
})

test('a refusal is an error with the status, and a wrong argument is not sent', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  await assert.rejects(client.call('admission.settle', { permit: 7n, outcome: 'success' }), error => {
    assert.equal(error.code, 'ERR_FUSEBOX_REFUSED')
    assert.equal(error.name, 'RefusedError')
    assert.equal(error.status, 'notFound')
    return true
  })
  await assert.rejects(client.call('breaker.success', { name: '' }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  await assert.rejects(client.call('no.such', {}), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  await assert.rejects(connect({ sokcet: 'x' }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  await client.call('ping')
})

test('a thousand requests at once are pipelined on one connection and each gets its own reply', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const names = Array.from({ length: 1_000 }, (_, index) => `provider ${index}`)
  await Promise.all(
    names.map(name => client.call('ledger.record', { provider: name, model: 'm', cost: BigInt(name.length) })),
  )
  const models = await Promise.all(names.map(provider => client.call('ledger.provider', { provider })))
  models.forEach(({ account }, index) => {
    assert.equal(account.provider, names[index])
    assert.equal(account.usage.spend, BigInt(names[index].length))
  })
  assert.equal((await client.call('status')).connections, 1)
  const listed = []
  for await (const account of client.list('ledger.providers')) listed.push(account.provider)
  assert.deepEqual(listed.sort(), names.sort())
})

test('an aborted signal ends the wait and nothing else', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const controller = new AbortController()
  const reason = new Error('enough')
  const record = client.call('ledger.record', { provider: 'p', model: 'm', cost: 5n }, { signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(record, reason)
  await assert.rejects(client.call('ping', {}, { signal: controller.signal }), reason)
  assert.ok((await client.call('ledger.total')).spend <= 5n)
})

test('without a daemon, connect and calls that fail closed reject at once', async t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-node-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const socket = path.join(folder, 'socket')
  const start = performance.now()
  await assert.rejects(connect({ socket, spool: false }), error => {
    assert.equal(error.code, 'ERR_FUSEBOX_UNAVAILABLE')
    assert.match(error.message, /there is no socket/)
    return true
  })
  assert.ok(performance.now() - start < 900)
})

test('a call finds a daemon that has come back, whatever the backoff', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ backoffMinimum: 60_000, backoffMaximum: 60_000 })
  await daemon.kill()
  await until(() => !client.isConnected)
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_UNAVAILABLE' })
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_UNAVAILABLE' })
  await daemon.run()
  await client.call('ping')
})

test('with patience a call waits for a restart', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ restartPatience: 60_000, requestTimeout: 60_000 })
  await daemon.kill()
  await until(() => !client.isConnected)
  const ping = client.call('ping')
  const record = client.call('ledger.record', { provider: 'p', model: 'm', cost: 3n })
  await daemon.run()
  await ping
  await record
  assert.equal((await client.call('ledger.total')).spend, 3n)
})

test('a client that fails open permits calls, and delivers its reports when the daemon is back', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ failurePolicy: 'open', backoffMaximum: 100 })
  await daemon.kill()
  await until(() => !client.isConnected)
  const permit = await client.admit(['openai/gpt-4o'], { cost: 1 })
  assert.ok(permit.isAssumed)
  assert.equal((await client.settle(permit, { outcome: 'success', usage: { cost: '0.25' } })).delivery, 'queued')
  const answer = await client.withPermit('openai/gpt-4o', {}, permit => {
    permit.use({ cost: 0.5 })
    return permit.isAssumed
  })
  assert.equal(answer, true)
  assert.equal(client.queuedReports, 2)
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_UNAVAILABLE' })
  await daemon.run()
  await until(async () => client.queuedReports === 0 && client.isConnected)
  assert.equal((await client.call('ledger.total')).spend, 750_000_000n)
  assert.equal(client.droppedReports, 0)
})

test('a client that fails open drops the oldest reports above its limit and counts them', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ failurePolicy: 'open', queueLimit: 2 })
  await daemon.kill()
  await until(() => !client.isConnected)
  for (const cost of [1n, 2n, 4n]) assert.equal(
    (await client.report('p/m', { outcome: 'success', usage: { cost } })).delivery, 'queued',
  )
  assert.equal(client.queuedReports, 2)
  assert.equal(client.droppedReports, 1)
  await daemon.run()
  await until(async () => client.queuedReports === 0 && client.isConnected)
  assert.equal((await client.call('ledger.total')).spend, 6n)
})

test('a client that fails open is returned without a daemon', async t => {
  const daemon = await Daemon.start(t)
  await daemon.kill()
  const client = await daemon.connect({ failurePolicy: 'open', backoffMaximum: 50 })
  assert.equal(client.isConnected, false)
  assert.ok((await client.admit('p')).isAssumed)
  await daemon.run()
  await until(async () => !(await client.admit('p')).isAssumed)
})

test('a daemon that does not answer costs a call its timeout and no more', async t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-node-'))
  const socket = path.join(folder, 'socket')
  const sockets = []
  const server = net.createServer(peer => sockets.push(peer)).listen(socket)
  await once(server, 'listening')
  t.after(() => {
    for (const peer of sockets) peer.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  await assert.rejects(connect({ socket, connectTimeout: 50, spool: false }), /did not answer hello in time/)
  const client = await connect({ socket, connectTimeout: 50, failurePolicy: 'open', spool: false })
  assert.ok((await client.admit('p')).isAssumed)
  await client.close()
})

test('a permit outlives a restart of the daemon, because its client comes back by itself', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const permit = await client.admit('openai', { cost: 1, ttl: 600_000 })
  await daemon.restart()
  await until(() => client.isConnected)
  assert.equal((await client.settle(permit, { outcome: 'success', usage: { cost: 0.1 } })).standing, 'inForce')
})

test('the permit of a long call is renewed', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  await client.withPermit('openai', { ttl: 300 }, async permit => {
    const first = permit.expiresAt
    await until(async () => {
      const { permits } = await client.call('admission.permits', { cursor: 0n })
      return permits[0].expiresAt > first
    })
  })
  const { totals } = await client.call('admission.permits', { cursor: 0n })
  assert.equal(totals.settled, 1n)
  assert.equal(totals.expired, 0n)
})

test('goodbye gives back what a worker holds, and a closed client refuses', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const other = await daemon.connect()
  await client.admit('openai')
  await client.close()
  await until(async () => (await other.call('admission.permits', { cursor: 0n })).totals.reclaimed === 1n)
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_CLOSED' })
  await client.close()
})

/** Runs a program that has a client. Returns what it prints, once it has ended by itself. */
async function run (daemon, program) {
  const client = fileURLToPath(new URL('../src/index.mjs', import.meta.url))
  const text = `
    import { connect } from '${client}'
    const client = await connect({ socket: '${daemon.socket}', spool: false })
    ${program}
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', text => { out += text })
  assert.deepEqual(await once(child, 'close'), [0, null])
  return out
}

test('an idle client does not keep the process alive, although it holds a permit', async t => {
  const daemon = await Daemon.start(t)
  const out = await run(daemon, `
    await client.admit('openai')
    console.log((await client.call('ping')).wall > 0)
  `)
  assert.equal(out, 'true\n')
})

test('who waits for an event keeps the process alive', async t => {
  const daemon = await Daemon.start(t)
  const out = await run(daemon, `
    const stream = client.events()
    await stream.ready
    client.call('breaker.forceOpen', { name: 'x' })
    for await (const event of stream) {
      console.log(event.name, event.fields.to)
      break
    }
  `)
  assert.equal(out, 'breakerTransition open\n')
})

test('events arrive in their order, and the stream says why it ends', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const stream = client.events(['exhaustion', 'breaker'])
  await stream.ready
  for (let index = 0; index < 600; index += 1) client.call(
    'exhaustion.mark', { provider: `p${index}`, resetAfterMilliseconds: 60_000 + index },
  )
  let count = 0
  for await (const event of stream) {
    assert.equal(event.name, 'providerExhausted')
    assert.equal(event.fields.entry.provider, `p${count}`)
    assert.equal(event.missed, 0n)
    count += 1
    if (count === 600) break
  }
  assert.deepEqual(await stream.next(), { value: undefined, done: true })
  const second = client.events()
  await second.ready
  const next = second.next()
  const failed = assert.rejects(next, { code: 'ERR_FUSEBOX_UNAVAILABLE' })
  await daemon.kill()
  await failed
  assert.throws(() => client.events(['nothing']), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
})

test('a reply that cannot be read is an error of its request alone', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const { commands } = createRequire(import.meta.url)('../src/protocol/commands.js')
  t.mock.method(commands.ping, 'readReply', reader => reader.take(1_000))
  await assert.rejects(client.call('ping'), { code: 'ERR_FUSEBOX_PROTOCOL' })
  t.mock.restoreAll()
  await client.call('ping')
  assert.ok(client.isConnected)
})
