// What a client could not deliver before it was closed is delivered by the next client of its user.

import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { Daemon, connect, until } from './support/daemon.mjs'
import { Proxy } from './support/proxy.mjs'

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
