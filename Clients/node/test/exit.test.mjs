// What a process has told counts exactly once, also if it ends without `close`.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import vm from 'node:vm'
import { Daemon, connect, until } from './support/daemon.mjs'

const worker = fileURLToPath(new URL('support/ending-worker.mjs', import.meta.url))

/** Runs a worker until its end. Returns what its calls cost. */
async function run (daemon, kind, ending, { isKiller = false } = {}) {
  const words = [kind, ending, daemon.socket, daemon.spool, ...isKiller ? [String(daemon.process.pid)] : []]
  const process = spawn(globalThis.process.execPath, [worker, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let error = ''
  process.stdout.on('data', text => { out += text })
  process.stderr.on('data', text => { error += text })
  const [status] = await once(process, 'close')
  if (ending === 'exception') assert.match(error, /as the test wants it/)
  else assert.equal(error, '')
  assert.equal(status, ending === 'exception' ? 1 : 0, error)
  return BigInt(out)
}

const left = ({ spool }) => existsSync(spool) ? readdirSync(spool).length : 0

/** What has counted after another process has delivered the spool. */
async function counted (daemon) {
  const next = await daemon.connect()
  await next.delivering
  assert.equal(left(daemon), 0)
  return (await next.call('ledger.total')).spend
}

for (const ending of ['natural', 'exit', 'later', 'exception']) {
  test(`a worker that ends without close, beside a daemon: ${ending}`, async t => {
    const daemon = await Daemon.start(t)
    const kinds = ['permit', 'report', 'told', 'library', 'early', 'several']
    const costs = await Promise.all(kinds.map(kind => run(daemon, kind, ending)))
    // The first that leaves something makes the folder. Those that begin later may have delivered some of it.
    if (ending === 'exit') assert.ok(existsSync(daemon.spool))
    if (ending === 'natural') assert.ok(!existsSync(daemon.spool))
    assert.equal(await counted(daemon), costs.reduce((sum, cost) => sum + cost))
  })
}

for (const ending of ['natural', 'exit', 'exception']) {
  for (const kind of ['permit', 'report', 'library']) {
    test(`a worker that ends without close, after the daemon was killed: ${kind}, ${ending}`, async t => {
      const daemon = await Daemon.start(t)
      const cost = await run(daemon, kind, ending, { isKiller: true })
      assert.equal(left(daemon), 1)
      await daemon.restart()
      assert.equal(await counted(daemon), cost)
    })
  }
}

test('clients share one listener, and are not kept by it', async t => {
  const daemon = await Daemon.start(t)
  const before = process.listenerCount('exit')
  let client = await connect({ socket: daemon.socket, spool: false })
  const another = await connect({ socket: daemon.socket, spool: false })
  assert.equal(process.listenerCount('exit'), before + 1)
  await another.close()
  assert.equal(process.listenerCount('exit'), before + 1)
  // The daemon's end takes the connection, and nothing holds the client any more.
  await daemon.kill()
  await until(() => !client.isConnected)
  client = null
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc')
  await until(() => {
    collect()
    return process.listenerCount('exit') === before
  })
})
