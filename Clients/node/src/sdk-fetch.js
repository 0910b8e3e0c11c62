'use strict'

const { AdmissionDeniedError } = require('./permit')

/** @typedef {import('./client').Client} Client */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./fetch').FetchOptions} FetchOptions */

/**
 * Which routes the requests of an SDK go by.
 *
 * @typedef {object} Routing
 * @property {string} [provider] the provider of all requests; by default the host tells it: `api.openai.com` is
 *   `openai`, and a host that is not known is a provider of its own name
 * @property {string} [deployment] the deployment of all requests, such as the API key that they are made with
 * @property {(request: Request) => CandidateLike | null} [route] tells the route of a request instead; null: it is no
 *   call to a model, and is sent without a permit
 */

/** @typedef {FetchOptions & Routing} SDKFetchOptions */

/**
 * The providers of the main hosts.
 *
 * @type {Record<string, string>}
 */
const providers = {
  'api.openai.com': 'openai', 'api.anthropic.com': 'anthropic', 'openrouter.ai': 'openrouter',
  'generativelanguage.googleapis.com': 'gemini', 'api.mistral.ai': 'mistral', 'api.groq.com': 'groq',
  'api.deepseek.com': 'deepseek', 'api.x.ai': 'xai', 'api.cohere.com': 'cohere', 'api.together.xyz': 'together_ai',
  'api.fireworks.ai': 'fireworks_ai', 'api.cerebras.ai': 'cerebras',
}
/** Reasons that the SDKs' error for status 429 fits. A breaker is like a provider that is down. */
const limits = ['exhausted', 'limit', 'waiting']

/**
 * A `fetch` for SDKs; `Client.createFetch` documents it.
 *
 * @param {Client} client @param {SDKFetchOptions} options
 * @returns {(target: string | URL | Request, init?: RequestInit) => Promise<Response>}
 */
function createFetch (client, { provider, deployment, route, ...options }) {
  return async (target, init) => {
    const request = new Request(target instanceof Request ? target.clone() : target, withoutStream(init))
    const candidate = route ? route(request) : await routeOf(request, init?.body, provider, deployment)
    if (candidate === null) return (options.fetch ?? fetch)(target, init)
    try {
      return await client.fetch(candidate, target, init, options)
    } catch (error) {
      if (error instanceof AdmissionDeniedError) return denial(error)
      throw error
    }
  }
}

/**
 * What a request is looked at with. A stream can be read only once, and is left to the request that is sent.
 *
 * @param {RequestInit | undefined} init @returns {RequestInit | undefined}
 */
const withoutStream = init =>
  init && { method: init.method, headers: init.headers, body: isWhole(init.body) ? init.body : undefined }

/**
 * Whether a body is text or bytes, which can be read again.
 *
 * @param {RequestInit['body']} body
 */
const isWhole = body => typeof body === 'string' || body instanceof ArrayBuffer || ArrayBuffer.isView(body)

/**
 * @param {Request} request @param {RequestInit['body']} body what is sent
 * @param {string} [provider] @param {string} [deployment]
 * @returns {Promise<CandidateLike | null>} null: it is no call to a model
 */
async function routeOf (request, body, provider, deployment) {
  // Lists of models and the like.
  if (request.method !== 'POST') return null
  const { hostname, pathname } = new URL(request.url)
  const model = modelInForm(body) ?? await modelIn(request) ?? modelOf(pathname)
  return { provider: provider ?? providers[hostname] ?? hostname, deployment, model }
}

/**
 * The model that a form names, with which audio is sent.
 *
 * @param {RequestInit['body']} body
 */
function modelInForm (body) {
  const model = body instanceof FormData ? body.get('model') : null
  return typeof model === 'string' && model !== '' ? model : null
}

/** @param {Request} request @returns {Promise<string | null>} */
async function modelIn (request) {
  try {
    const { model } = JSON.parse(await request.clone().text())
    return typeof model === 'string' && model !== '' ? model : null
  } catch (error) {
    return null
  }
}

/**
 * The model that a path names, as those of Gemini and Bedrock do.
 *
 * @param {string} pathname
 */
const modelOf = pathname => {
  const found = /\/(?:models|model|deployments)\/([^/:]+)/.exec(pathname)
  return found ? decodeURIComponent(found[1]) : null
}

/**
 * The answer to a request that is not admitted. SDKs make their own errors of it, and do not try again at once.
 *
 * @param {AdmissionDeniedError} denied
 */
function denial ({ message, reasons, retryAfter }) {
  const headers = new Headers({
    'content-type': 'application/json', 'x-should-retry': 'false', 'x-fusebox': 'denied',
  })
  if (retryAfter !== null) {
    headers.set('retry-after-ms', String(retryAfter))
    headers.set('retry-after', String(Math.ceil(retryAfter / 1_000)))
  }
  const error = { message, type: 'fusebox_denied', code: 'admission_denied' }
  const status = reasons.some(({ reason }) => limits.includes(String(reason))) ? 429 : 503
  return new Response(JSON.stringify({ type: 'error', error }), { status, headers })
}

module.exports = { createFetch }
