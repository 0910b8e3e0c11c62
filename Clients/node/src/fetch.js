'use strict'

const { FuseboxError } = require('./errors')
const { CandidateWalk } = require('./candidate-walk')
const { outcomeOfStatus } = require('./outcomes')
const { tellsError } = require('./provider-answer')
const { DocumentStream } = require('./sse')
const { finish, hold, meaningOf, withDeadline } = require('./with-permit')

/** @typedef {import('./client').Client} Client */
/** @typedef {import('./permit').Permit} Permit */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {string | URL | Request} Target */

/**
 * @typedef {object} FetchRules
 * @property {typeof fetch} [fetch] what sends the request, instead of the global `fetch`
 * @property {(response: Response, body: unknown) => CallOutcome} [answer] what an answer means, instead of
 *   `outcomeOfStatus`. `body` is its body as parsed JSON, and of a stream the document that tells an error
 */

/** @typedef {import('./with-permit').PermitOptions & FetchRules} FetchOptions */

/**
 * `fetch` under a permit; `Client.fetch` documents it.
 *
 * | what happens | the permit is settled |
 * |---|---|
 * | an answer with a status of 400 or more | by its status, headers and error code, before the answer is returned |
 * | an answer that is JSON and no list | with its usage, before the answer is returned |
 * | any other answer, such as an event stream or a JSON list | with its usage, when its body has been read to the end; by the error of which it tells, if any |
 * | … of which the consumer reads no more (`cancel`, an aborted signal) | as `abandoned`, with the usage until then |
 * | … which nobody reads and the garbage collector takes | as `abandoned` |
 * | … that breaks off | as `failure`, with the usage until then |
 * | a request that `fetch` does not send, because it is none (a wrong URL, header or method) | as `rejected` |
 * | `fetch` rejects otherwise | as `failure`; as `abandoned` if the signal was aborted, unless by a timeout |
 *
 * If `url` or `init` is a function of the permit and the provider failed, the next candidate by another route is tried.
 * If all fail, the caller gets the last answer or error.
 *
 * @param {Client} client
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {Target | ((permit: Permit) => Target)} url
 * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} [init]
 * @param {FetchOptions} [options]
 * @returns {Promise<Response>}
 */
async function guardedFetch (client, candidates, url, init = {}, options = {}) {
  const signal = options.signal ?? toldSignal(url, init)
  const rules = withDeadline({ ...options, signal })
  const isRepeatable = typeof url === 'function' || typeof init === 'function'
  const walk = new CandidateWalk(candidates, rules)
  /** @type {(() => Promise<Response>) | null} */
  let last = null
  for (;;) {
    /** @type {Permit} */
    let permit
    try {
      permit = await hold(client, walk.left, rules)
    } catch (error) {
      if (last) return last()
      throw error
    }
    const { answer, ended } = await send(client, permit, url, init, rules)
    if (!isRepeatable || ended === null || !walk.goesOn(permit, ended)) return answer()
    last = answer
  }
}

/**
 * Sends one request under its permit. How the call has ended is null while the body is still to be read.
 *
 * @param {Client} client @param {Permit} permit
 * @param {Target | ((permit: Permit) => Target)} url
 * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} init
 * @param {FetchOptions} rules
 * @returns {Promise<{ answer: () => Promise<Response>, ended: CallOutcome | null }>}
 */
async function send (client, permit, url, init, rules) {
  try {
    const target = typeof url === 'function' ? url(permit) : url
    const request = typeof init === 'function' ? await init(permit) : init
    const response = await (rules.fetch ?? fetch)(target, { ...request, signal: request.signal ?? rules.signal })
    const isError = response.status >= 400
    const text = isError || isJSON(response) ? await whole(response, isError) : null
    if (!isError && response.body && text === null) {
      return { answer: async () => observed(client, permit, response, rules), ended: null }
    }
    const document = parsed(text)
    if (!isError) permit.usage(document)
    const ended = await finish(client, permit, meaningOfAnswer(response, document, rules), rules)
    return { answer: async () => response, ended }
  } catch (error) {
    // An aborted request may have reached the provider. So it is not given back.
    const meaning = isMalformed(error, rules) ? /** @type {CallOutcome} */ ({ outcome: 'rejected' }) : meaningOf(error, rules)
    const ended = await finish(client, permit, meaning, rules)
    return { answer: () => Promise.reject(error), ended }
  }
}

/**
 * Whether an error says that the caller's request is none. Where a request was sent, the global `fetch` tells the cause.
 *
 * @param {unknown} error @param {FetchOptions} rules
 */
const isMalformed = (error, { fetch, outcome }) =>
  !fetch && !outcome && error instanceof TypeError && /** @type {any} */ (error).cause === undefined

/**
 * The signal that the request has itself.
 *
 * @param {Target | ((permit: Permit) => Target)} url
 * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} init
 */
function toldSignal (url, init) {
  if (typeof init !== 'function' && init.signal) return init.signal
  return url instanceof Request ? url.signal : undefined
}

/** @param {Response} response @param {unknown} body @param {FetchOptions} rules @returns {CallOutcome} */
const meaningOfAnswer = (response, body, { answer }) =>
  answer ? answer(response, body) : outcomeOfStatus(response.status, response.headers, body)

/** @param {Response} response */
const isJSON = ({ headers }) => /\bjson\b/.test(headers.get('content-type') ?? '')

/**
 * The whole body, which the caller can still read. Null if it is a list, which may be a stream, or if there is none.
 *
 * @param {Response} response @param {boolean} takesLists whether the body is read although it is a list
 */
async function whole (response, takesLists) {
  const reader = response.clone().body?.getReader()
  if (!reader) return null
  const decoder = new TextDecoder()
  const pieces = []
  for (let isBegun = takesLists, isOver = false; !isOver;) {
    const { value, done } = await reader.read()
    const piece = decoder.decode(value, { stream: !done })
    if (!isBegun && /^\s*\[/.test(piece)) {
      // The caller's half goes on. This promise waits for its end.
      reader.cancel().catch(() => {})
      return null
    }
    isBegun ||= piece.trim() !== ''
    pieces.push(piece)
    isOver = done
  }
  return pieces.join('')
}

/**
 * A body as JSON; undefined if it is none.
 *
 * @param {string | null} text
 */
function parsed (text) {
  try {
    return JSON.parse(text ?? '')
  } catch (error) {
    return undefined
  }
}

/**
 * Gives up the bodies that nobody can read any more, because nobody refers to them.
 *
 * @type {FinalizationRegistry<() => void>}
 */
const forgotten = new FinalizationRegistry(giveUp => giveUp())

/**
 * The same answer, with a body that settles the permit when it has been read or given up.
 *
 * @param {Client} client @param {Permit} permit @param {Response} response @param {FetchOptions} rules
 */
function observed (client, permit, response, rules) {
  const source = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader()
  /** @type {unknown} */
  let failure
  const documents = new DocumentStream(document => {
    if (tellsError(document)) failure = document
    permit.usage(document)
  })
  let isSettled = false
  /** @param {CallOutcome} outcome */
  const settle = async outcome => {
    if (isSettled) return
    isSettled = true
    documents.end()
    await finish(client, permit, outcome, rules)
  }
  const body = new ReadableStream({
    async pull (controller) {
      try {
        const { value, done } = await source.read()
        if (done) {
          documents.end()
          await settle(meaningOfAnswer(response, failure, rules))
          return controller.close()
        }
        permit.firstToken()
        documents.push(value)
        controller.enqueue(value)
      } catch (error) {
        if (!(error instanceof FuseboxError)) await settle(meaningOf(error, rules))
        controller.error(error)
      }
    },
    async cancel (reason) {
      await Promise.all([source.cancel(reason), settle({ outcome: 'abandoned' })])
    },
  }, { highWaterMark: 0 })
  forgotten.register(body, () => {
    source.cancel().catch(() => {})
    settle({ outcome: 'abandoned' }).catch(() => {})
  })
  const { status, statusText, headers } = response
  const copy = new Response(body, { status, statusText, headers })
  // These say where the answer came from, and a constructor cannot set them.
  for (const member of /** @type {const} */ (['url', 'redirected', 'type'])) {
    Object.defineProperty(copy, member, { value: response[member] })
  }
  return copy
}

module.exports = { guardedFetch }
