// A worker of the crash test: makes calls until its input ends, and prints what they cost.

import { once } from 'node:events'
import { connect } from '../../src/index.mjs'

const [, , socket, spool, name] = process.argv
const client = await connect({
  socket, spool, clientName: name, restartPatience: 60_000, requestTimeout: 60_000, keepsReports: true,
})
const book = { cost: 0n, requests: 0, unknown: 0 }
let isOver = false
process.stdin.resume()
once(process.stdin, 'end').then(() => { isOver = true })

/** The costs differ, so that a report that counts twice or not at all cannot hide behind another. */
let next = 1n
const cost = () => (next = (next * 6364136223846793005n + 1442695040888963407n) & 0x3fffffffn) + 1n

function note (amount, delivery) {
  if (delivery === 'unknown') book.unknown += 1
  book.cost += amount
  book.requests += 1
}

async function permitted () {
  const amount = cost()
  await client.withPermit([`provider-${name}/m`], { cost: amount }, permit => { permit.use({ cost: amount }) })
  note(amount)
}

async function settled () {
  const amount = cost()
  const permit = await client.admit('shared/m', { cost: amount })
  note(amount, (await client.settle(permit, { outcome: 'success', usage: { cost: amount } })).delivery)
}

async function recorded () {
  const amount = cost()
  await client.call(
    'ledger.record', { provider: 'shared', model: `m-${name}`, cost: amount, tokens: { input: 1, output: 2 } },
  )
  note(amount)
}

async function run () {
  for (let round = 0; !isOver; round += 1) await [permitted, settled, recorded][round % 3]()
}

await Promise.all(Array.from({ length: 8 }, run))
await client.close()
console.log(
  JSON.stringify({ ...book, cost: String(book.cost), dropped: client.droppedReports, queued: client.queuedReports }),
)
