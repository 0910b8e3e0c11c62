// The folder of the spool, which other processes write to and deliver from at the same time.

import assert from 'node:assert/strict'
import fs, { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { Daemon, connect, until } from './support/daemon.mjs'

const require = createRequire(import.meta.url)
const folders = require('../src/spool-folder.js')
const { leaveReports } = require('../src/spool.js')
const { readContents } = require('../src/spool-file.js')
const { settings } = require('../src/options.js')

const data = Buffer.from('reports')
const name = index => `${String(1_700_000_000_000 + index).padStart(13, '0')}-${'0'.repeat(16)}`

/** A report of 128 KiB. */
const report = (sequence, mayHaveLeft) =>
  ({ sequence, command: 1, payload: Buffer.alloc(128 << 10), mayHaveLeft, substitute: undefined })

/** A temporary folder, for this user alone. */
function temporary (t) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-spool-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a file that another process delivers meanwhile is no hindrance', t => {
  const folder = temporary(t)
  const read = fs.readdirSync
  const { mock } = t.mock.method(
    fs, 'readdirSync', (...words) => [...read(...words), `${name(1)}.spool`, `${name(2)}.part`],
  )
  const file = folders.writeFile([folder], data, 0)
  mock.restore()
  assert.deepEqual(fs.readFileSync(file), data)
})

test('files and bytes are bounded, and what is not of the spool does not count', t => {
  const folder = temporary(t)
  for (let index = 0; index < 5_000; index += 1) writeFileSync(path.join(folder, `other-${index}.spool`), '')
  for (let index = 0; index < 8_191; index += 1) writeFileSync(path.join(folder, `${name(index)}.part`), '')
  const last = folders.writeFile([folder], data, 0)
  assert.throws(() => folders.writeFile([folder], data, 0), /is full/)
  rmSync(last)
  writeFileSync(path.join(folder, `${name(0)}.part`), Buffer.alloc((64 << 20) - data.length + 1))
  assert.throws(() => folders.writeFile([folder], data, 0), /is full/)
  writeFileSync(path.join(folder, `${name(0)}.part`), Buffer.alloc((64 << 20) - data.length))
  folders.writeFile([folder], data, 0)
})

test('the first folder that can be used is used', t => {
  const parent = temporary(t)
  const open = path.join(parent, 'open')
  mkdirSync(open)
  chmodSync(open, 0o755)
  const missing = path.join(parent, 'a', 'b')
  assert.throws(() => folders.writeFile([open], data, 0), /mode 0700/)
  assert.equal(path.dirname(folders.writeFile([open, missing], data, 0)), missing)
  for (const made of [path.dirname(missing), missing]) assert.equal(fs.statSync(made).mode & 0o777, 0o700)
})

test('a file that cannot be completed leaves nothing behind', t => {
  const folder = temporary(t)
  for (const step of ['fsyncSync', 'renameSync']) {
    const { mock } = t.mock.method(fs, step, () => { throw new Error('as the test wants it') })
    assert.throws(() => folders.writeFile([folder], data, 0), /as the test wants it/)
    mock.restore()
    assert.deepEqual(readdirSync(folder), [])
  }
  // The file has its name, but the folder is not on disk.
  const sync = fs.fsyncSync
  let count = 0
  const { mock } = t.mock.method(fs, 'fsyncSync', descriptor => {
    count += 1
    if (count === 2) throw new Error('as the test wants it')
    sync(descriptor)
  })
  assert.throws(() => folders.writeFile([folder], data, 0), /as the test wants it/)
  mock.restore()
  assert.deepEqual(readdirSync(folder), [])
})

test('reports that may have been sent stay with their worker, also where others fill the file', t => {
  const folder = temporary(t)
  const reports = [...Array.from({ length: 320 }, (_, index) => report(index + 1, index === 0)), report(321, true)]
  const worker = { high: 1n, low: 2n }
  const { files, count, failure } = leaveReports(
    settings({ socket: '/s', spool: folder }), { reports, worker, lastSequence: 321, acquaintance: null },
  )
  assert.deepEqual([count, failure], [321, null])
  const contents = files.map(file => readContents(fs.readFileSync(file)))
  assert.deepEqual([...files].sort(), files)
  assert.equal(contents.reduce((sum, { reports }) => sum + reports.length, 0), 321)
  assert.ok(contents.length >= 3)
  for (const [index, { worker: owner, reports: own, highest }] of contents.entries()) {
    assert.equal(owner.high === 1n && owner.low === 2n, index === 0)
    assert.equal(highest, index === 0 ? 321 : own.length)
    assert.deepEqual(own.filter(one => one.mayHaveLeft).map(one => one.sequence), index === 0 ? [1, 321] : [])
    const numbers = own.map(one => one.sequence)
    assert.deepEqual(numbers, index === 0 ? [...numbers].sort((a, b) => a - b) : own.map((_, place) => place + 1))
  }
})

test('of several files, those that fit are left and the others are counted as lost', t => {
  const folder = temporary(t)
  writeFileSync(path.join(folder, `${name(0)}.part`), Buffer.alloc(30 << 20))
  const reports = Array.from({ length: 320 }, (_, index) => report(index + 1, false))
  const { files, count, failure } = leaveReports(
    settings({ socket: '/s', spool: folder }), { reports, worker: { high: 1n, low: 2n }, lastSequence: 320, acquaintance: null },
  )
  assert.match(failure.message, /is full/)
  assert.equal(files.length, 2)
  assert.equal(count, files.reduce((sum, file) => sum + readContents(fs.readFileSync(file)).reports.length, 0))
})

test('of files without their names, a complete one is delivered and any other removed', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ keepsReports: true })
  await daemon.kill()
  await until(() => !client.isConnected)
  await client.report('p/m', { outcome: 'success', usage: { cost: 7n } })
  await client.close()
  const [left] = readdirSync(daemon.spool)
  const complete = left.replace('.spool', '.part')
  fs.renameSync(path.join(daemon.spool, left), path.join(daemon.spool, complete))
  const torn = `${name(1)}.part`
  const recent = `${name(2)}.part`
  for (const file of [torn, recent]) writeFileSync(path.join(daemon.spool, file), 'FUSESPL', { mode: 0o600 })
  const then = Date.now() / 1_000 - 11
  for (const file of [complete, torn]) utimesSync(path.join(daemon.spool, file), then, then)
  await daemon.run()
  const swept = await daemon.connect()
  await swept.delivering
  assert.deepEqual(readdirSync(daemon.spool).sort(), [recent, left].sort())
  const delivers = await daemon.connect()
  await delivers.delivering
  assert.deepEqual(readdirSync(daemon.spool), [recent])
  assert.equal((await delivers.call('ledger.total')).spend, 7n)
})

test('a client that connects again delivers what others have left meanwhile', async t => {
  const daemon = await Daemon.start(t)
  const lasting = await daemon.connect()
  const ending = await daemon.connect({ keepsReports: true })
  await daemon.kill()
  await until(() => !lasting.isConnected && !ending.isConnected)
  await ending.report('p/m', { outcome: 'success', usage: { cost: 7n } })
  await ending.close()
  assert.equal(readdirSync(daemon.spool).length, 1)
  await daemon.run()
  await lasting.call('ping')
  await until(() => !existsSync(daemon.spool) || readdirSync(daemon.spool).length === 0)
  assert.equal((await lasting.call('ledger.total')).spend, 7n)
})
