// A proxy between client and daemon loses replies and connections. Everything counts once.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Daemon, connect, until } from './support/daemon.mjs'
import { Proxy } from './support/proxy.mjs'

test('a request whose reply is lost is sent again and counts once', async t => {
  const daemon = await Daemon.start(t)
  const proxy = await Proxy.start(t, daemon)
  const client = await connect({ socket: proxy.path, requestTimeout: 60_000, spool: false })
  t.after(() => client.close())
  let total = 0n
  let losses = 0
  for (let round = 1; round <= 40; round += 1) {
    // Hello passes, and in three rounds of four a few replies more. Then the connection is lost with what it answered.
    proxy.passes = 1 + round % 4
    const costs = Array.from({ length: round % 7 + 1 }, (_, index) => BigInt(round * 1_000 + index))
    const sent = costs.map(cost => client.call('ledger.record', { provider: 'p', model: 'm', cost, tokens: {} }))
    const admitted = client.admit('p', { cost: 0 })
    let isAnswered = false
    const answered = Promise.all([admitted, ...sent]).then(([permit]) => {
      isAnswered = true
      return permit
    })
    await until(() => proxy.losses > 0 || isAnswered)
    losses += proxy.losses
    proxy.losses = 0
    proxy.passes = Infinity
    await client.settle(await answered, 'cancelled')
    total += costs.reduce((sum, cost) => sum + cost, 0n)
    for (const peer of proxy.peers) peer.destroy()
    proxy.peers.clear()
    await until(() => !client.isConnected)
  }
  // A slow machine may send the replies of such a round at once, and all of them pass.
  assert.ok(losses >= 10, `${losses} losses`)
  const direct = await daemon.connect()
  assert.equal((await direct.call('ledger.total')).spend, total)
  const { totals } = await direct.call('admission.permits', { cursor: 0n })
  assert.equal(totals.granted, 40n)
  assert.equal(totals.settled, 40n)
})

test('what was sent to a state that was replaced has an unknown outcome, and is not sent again', async t => {
  // It is removed first, because it serves at the socket of the other one.
  const other = new Daemon()
  t.after(() => other.remove())
  const daemon = await Daemon.start(t)
  const proxy = await Proxy.start(t, daemon)
  const client = await connect({ socket: proxy.path, requestTimeout: 60_000, restartPatience: 60_000, spool: false })
  t.after(() => client.close())
  await client.call('ledger.record', { provider: 'p', model: 'm', cost: 1n, tokens: {} })
  // The daemon that comes back has another state.
  proxy.passes = 0
  const lost = client.call('ledger.record', { provider: 'p', model: 'm', cost: 10n, tokens: {} })
  const failed = assert.rejects(lost, { code: 'ERR_FUSEBOX_OUTCOME_UNKNOWN' })
  await until(() => proxy.losses > 0)
  await daemon.kill()
  other.socket = daemon.socket
  await other.run()
  proxy.passes = Infinity
  await failed
  assert.equal((await client.call('ledger.total')).spend, 0n)
  await client.call('ledger.record', { provider: 'p', model: 'm', cost: 100n, tokens: {} })
  assert.equal((await client.call('ledger.total')).spend, 100n)
})

test('a settle to a state that does not know the permit becomes a report', async t => {
  // It is removed first, because it serves at the socket of the other one.
  const other = new Daemon()
  t.after(() => other.remove())
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ restartPatience: 60_000 })
  const permit = await client.admit('p/m', { cost: 1, tags: ['team:a'] })
  await daemon.kill()
  other.socket = daemon.socket
  await other.run()
  const { standing, delivery } = await client.settle(
    permit, { outcome: 'success', usage: { cost: '0.5', model: 'm-1' } },
  )
  assert.equal(standing, null)
  assert.equal(delivery, 'delivered')
  const { account } = await client.call('ledger.account', { scope: { tag: 'team:a' } })
  assert.equal(account.usage.spend, 500_000_000n)
})

test('two clients of one worker id: the older one is fenced and takes another id', async t => {
  const daemon = await Daemon.start(t)
  const first = await daemon.connect()
  await first.call('ledger.record', { provider: 'p', model: 'm', cost: 1n, tokens: {} })
  const worker = first.exchange.worker
  const second = await daemon.connect()
  second.exchange.worker = { ...worker }
  second.exchange.window.next = 2
  second.exchange.window.oldestUnacknowledged = 2
  second.exchange.connection.end('test')
  await second.call('ledger.record', { provider: 'p', model: 'm', cost: 2n, tokens: {} })
  await until(() => !first.isConnected)
  await first.call('ledger.record', { provider: 'p', model: 'm', cost: 4n, tokens: {} })
  assert.notDeepEqual(first.exchange.worker, worker)
  assert.equal((await first.call('ledger.total')).spend, 7n)
})
