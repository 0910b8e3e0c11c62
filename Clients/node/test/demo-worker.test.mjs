// The worker of the demonstration, against a real daemon and a provider that answers as it is told.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import readline from 'node:readline'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon } from './support/daemon.mjs'

const program = fileURLToPath(new URL('../examples/demo-worker.mjs', import.meta.url))

test('the worker of the demonstration asks before each call and reports afterwards', async t => {
  const daemon = await Daemon.start(t)
  const answers = { openai: '200 1230000 100 300' }
  const provider = net.createServer({ allowHalfOpen: true }, socket => {
    let name = ''
    socket.on('data', piece => { name += piece })
    socket.on('end', () => socket.end(answers[name]))
  })
  const address = path.join(path.dirname(daemon.socket), 'provider')
  provider.listen(address)
  await once(provider, 'listening')
  t.after(() => provider.close())

  const environment = { ...process.env, FUSEBOX_SPOOL: daemon.spool }
  const worker = spawn(process.execPath, [program, daemon.socket, address], {
    stdio: ['pipe', 'pipe', 'inherit'], env: environment,
  })
  t.after(() => worker.kill())
  const lines = readline.createInterface({ input: worker.stdout })[Symbol.asyncIterator]()
  const ask = async task => {
    worker.stdin.write(`${task}\n`)
    return (await lines.next()).value.split(' ').map(Number)
  }

  assert.deepEqual(await ask('work 3 openai'), [3, 3, 0, 0, 0, 0, 3 * 1_230_000])
  answers.openai = '500'
  const [called, succeeded, failed] = await ask('until-open openai')
  assert.deepEqual([succeeded, failed], [0, called])
  assert.ok(called >= 5)
  assert.deepEqual(await ask('work 2 openai'), [0, 0, 0, 0, 2, 0, 0])
  answers.anthropic = '429'
  assert.deepEqual(await ask('work 1 anthropic'), [1, 0, 0, 1, 0, 0, 0])
  assert.deepEqual(await ask('work 2 anthropic'), [0, 0, 0, 0, 0, 2, 0])
  const ended = once(worker, 'close')
  worker.stdin.end()
  assert.deepEqual(await ended, [0, null])

  const client = await daemon.connect()
  const { account } = await client.call('ledger.provider', { provider: 'openai' })
  assert.deepEqual([account.usage.requests, account.usage.inputTokens, account.usage.outputTokens], [3n, 100n * 3n, 900n])
})
