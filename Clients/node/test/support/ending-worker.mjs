// A worker that ends without `close`: prints what its calls cost, and ends as it is told.

import { setImmediate } from 'node:timers/promises'
import { connect } from '../../src/index.mjs'
import { CreditLedger, configure, ready } from '../../src/llm-providers.mjs'
import { until } from './daemon.mjs'

const [, , kind, ending, socket, spool, daemon] = process.argv
const options = { socket, spool, requestTimeout: 10_000 }
const endings = {
  natural () {},
  exit () { process.exit(0) },
  // After the bytes have left, and before the replies are read.
  async later () { await setImmediate(); process.exit(0) },
  exception () { process.nextTick(() => { throw new Error('as the test wants it') }) },
}

/** Ends the daemon if it is to be away. */
async function leaveAlone (isConnected) {
  if (!daemon) return
  process.kill(Number(daemon), 'SIGKILL')
  await until(() => !isConnected())
}

const kinds = {
  /** The daemon goes in the middle of a call. */
  async permit () {
    const client = await connect(options)
    await client.withPermit('p/m', { cost: 1 }, async permit => {
      await leaveAlone(() => client.isConnected)
      permit.use({ cost: 7n })
    })
    return 7n
  },
  async report () {
    const client = await connect({ ...options, keepsReports: true })
    await leaveAlone(() => client.isConnected)
    for (let cost = 1n; cost <= 100n; cost += 1n) client.report('p/m', { outcome: 'success', usage: { cost } })
    return 5_050n
  },
  /** A client that keeps nothing while the daemon is there. */
  async told () {
    const client = await connect(options)
    for (let cost = 1n; cost <= 100n; cost += 1n) client.report('p/m', { outcome: 'success', usage: { cost } })
    return 5_050n
  },
  async library () {
    configure(options)
    const ledger = new CreditLedger()
    await ready
    const { hub } = await import('../../src/llm-providers/shared.js')
    await leaveAlone(() => hub().client.isConnected)
    for (let count = 0; count < 100; count += 1) ledger.record('p', 'm', 1e-9, 1, 1)
    return 100n
  },
  /** A worker of the library that ends before it is connected. */
  async early () {
    configure(options)
    new CreditLedger().record('p', 'm', 5e-9, 1, 1)
    return 5n
  },
  /** Several clients. */
  async several () {
    const clients = await Promise.all([connect(options), connect(options)])
    for (const client of clients) client.call('ledger.record', { provider: 'p', model: 'm', cost: 4n, tokens: {} })
    return 8n
  },
}

console.log(String(await kinds[kind]()))
await endings[ending]()
