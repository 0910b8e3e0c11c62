// How long an admission and its settle take, beside an echo over node:net in the same run.
//
//   FUSEBOX_DAEMON=.build/release/fuseboxd FUSEBOX_TOOL=.build/release/fusebox node Clients/node/bench/round-trip.mjs

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { Daemon } from '../test/support/daemon.mjs'

const rounds = Number(process.env.FUSEBOX_ROUNDS ?? 20_000)

/** The echo runs in a process of its own, as the daemon does. */
const echoServer = `
  require('node:net').createServer(peer => peer.pipe(peer)).listen(process.argv[1], () => console.log('ready'))
`

function echo (socketPath) {
  const socket = net.createConnection(socketPath)
  const waiting = []
  let rest = 0
  socket.on('data', chunk => {
    rest += chunk.length
    for (; rest >= 64; rest -= 64) waiting.shift()()
  })
  const message = Buffer.alloc(64)
  return {
    call: () => new Promise(resolve => { waiting.push(resolve); socket.write(message) }), close: () => socket.destroy(),
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
  const at = share => Math.round(times[Math.floor(times.length * share)] * 1_000)
  return { p50: at(0.5), p99: at(0.99), rate: Math.round(times.length / seconds) }
}

// `interval`: a settle is acknowledged before the disk has it, so the disk is not measured.
const daemon = new Daemon(['--durability', process.env.FUSEBOX_DURABILITY ?? 'interval'])
await daemon.run()
const client = await daemon.connect()
const socketPath = path.join(daemon.folder, 'echo')
const server = spawn(process.execPath, ['-e', echoServer, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
await once(server.stdout, 'data')
const peer = echo(socketPath)

const calls = {
  'echo of 64 bytes': () => peer.call(),
  ping: () => client.call('ping'),
  'admit + settle': async () => client.settle(
    await client.admit('openai/gpt-4o', { cost: 1_000n }), { outcome: 'success', usage: { cost: 900n } },
  ),
  withPermit: () => client.withPermit('openai/gpt-4o', { cost: 1_000n }, permit => { permit.use({ cost: 900n }) }),
}
console.log('call'.padEnd(18), 'promises', 'p50 µs'.padStart(8), 'p99 µs'.padStart(8), 'a second'.padStart(9))
for (const [name, call] of Object.entries(calls)) {
  for (const width of [1, 100]) {
    await measure(call, width, rounds / 10)
    const { p50, p99, rate } = await measure(call, width, rounds)
    console.log(
      name.padEnd(18), String(width).padStart(8), String(p50).padStart(8), String(p99).padStart(8),
      String(rate).padStart(9),
    )
  }
}
peer.close()
server.kill()
await daemon.remove()
