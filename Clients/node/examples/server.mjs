// An HTTP server that passes a provider's stream on. PROVIDER_URL is the provider's address.
//
// If the reader goes away, the provider's stream is cancelled and the call counts as abandoned.

import http from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect } from 'fusebox-client'

const client = await connect()

const server = http.createServer(async (request, response) => {
  const user = request.headers['x-user'] ?? 'nobody'
  try {
    const answer = await client.fetch(
      'openai/gpt-4o', process.env.PROVIDER_URL, { method: 'POST' }, { tags: [`user:${user}`], cost: 0.05 },
    )
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    await pipeline(Readable.fromWeb(answer.body), response)
  } catch (error) {
    if (response.headersSent) return response.destroy()
    const isDenied = error.code === 'ERR_FUSEBOX_DENIED'
    if (isDenied && error.retryAfter !== null) response.setHeader('retry-after', Math.ceil(error.retryAfter / 1_000))
    response.writeHead(isDenied ? 429 : 502).end(`${error.message}\n`)
  }
})

server.listen(0, '127.0.0.1', () => console.log(server.address().port))

process.on('SIGTERM', async () => {
  server.close()
  await client.close()
})
