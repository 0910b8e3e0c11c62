// Makes calls under a permit, as fast as it can, until the file STOP exists: worker.cjs STOP PROVIDER
//
// Each call costs $0.01. The number of calls is printed at the end. An error ends the worker, with a trace.

const { existsSync } = require('node:fs')
const { connect } = require('/usr/share/nodejs/fusebox-client')

const [stop, provider] = process.argv.slice(2)

async function main () {
  const client = await connect({ clientName: 'worker in Node' })
  let calls = 0
  while (!existsSync(stop)) {
    await client.withPermit(`${provider}/model`, {}, async permit => permit.use({ cost: 0.01 }))
    calls += 1
  }
  await client.close()
  console.log(calls)
}

main()
