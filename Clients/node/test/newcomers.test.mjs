// The mistakes of people who begin: each is told, by what it was, where, and what to do.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { Daemon, connect } from './support/daemon.mjs'

const require = createRequire(import.meta.url)
const { UnavailableError } = require('../src/index.js')
const unavailable = { name: 'UnavailableError', code: 'ERR_FUSEBOX_UNAVAILABLE' }
const invalid = message => ({ name: 'InvalidArgumentError', code: 'ERR_FUSEBOX_INVALID_ARGUMENT', message })

test('what stands at the path in place of the socket is told', async t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-node-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(path.join(folder, 'file'), '')
  const left = path.join(folder, 'left')
  // A process that is killed leaves its socket.
  const script = `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  for (const [name, reason] of [
    ['nothing', 'there is no socket'], ['file', 'this is not a socket'], ['', 'this is not a socket'],
    ['left', 'nobody listens on the socket'],
  ]) {
    const socket = path.join(folder, name)
    const message = `no daemon answers at ${socket}: ${reason}; is fuseboxd running, and is $FUSEBOX_SOCKET right?`
    await assert.rejects(connect({ socket }), { ...unavailable, message }, name)
  }
})

test('who may not connect is told who may', () => {
  assert.equal(
    new UnavailableError('/run/s', 'permission denied').message,
    "no daemon answers at /run/s: permission denied; members of the socket's group may connect, from their next login on",
  )
})

test('options of the client', async () => {
  for (const [options, message] of [
    ['/run/s', "options: '/run/s' is not an object such as { socket: '/path' }"],
    [{ socket: 8080 }, 'socket: 8080 is no string'],
    [{ spool: 1 }, 'spool: 1 is no string or boolean'],
    [{ timout: 5 }, "there is no option 'timout'"],
    [{ failurePolicy: 'fail_open' }, "failurePolicy: 'fail_open' is neither 'closed' nor 'open'"],
  ]) await assert.rejects(connect(options), invalid(message))
})

test('routes, options, outcomes and permits of calls', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ spool: false })
  const call = (route, options = {}) => client.withPermit(route, options, async () => 'called')
  for (const [route, message] of [
    ['/gpt-4o', "'/gpt-4o' is no route: provider[@deployment][/model]"],
    ['openai/', "'openai/' is no route: provider[@deployment][/model]"],
    ['openai@/gpt-4o', "'openai@/gpt-4o' is no route: provider[@deployment][/model]"],
    ['', "'' is no route: provider[@deployment][/model]"],
    [undefined, 'undefined is neither a route nor a candidate'],
    [{ model: 'gpt-4o' }, "a candidate's provider is a string, not undefined"],
  ]) await assert.rejects(call(route), invalid(message))
  for (const [options, message] of [
    [{ cost: -1 }, 'cost: $-1 is not between $0 and $1,000,000, for one call'],
    [{ cost: '$0.10' }, "cost: '$0.10' is not an amount of dollars"],
    [{ tokens: 5.5 }, 'tokens: 5.5 is not a whole number from 0 to 4294967295'],
    [{ costs: 5 }, "there is no option 'costs'"],
    [{ wait: '30s' }, 'wait: 30s is not a number of milliseconds from 0 to 86400000'],
  ]) await assert.rejects(call('openai', options), invalid(message))
  await client.withPermit('openai', { cost: 0.1 }, async permit => assert.equal(permit.heldCost, 100_000_000n))
  await assert.rejects(client.report('openai', 'ok'), invalid(/^outcome: ok is none of success, failure, /))
  await assert.rejects(
    client.withPermit('openai', {}, async permit => permit.outcome('ok')), invalid(/^outcome: ok is none of success/),
  )
  const permit = await client.admit('openai')
  await assert.rejects(client.settle(permit), invalid(/^outcome: undefined is none of/))
  await client.settle(permit, 'success')
  await assert.rejects(client.settle(5, 'success'), invalid('permit: what admit returned, not 5'))
  const admitting = client.admit('openai')
  await assert.rejects(
    client.settle(admitting, 'success'), invalid('permit: what admit returned, not a promise; is an await missing?'),
  )
  await client.settle(await admitting, 'success')
})

test('usage after the end of its call, and a model without its provider, are warned of once', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ spool: false })
  const warnings = []
  const note = ({ code, message }) => warnings.push({ code, message })
  process.on('warning', note)
  t.after(() => process.off('warning', note))
  let late
  await client.withPermit('openai/gpt-4o', {}, async permit => { late = permit })
  late.use({ cost: 1n })
  late.usage({ prompt_tokens: 1, completion_tokens: 1 })
  for (let count = 0; count < 2; count += 1) await client.withPermit('gpt-4o', {}, async () => {})
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(warnings.map(({ code }) => code), ['FUSEBOX_LATE_USAGE', 'FUSEBOX_NO_PROVIDER'])
  assert.match(warnings[0].message, /^the call by openai\/gpt-4o has ended; usage that is told now does not count/)
  assert.match(warnings[1].message, /^the route 'gpt-4o' names a provider, and no model/)
})
