// Workers that are killed, and workers whose event loop stands still.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, until } from './support/daemon.mjs'

const client = fileURLToPath(new URL('../src/index.mjs', import.meta.url))

/** Starts a worker that has a client. */
function start (t, daemon, program, options = '') {
  const text = `
    import { connect } from '${client}'
    const client = await connect({ socket: '${daemon.socket}', spool: '${daemon.spool}', ${options} })
    ${program}
  `
  const process = spawn(globalThis.process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => process.kill('SIGKILL'))
  const worker = { process, out: '', ended: once(process, 'close') }
  process.stdout.on('data', text => { worker.out += text })
  return worker
}

test('what a killed worker holds is given back at once, and what it has reported counts', async t => {
  const daemon = await Daemon.start(t)
  const observer = await daemon.connect()
  const totals = async () => (await observer.call('admission.permits', { cursor: 0n })).totals
  const worker = start(t, daemon, `
    for (const cost of [1n, 2n, 4n]) await client.report('openai/m', { outcome: 'success', usage: { cost } })
    client.withPermit('openai/m', {}, () => new Promise(() => setInterval(() => {}, 1_000)))
    client.admit('openai/m')
  `)
  await until(async () => (await totals()).outstanding === 2n)
  worker.process.kill('SIGKILL')
  await until(async () => (await totals()).reclaimed === 2n)
  assert.equal((await observer.call('ledger.total')).spend, 7n)
})

test('an event loop that stands still for five seconds loses neither replies nor permits', async t => {
  const daemon = await Daemon.start(t)
  const worker = start(t, daemon, `
    const permit = await client.admit('openai/m', { cost: 1 })
    const stream = client.events(['exhaustion'])
    await stream.ready
    const pending = Array.from({ length: 100 }, () => client.call('ledger.record', {
      provider: 'openai', model: 'm', cost: 1n, tokens: {},
    }))
    const mark = client.call('exhaustion.mark', { provider: 'p', resetAfterMilliseconds: 60_000 })
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000))
    await Promise.all([...pending, mark])
    const { value } = await stream.next()
    const { standing } = await client.settle(permit, { outcome: 'success', usage: { cost: 1n } })
    console.log(value.name, standing, (await client.call('ledger.total')).spend)
    await client.close()
  `, 'requestTimeout: 1_000')
  assert.deepEqual(await worker.ended, [0, null])
  assert.equal(worker.out, 'providerExhausted inForce 101n\n')
})

test('a worker of the drop-in for llm-providers ends by itself', async t => {
  const daemon = await Daemon.start(t)
  const library = fileURLToPath(new URL('../src/llm-providers.mjs', import.meta.url))
  const worker = start(t, daemon, `
    const library = await import('${library}')
    library.configure({ socket: '${daemon.socket}', spool: '${daemon.spool}' })
    await library.ready
    new library.ExhaustionRegistry().markExhausted('openai')
    console.log(await new library.CircuitBreaker('openai').exec(async () => 'answer'))
  `)
  assert.deepEqual(await worker.ended, [0, null])
  assert.equal(worker.out, 'answer\n')
  const observer = await daemon.connect()
  assert.equal((await observer.call('exhaustion.get', { provider: 'openai' })).entry.provider, 'openai')
})
