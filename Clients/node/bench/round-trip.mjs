// What asking costs, beside an echo over node:net in the same run.
//
//   make node-bench
//
// Each row is measured $FUSEBOX_REPEATS times, in turn with all others, and the median of each figure is shown. `ratio`
// is the p50 divided by that of as many echoes, one after the other, with as many promises. An admission with its settle
// is two round trips.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { Daemon } from '../test/support/daemon.mjs'

const rounds = Number(process.env.FUSEBOX_ROUNDS ?? 5_000)
const repeats = Number(process.env.FUSEBOX_REPEATS ?? 5)
const widths = [1, 100]

/** The echo runs in a process of its own, as the daemon does. */
const echoServer = `
  require('node:net').createServer(peer => peer.pipe(peer)).listen(process.argv[1], () => console.log('ready'))
`
const messageLength = 64

/** An echo client with any number of calls on one connection. */
class Echo {
  constructor (socketPath) {
    this.waiting = []
    this.message = Buffer.alloc(messageLength)
    this.socket = net.createConnection(socketPath)
    let rest = 0
    this.socket.on('data', chunk => {
      rest += chunk.length
      for (; rest >= messageLength; rest -= messageLength) this.waiting.shift()()
    })
  }

  call () {
    return new Promise(resolve => {
      this.waiting.push(resolve)
      this.socket.write(this.message)
    })
  }
}

/**
 * Runs calls with so many at a time. Returns microseconds of the median and the 99th percentile, and calls a second.
 */
async function measure (call, width, count) {
  const times = []
  let started = 0
  const begin = performance.now()
  await Promise.all(Array.from({ length: width }, async () => {
    while (started++ < count) {
      const start = performance.now()
      await call()
      times.push(performance.now() - start)
    }
  }))
  const seconds = (performance.now() - begin) / 1_000
  times.sort((a, b) => a - b)
  const at = share => times[Math.floor(times.length * share)] * 1_000
  return { p50: at(0.5), p99: at(0.99), rate: times.length / seconds }
}

// `interval`: a settle is acknowledged before the disk has it, so the disk is not measured.
const daemon = new Daemon(['--durability', process.env.FUSEBOX_DURABILITY ?? 'interval'])
await daemon.run()
const client = await daemon.connect()
const socketPath = path.join(daemon.folder, 'echo')
const server = spawn(process.execPath, ['-e', echoServer, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
await once(server.stdout, 'data')
const echo = new Echo(socketPath)

const oneEcho = 'echo of 64 bytes'
const twoEchoes = '… twice'
const calls = [
  { name: oneEcho, beside: oneEcho, call: () => echo.call() },
  { name: 'ping', beside: oneEcho, call: () => client.call('ping') },
  { name: 'breaker.get', beside: oneEcho, call: () => client.call('breaker.get', { name: 'openai' }) },
  { name: twoEchoes, beside: twoEchoes, call: async () => { await echo.call(); await echo.call() } },
  {
    name: 'admit + settle',
    beside: twoEchoes,
    call: async () => {
      const permit = await client.admit('openai/gpt-4o', { cost: 1_000n })
      await client.settle(permit, { outcome: 'success', usage: { cost: 900n } })
    },
  },
  {
    name: 'withPermit',
    beside: twoEchoes,
    call: () => client.withPermit('openai/gpt-4o', { cost: 1_000n }, permit => { permit.use({ cost: 900n }) }),
  },
]
const rows = widths.flatMap(width => calls.map(call => ({ ...call, width, runs: [] })))

for (const { call, width } of rows) await measure(call, width, rounds)
for (let repeat = 0; repeat < repeats; repeat += 1) {
  for (const row of rows) row.runs.push(await measure(row.call, row.width, rounds))
}

const median = (row, figure) => row.runs.map(run => run[figure]).sort((a, b) => a - b)[Math.floor(repeats / 2)]
const show = (...cells) => console.log(cells.map((cell, index) => index ? cell.padStart(9) : cell.padEnd(18)).join(' '))
show('call', 'promises', 'p50 µs', 'p99 µs', 'a second', 'ratio')
for (const row of rows) {
  const beside = rows.find(({ name, width }) => name === row.beside && width === row.width)
  const [p50, p99, rate] = ['p50', 'p99', 'rate'].map(figure => median(row, figure))
  show(
    row.name, String(row.width), p50.toFixed(0), p99.toFixed(0), rate.toFixed(0),
    (p50 / median(beside, 'p50')).toFixed(2),
  )
}
echo.socket.destroy()
server.kill()
await daemon.remove()
