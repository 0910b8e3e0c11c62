// The drop-in in a worker of another user, who is no operator.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { Daemon } from './support/daemon.mjs'

test('a worker without an operator\'s rights goes on, and its logger hears what was refused', async t => {
  if (process.getuid() !== 0) return t.skip('only root can start a worker of another user')
  const daemon = new Daemon(['--profile', 'llm-providers', '--socket-mode', '0666'])
  t.after(() => daemon.remove())
  await daemon.run()
  // Another user has to come to the socket, and to the sources.
  chmodSync(daemon.folder, 0o755)
  cpSync(new URL('../src', import.meta.url), path.join(daemon.folder, 'src'), { recursive: true })
  const worker = path.join(daemon.folder, 'test', 'support', 'worker.mjs')
  cpSync(new URL('support/worker-without-rights.mjs', import.meta.url), worker)
  const client = await daemon.connect()
  await client.call('exhaustion.mark', { provider: 'openai', resetAfterMilliseconds: 60_000 })
  const nobody = 65_534
  const out = execFileSync(process.execPath, [worker, daemon.socket, path.join(daemon.folder, 'none')], {
    uid: nobody, gid: nobody, encoding: 'utf8', cwd: daemon.folder,
  })
  const { budget, answer, refused, warnings } = JSON.parse(out)
  assert.deepEqual([budget, answer], [5, 'ok'])
  // A budget, its rate limit, a refund, a period, a mark, all marks, a configuration, force open, reset, restore.
  assert.equal(refused, 10, warnings.join('\n'))
  assert.equal(warnings.length, refused)
  // What it may do counts, and nothing else has changed.
  assert.equal((await client.call('ledger.total')).spend, 2_000_000_000n)
  const { entries } = await client.call('exhaustion.list', { cursor: 0n })
  assert.deepEqual(entries.map(({ provider }) => provider).sort(), ['anthropic', 'openai'])
  assert.equal((await client.call('breaker.get', { name: 'groq' })).status.totalSuccesses, 1n)
  assert.deepEqual((await client.call('limit.list', { cursor: 0n })).entries, [])
})
