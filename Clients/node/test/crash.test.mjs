// Four workers, and a daemon that is killed while they work: every call counts exactly once, to the nano-dollar.
// FUSEBOX_KILLS sets the number of kills.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, until } from './support/daemon.mjs'

const kills = Number(process.env.FUSEBOX_KILLS ?? 10)
const worker = fileURLToPath(new URL('support/crash-worker.mjs', import.meta.url))

test(`totals are exact after ${kills} kills of the daemon`, async t => {
  const daemon = await Daemon.start(t)
  const workers = Array.from({ length: 4 }, (_, index) => {
    const process = spawn(
      globalThis.process.execPath, [worker, daemon.socket, daemon.spool, `w${index}`],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const found = { process, out: '' }
    process.stdout.on('data', text => { found.out += text })
    found.ended = once(process, 'close')
    return found
  })
  for (let kill = 0; kill < kills; kill += 1) {
    // Each life of the daemon is long enough for work, and the next kill falls somewhere in it.
    const observer = await daemon.connect()
    const before = (await observer.call('ledger.total')).spend
    await until(async () => (await observer.call('ledger.total')).spend > before)
    const requests = (await observer.call('status')).requests
    await until(async () => (await observer.call('status')).requests > requests + BigInt(kill * 37 % 101))
    await Promise.all([daemon.kill(), observer.close()])
    await daemon.run()
  }
  for (const { process } of workers) process.stdin.end()
  const books = await Promise.all(workers.map(async found => {
    const [status] = await found.ended
    assert.equal(status, 0)
    return JSON.parse(found.out)
  }))
  const client = await daemon.connect()
  let requests = 0n
  for await (const account of client.list('ledger.providers')) requests += account.usage.requests
  const total = key => books.reduce((sum, book) => sum + BigInt(book[key]), 0n)
  assert.equal(total('unknown') + total('dropped') + total('queued'), 0n)
  assert.equal(requests, total('requests'))
  assert.equal((await client.call('ledger.total')).spend, total('cost'))
  assert.ok(requests > BigInt(kills) * 10n)
  const { totals } = await client.call('admission.permits', { cursor: 0n })
  assert.equal(totals.outstanding + totals.expired + totals.reclaimed, 0n)
  assert.equal(totals.granted, totals.settled)
  t.diagnostic(`${requests} calls, ${total('cost')} nano-dollars`)
})
