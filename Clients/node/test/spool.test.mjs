// What a client could not deliver before it was closed is delivered by the next client of its user.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import { Daemon, connect, until } from './support/daemon.mjs'
import { Proxy } from './support/proxy.mjs'

const require = createRequire(import.meta.url)
const { deliverAll } = require('../src/spool-delivery.js')
const { settings } = require('../src/options.js')

const files = folder => readdirSync(folder).filter(name => name.endsWith('.spool'))

test('reports of a client that is closed without a daemon count once they are delivered', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ keepsReports: true })
  const permit = await client.admit('p/m', { cost: 1, ttl: 86_400_000 })
  await daemon.kill()
  await until(() => !client.isConnected)
  assert.equal((await client.settle(permit, { outcome: 'success', usage: { cost: 1n } })).delivery, 'queued')
  for (let index = 0; index < 10; index += 1) await client.report('p/m', { outcome: 'success', usage: { cost: 100n } })
  await client.close()
  assert.equal(client.droppedReports, 0)
  assert.equal(files(daemon.spool).length, 1)
  assert.equal(lstatSync(daemon.spool).mode & 0o777, 0o700)
  assert.equal(lstatSync(path.join(daemon.spool, files(daemon.spool)[0])).mode & 0o777, 0o600)
  assert.match(await daemon.tool('spool', 'list'), /11/)
  await daemon.run()
  await daemon.tool('spool', 'deliver')
  const next = await daemon.connect()
  assert.equal((await next.call('ledger.total')).spend, 1_001n)
  assert.equal((await next.call('admission.permits', { cursor: 0n })).totals.settled, 1n)
  assert.deepEqual(files(daemon.spool), [])
})

test('the logger hears of connections, and of what is left and lost', async t => {
  const daemon = await Daemon.start(t)
  const words = []
  const logger = { info: text => words.push(text), warn: text => words.push(text) }
  const options = { socket: daemon.socket, keepsReports: true, logger }
  const told = async spool => {
    words.length = 0
    const client = await connect({ ...options, spool, queueLimit: 1 })
    await daemon.kill()
    await until(() => !client.isConnected)
    for (let count = 0; count < 3; count += 1) await client.report('p', 'success')
    await client.close()
    await daemon.run()
    return { words: [...words], dropped: client.droppedReports }
  }
  const lost = await told(false)
  assert.match(lost.words[0], /connected to .*socket \(fuseboxd/)
  assert.match(lost.words[1], /is lost/)
  assert.match(lost.words[2], /more than 1 reports wait/)
  assert.match(lost.words[3], /reports are lost \(1\)/)
  assert.deepEqual([lost.words.length, lost.dropped], [4, 3])
  const left = await told(daemon.spool)
  assert.ok(left.words.at(-1).endsWith(path.join(daemon.spool, files(daemon.spool)[0])), left.words.at(-1))
  assert.equal(left.dropped, 2)
})

test('a report whose reply was lost is left with its number, and counts once', async t => {
  const daemon = await Daemon.start(t)
  const proxy = await Proxy.start(t, daemon)
  const client = await connect({ socket: proxy.path, spool: daemon.spool, keepsReports: true, requestTimeout: 300 })
  proxy.passes = 1
  const { delivery } = await client.report('p/m', { outcome: 'success', usage: { cost: 7n } })
  assert.notEqual(delivery, 'delivered')
  await client.close()
  assert.equal(files(daemon.spool).length, 1)
  // The file is for the socket that the client used.
  proxy.passes = Infinity
  const socket = daemon.socket
  daemon.socket = proxy.path
  await daemon.tool('spool', 'deliver')
  daemon.socket = socket
  const next = await daemon.connect()
  assert.equal((await next.call('ledger.total')).spend, 7n)
  assert.deepEqual(files(daemon.spool), [])
})

test('a folder that others can write to is not used', async t => {
  const daemon = await Daemon.start(t)
  mkdirSync(daemon.spool, { mode: 0o755 })
  const client = await connect({ socket: daemon.socket, spool: daemon.spool, keepsReports: true })
  await daemon.kill()
  await until(() => !client.isConnected)
  await client.report('p/m', 'success')
  await assert.rejects(client.close(), /mode 0700/)
})

test('a client without reports leaves nothing', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ keepsReports: true })
  await client.report('p/m', 'success')
  await client.close()
  assert.throws(() => readdirSync(daemon.spool), { code: 'ENOENT' })
})

/** Leaves reports of one nano-dollar each, and returns the daemon stopped. */
async function leave (t, count) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ keepsReports: true, queueLimit: 1_000 })
  await daemon.kill()
  await until(() => !client.isConnected)
  const reports = Array.from({ length: count }, () => client.report('p/m', { outcome: 'success', usage: { cost: 1n } }))
  await Promise.all(reports)
  await client.close()
  assert.equal(files(daemon.spool).length, 1)
  return daemon
}

const spend = async client => (await client.call('ledger.total')).spend

test('the next Node client delivers what another one left', async t => {
  const daemon = await leave(t, 200)
  await daemon.run()
  const client = await daemon.connect()
  await until(() => files(daemon.spool).length === 0)
  assert.equal(await spend(client), 200n)
})

test('of clients that come at once, one delivers', async t => {
  const daemon = await leave(t, 100)
  await daemon.run()
  const clients = await Promise.all(Array.from({ length: 8 }, () => daemon.connect()))
  await until(() => files(daemon.spool).length === 0)
  await Promise.all(clients.map(client => client.delivering))
  assert.equal(await spend(clients[0]), 100n)
})

test('a delivery that is interrupted again and again counts each report once', async t => {
  const daemon = await leave(t, 300)
  await daemon.run()
  const proxy = await Proxy.start(t, daemon)
  // The file says which socket it is for. The proxy takes its place.
  const socket = `${daemon.socket}2`
  renameSync(daemon.socket, socket)
  proxy.target = socket
  proxy.server.close()
  proxy.server.listen(daemon.socket)
  await once(proxy.server, 'listening')
  let deliveries = 0
  for (; files(daemon.spool).length > 0; deliveries += 1) {
    // Hello passes, and a part of the replies to the batches that follow.
    proxy.passes = deliveries < 6 ? 1 + deliveries % 3 : Infinity
    await deliverAll(settings({ socket: daemon.socket, spool: daemon.spool }), [daemon.spool], () => false)
  }
  assert.ok(proxy.losses >= 3, `${proxy.losses} losses in ${deliveries} deliveries`)
  proxy.passes = Infinity
  const client = await connect({ socket, spool: false })
  assert.equal(await spend(client), 300n)
  await client.close()
})

test('what may have counted in another life of the state is left to a person', async t => {
  // It is removed first, because it serves at the socket of the other one.
  const other = new Daemon()
  t.after(() => other.remove())
  const daemon = await Daemon.start(t)
  const proxy = await Proxy.start(t, daemon)
  const client = await connect({ socket: proxy.path, spool: daemon.spool, keepsReports: true, requestTimeout: 300 })
  await client.report('p/m', { outcome: 'success', usage: { cost: 1n } })
  proxy.passes = 1
  await client.report('p/m', { outcome: 'success', usage: { cost: 2n } })
  await client.close()
  assert.equal(files(daemon.spool).length, 1)
  await other.run()
  proxy.target = other.socket
  proxy.passes = Infinity
  await deliverAll(settings({ socket: proxy.path, spool: daemon.spool }), [daemon.spool], () => false)
  assert.equal(files(daemon.spool).length, 1)
  assert.equal(await spend(await other.connect()), 0n)
  other.spool = daemon.spool
  assert.match(await other.tool('spool', 'list'), /undecided/i)
})

test('a record that a crash interrupted is cut off, and a damaged file is left alone', async t => {
  const daemon = await leave(t, 5)
  const file = path.join(daemon.spool, files(daemon.spool)[0])
  const whole = readFileSync(file)
  const damaged = Buffer.from(whole)
  damaged[40] ^= 1
  writeFileSync(file, damaged)
  await daemon.run()
  const client = await daemon.connect()
  await client.delivering
  assert.equal(await spend(client), 0n)
  writeFileSync(file, Buffer.concat([whole, Buffer.from([60, 0, 0, 0, 1, 2, 3, 4, 4, 9])]))
  await daemon.connect()
  await until(() => files(daemon.spool).length === 0)
  assert.equal(await spend(client), 5n)
})
