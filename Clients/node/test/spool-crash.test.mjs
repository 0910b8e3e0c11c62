// Processes that are killed at each of their steps on the disk, while they leave or deliver reports.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, until } from './support/daemon.mjs'

const require = createRequire(import.meta.url)
const { leaveReports } = require('../src/spool.js')
const { deliverAll } = require('../src/spool-delivery.js')
const { readContents } = require('../src/spool-file.js')
const { append, beginningRecord } = require('../src/spool-records.js')
const { newWorker } = require('../src/requests.js')
const { settings } = require('../src/options.js')
const script = fileURLToPath(new URL('support/spool-process.mjs', import.meta.url))

/** Reports in a file: more than one batch. */
const count = 70

/** A daemon, and a report of one nano-dollar as a client leaves it. */
async function begin (t) {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ keepsReports: true })
  await daemon.kill()
  await until(() => !client.isConnected)
  await client.report('p/m', { outcome: 'success', usage: { cost: 1n } })
  await client.close()
  const [name] = fs.readdirSync(daemon.spool)
  const [{ command, payload }] = readContents(fs.readFileSync(path.join(daemon.spool, name))).reports
  fs.rmSync(path.join(daemon.spool, name))
  await daemon.run()
  const reader = await daemon.connect({ spool: false })
  const reports = Array.from(
    { length: count }, (_, index) => ({ sequence: index + 1, command, payload, mayHaveLeft: false }),
  )
  const own = settings({ socket: daemon.socket, spool: daemon.spool })
  return {
    daemon,
    spend: async () => Number((await reader.call('ledger.total')).spend),
    leave: () => leaveReports(own, { reports, worker: newWorker(), lastSequence: count, acquaintance: null }).files[0],
    /** Runs a process that is killed before a step. Returns the number of its steps; null if it was killed. */
    run (task, step, longest = 16 << 20) {
      const words = [script, task, daemon.socket, daemon.spool, String(step), String(longest)]
      const input = JSON.stringify(reports.map(one => ({ ...one, payload: Buffer.from(payload).toString('hex') })))
      const { signal, status, stdout, stderr } = spawnSync(process.execPath, words, { input })
      if (signal === 'SIGKILL') return null
      assert.equal(status, 0, String(stderr))
      return Number(stdout)
    },
    /** Delivers what is there. Files without a name are old enough. */
    async deliver () {
      for (let round = 0; round < 3 && fs.readdirSync(daemon.spool).length > 0; round += 1) {
        for (const name of fs.readdirSync(daemon.spool)) fs.utimesSync(path.join(daemon.spool, name), 0, 0)
        await deliverAll(own, [daemon.spool], () => false)
      }
      assert.deepEqual(fs.readdirSync(daemon.spool), [])
    },
  }
}

test('a writer that is killed at any step has left all of its reports or none', async t => {
  const { run, deliver, spend } = await begin(t)
  let before = 0
  const outcomes = []
  for (let step = 1, steps = null; steps === null; step += 1) {
    steps = run('leave', step)
    await deliver()
    const after = await spend()
    assert.ok([0, count].includes(after - before), `step ${step}: ${after - before}`)
    outcomes.push(after > before)
    before = after
  }
  assert.ok(outcomes.length > 5 && !outcomes[0] && outcomes.at(-1))
})

for (const [how, longest, most] of [['delivers', 16 << 20, 10], ['rewrites and delivers', 100, 14]]) {
  test(`a process that ${how} a file is killed at any step, and each report counts once`, async t => {
    const { leave, run, deliver, spend } = await begin(t)
    let files = 0
    for (let step = 1, steps = null; steps === null; step += 1) {
      leave()
      files += 1
      steps = run('deliver', step, longest)
      await deliver()
      assert.equal(await spend(), files * count, `step ${step}`)
    }
    assert.ok(files > most, `${files} steps`)
  })
}

test('a file that has grown longer than 16 MiB is rewritten and delivered', async t => {
  const { daemon, leave, spend } = await begin(t)
  // What deliveries to a busy daemon append, again and again.
  const { epoch } = (await daemon.connect({ spool: false })).hello
  const record = beginningRecord({ epoch, forgottenWorkers: 0n, isKnown: false })
  const records = Buffer.alloc(record.length * Math.ceil((16 << 20) / record.length), record)
  const file = leave()
  fs.appendFileSync(file, records)
  const client = await daemon.connect()
  await client.delivering
  assert.deepEqual([fs.readdirSync(daemon.spool), await spend()], [[], count])
})

test('a disk that takes a part of a record takes the rest later', t => {
  const folder = fs.mkdtempSync('/tmp/fusebox-node-')
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const descriptor = fs.openSync(path.join(folder, 'file'), 'w+')
  const write = fs.writeSync
  t.mock.method(fs, 'writeSync', (file, bytes, start, length, offset) =>
    write(file, bytes, start, Math.min(length, 3), offset))
  const data = Buffer.from('0123456789')
  assert.equal(append(descriptor, 0, [data, data]), 20)
  assert.equal(fs.readFileSync(path.join(folder, 'file'), 'latin1'), '01234567890123456789')
  fs.closeSync(descriptor)
})

test('a delivery that the disk has no room for ends, and harms nothing', async t => {
  const { daemon, leave, deliver, spend } = await begin(t)
  leave()
  const { mock } = t.mock.method(fs, 'writeSync', () => { throw new Error('ENOSPC: no space left on device') })
  const client = await daemon.connect()
  await client.delivering
  mock.restore()
  assert.equal(fs.readdirSync(daemon.spool).length, 1)
  assert.equal(await spend(), 0)
  await deliver()
  assert.equal(await spend(), count)
})
