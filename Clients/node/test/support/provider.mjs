// A provider over HTTP that answers as its path says.

import { once } from 'node:events'
import http from 'node:http'

const chat = {
  id: 'chatcmpl-1', model: 'gpt-4o-2024', choices: [{ message: { content: 'they melt' } }],
  usage: { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 },
}

const messageStart = {
  type: 'message_start', message: { id: 'm', model: 'claude', usage: { input_tokens: 25, output_tokens: 1 } },
}

const pieces = [
  'data: {"id":"chatcmpl-2","model":"gpt-4o-2024","choices":[{"delta":{"content":"they "}}],"usage":null}\n\n',
  'data: {"id":"chatcmpl-2","choices":[{"delta":{"content":"melt"}}]}\r\n\r\ndata: {"id":"chatcmpl-2","cho',
  'ices":[],"usage":{"prompt_tokens":1000,"completion_tokens":200}}\n\n',
  'data: [DONE]\n\n',
]

/** A stream of Gemini's without `alt=sse`: a list that is printed over many lines, with an error at its end or none. */
const listed = [
  { candidates: [{ content: { parts: [{ text: 'they "}],{[\\' }] } }], usageMetadata: { promptTokenCount: 900 } },
  { responseId: 'r', usageMetadata: { promptTokenCount: 1_000, candidatesTokenCount: 200, totalTokenCount: 1_200 } },
]
export const list = `\n ${JSON.stringify(listed, null, 2)}\n`

const answers = {
  '/ok': response => json(response, 200, chat),
  '/throttled': response => json(response, 429, { error: { code: 'rate_limit_exceeded' } }, { 'retry-after': '60' }),
  '/limits': response => json(response, 429, { error: { type: 'tokens' } }, {
    'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m30s', 'x-ratelimit-remaining-requests': '5',
    'x-ratelimit-reset-requests': '2h',
  }),
  '/last': response => json(response, 200, chat, {
    'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s',
  }),
  '/last-stream': response => {
    response.writeHead(200, {
      'content-type': 'text/event-stream', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '2h',
    })
    response.end('data: {"id":"c","usage":{"prompt_tokens":1000,"completion_tokens":200}}\n\ndata: [DONE]\n\n')
  },
  '/overloaded': response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end('event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n')
  },
  '/unauthorized': response => json(response, 401, { error: { code: 'invalid_api_key' } }),
  '/quota': response => json(response, 429, { error: { code: 'insufficient_quota', message: 'pay' } }),
  '/failing': response => json(response, 500, { error: { type: 'server_error' } }),
  '/wrong': response => json(response, 400, { error: { type: 'invalid_request_error' } }),
  '/silent': () => {},
  '/cut': response => response.socket.destroy(),
  '/text': response => response.writeHead(200, { 'content-type': 'text/plain' }).end('no usage here'),
  '/empty': response => response.writeHead(204).end(),
  '/stream': async response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) await new Promise(resolve => response.write(piece, resolve))
    response.end()
  },
  '/endless': response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify(messageStart)}\n\n`)
  },
  '/broken': response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(pieces[0], () => response.socket.destroy())
  },
  '/list': async response => {
    response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' })
    for (const piece of list.match(/[^]{1,40}/g)) await new Promise(resolve => response.write(piece, resolve))
    response.end()
  },
  // Never ends.
  '/list-endless': response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(list.slice(0, list.lastIndexOf(']')))
  },
  '/list-overloaded': response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('[{"usageMetadata":{"promptTokenCount":7}}\n,\n{"error":{"code":503,"status":"UNAVAILABLE"}}]')
  },
  '/lines': response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end(
      '{"model":"llama","response":"they"}\n{"model":"llama","done":true,"prompt_eval_count":26,"eval_count":298}',
    )
  },
}

function json (response, status, body, headers = {}) {
  response.writeHead(
    status, { 'content-type': 'application/json; charset=utf-8', ...headers },
  ).end(JSON.stringify(body))
}

/** Starts the provider. Returns its address. */
export async function startProvider (t) {
  const server = http.createServer((request, response) => {
    response.setHeader('x-seen', request.headers['x-mine'] ?? '')
    answers[request.url](response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${server.address().port}`
}
