// An HTTP server that answers questions with a provider's stream: curl -d 'How do fuses work?' localhost:8080
//
// A reader that goes away withdraws from the queue, or cancels the provider's stream: the call counts as abandoned.

import http from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { AdmissionDeniedError, connect } from 'fusebox-client'

const { OPENAI_URL, OPENAI_API_KEY, GROQ_URL, GROQ_API_KEY, PORT = 8080 } = process.env
const providers = {
  openai: { url: OPENAI_URL ?? 'https://api.openai.com/v1/chat/completions', key: OPENAI_API_KEY },
  groq: { url: GROQ_URL ?? 'https://api.groq.com/openai/v1/chat/completions', key: GROQ_API_KEY },
}
const candidates = ['openai/gpt-4o', 'groq/llama-3.3-70b-versatile']

const client = await connect({ logger: console })

/** The answer of the first provider that may be called now and does not fail. */
const ask = (question, options) => client.fetch(candidates, permit => providers[permit.provider].url, permit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${providers[permit.provider].key}` },
  body: JSON.stringify({
    model: permit.model, stream: true, stream_options: { include_usage: true },
    messages: [{ role: 'user', content: question }],
  }),
}), options)

async function answer (request, response) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const user = request.headers['x-user'] ?? 'nobody'
  const told = await ask(await text(request), {
    tags: [`user:${user}`], cost: 0.05, wait: 10_000, signal: gone.signal,
  })
  response.writeHead(told.status, { 'content-type': told.headers.get('content-type') ?? 'text/plain' })
  await pipeline(Readable.fromWeb(told.body), response)
}

function apologize (error, response) {
  if (response.headersSent || response.destroyed) return response.destroy()
  const isDenied = error instanceof AdmissionDeniedError
  if (isDenied && error.retryAfter !== null) response.setHeader('retry-after', Math.ceil(error.retryAfter / 1_000))
  response.writeHead(isDenied ? 429 : 502).end(`${error.message}\n`)
}

const server = http.createServer((request, response) => {
  answer(request, response).catch(error => apologize(error, response))
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))

process.on('SIGTERM', async () => {
  server.close()
  await client.close()
})
