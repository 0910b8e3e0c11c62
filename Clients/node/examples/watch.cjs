// Prints what happens to breakers and marks, and comes back after a restart of the daemon.

const { connect } = require('fusebox-client')

async function watch () {
  const client = await connect({ restartPatience: 60_000 })
  for (;;) {
    try {
      for await (const event of client.events(['breaker', 'exhaustion'])) {
        if (event.name === 'breakerTransition') {
          console.log(`${event.fields.name}: ${event.fields.from} -> ${event.fields.to}`)
        }
        if (event.name === 'providerExhausted') console.log(`${event.fields.entry.provider}: exhausted`)
        if (event.name === 'providerRestored') console.log(`${event.fields.provider}: restored`)
      }
    } catch (error) {
      if (error.code !== 'ERR_FUSEBOX_UNAVAILABLE') throw error
      await client.call('ping', {}, { timeout: 60_000 })
      console.log('connected again')
    }
  }
}

watch()
