// A worker of `make demo`: it asks before each call to a simulated provider, and reports afterwards.
//
//     node demo-worker.mjs DAEMON PROVIDER
//
// It takes tasks from standard input, one a line, and answers each with a line of numbers.

import net from 'node:net'
import readline from 'node:readline'
import { connect } from 'fusebox-client'

const [daemon, provider] = process.argv.slice(2)
const client = await connect({ socket: daemon, clientName: 'demo worker in Node' })

/** The provider's answer: a status, and for 200 the cost in nano-dollars, input and output tokens. */
async function askProvider (name) {
  const socket = net.connect(provider)
  socket.end(name)
  let text = ''
  for await (const piece of socket) text += piece
  return text.trim().split(' ').map(Number)
}

/** Makes one call. Returns the share of traffic that the breaker admits. */
async function call (name, report) {
  if ((await client.call('exhaustion.get', { provider: name })).entry != null) {
    report.skipped += 1
    return 1
  }
  const admission = await client.call('breaker.acquire', { name })
  if (!admission.admitted) {
    report.denied += 1
    return admission.share
  }
  report.called += 1
  const [status, cost, inputTokens, outputTokens] = await askProvider(name)
  if (status === 200) {
    await client.call('breaker.success', { name })
    await client.call('ledger.record', {
      provider: name, model: 'large', cost: BigInt(cost), tokens: { input: inputTokens, output: outputTokens }
    })
    report.succeeded += 1
    report.spent += cost
  } else if (status === 429) {
    await client.call('exhaustion.mark', { provider: name, resetAfterMilliseconds: 300_000 })
    report.throttled += 1
  } else {
    await client.call('breaker.failure', { name })
    report.failed += 1
  }
  return admission.share
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [task, ...words] = line.split(' ')
  const report = { called: 0, succeeded: 0, failed: 0, throttled: 0, denied: 0, skipped: 0, spent: 0 }
  if (task === 'work') {
    for (let number = 0; number < Number(words[0]); number += 1) await call(words[1], report)
  } else if (task === 'until-open') {
    while (await call(words[0], report) > 0);
  } else {
    throw new Error(`a worker knows no task '${line}'`)
  }
  console.log(Object.values(report).join(' '))
}
await client.close()
