'use strict'

const {
  ClosedError, InvalidArgumentError, OutcomeUnknownError, RequestTimeoutError, UnavailableError,
} = require('./errors')
const { Exchange } = require('./exchange')
const { Holding } = require('./holding')
const { leave, leaveAtExit } = require('./leaving')
const { connectFirst, finish } = require('./lifetime')
const { settings } = require('./options')
const { kept } = require('./requests')
const { EventStream } = require('./event-stream')
const { admit, preview, ranked, renew, report, settle } = require('./admission')
const { withPermit } = require('./with-permit')
const { guardedFetch } = require('./fetch')
const { createFetch } = require('./sdk-fetch')
const { stream } = require('./stream')
const { spoolFolders } = require('./spool-folder')
const { deliverAll } = require('./spool-delivery')
const { commands } = require('./protocol/commands')

/** @typedef {import('./options').Options} Options */
/** @typedef {import('./protocol/types').Commands} Commands */
/** @typedef {import('./protocol/types').Topic} Topic */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./permit').Permit} Permit */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./admission').AdmitOptions} AdmitOptions */
/** @typedef {import('./with-permit').PermitOptions} PermitOptions */
/** @typedef {import('./exchange').RequestOptions} RequestOptions */

/** How long `close` waits for the replies to what is under way, in milliseconds. */
const farewellTime = 1_000
/** Commands that wait for the disk: snapshots and imports. */
const slow = new Set(['snapshot.now', 'snapshot.read', 'import.chunk', 'import.commit'])

/**
 * The commands that list in pages: what follows is asked for with a cursor.
 *
 * @typedef {{ [Name in keyof Commands]: 'next' extends keyof Commands[Name]['reply'] ? Name : never }[keyof Commands]
 *   } ListCommand
 */

/**
 * The entries of a command that lists in pages. The problems of `ledger.history` are none.
 *
 * @template {ListCommand} Name
 * @typedef {Exclude<Extract<Commands[Name]['reply'][keyof Commands[Name]['reply']], any[]>[number],
 *   import('./protocol/types').HistoryProblem>} ListEntry
 */

/**
 * What `call` may be told.
 *
 * @typedef {object} CallOptions
 * @property {number} [timeout] milliseconds, instead of the client's `requestTimeout`
 * @property {AbortSignal} [signal] ends the wait. A request that changes state may have been carried out, at most once
 */

/**
 * A client of the daemon. One serves a whole process: requests are pipelined on one connection, and after a lost one
 * the next call connects again. An idle client does not keep the process alive. At the end of the process, reports
 * without a reply are left in the spool.
 */
class Client {
  /**
   * Use `connect`.
   *
   * @param {Options} [options]
   */
  constructor (options = {}) {
    /** @internal */
    this.settings = settings(options)
    /** @internal */
    this.exchange = new Exchange(this.settings)
    /** @internal */
    this.holding = new Holding(this.exchange)
    /**
     * @internal
     * @type {Set<EventStream>}
     */
    this.streams = new Set()
    /**
     * @internal
     * @type {Promise<void> | null}
     */
    this.closing = null
    /**
     * @internal
     * @type {Promise<void> | null}
     */
    this.delivering = null
    this.exchange.onConnected = () => this.deliver()
    leaveAtExit(this.exchange)
  }

  /** The path of the daemon's socket. */
  get path () { return this.settings.path }
  /** What the daemon told at the last hello: its version, its profile, whether this peer is an operator. */
  get hello () { return this.exchange.hello }
  /** Whether there is a connection. */
  get isConnected () { return this.exchange.phase === 'open' }
  /** The number of reports that are kept for the daemon's return. */
  get queuedReports () { return this.exchange.queuedReports }
  /** The number of reports that were dropped because too many were kept, or that the daemon refused. */
  get droppedReports () { return this.exchange.droppedReports }

  // Commands

  /**
   * Sends a command of the protocol and returns its reply. Integers of 64 bits and money (in nano-dollars) are bigints.
   * The failure policy does not apply.
   *
   * @template {keyof Commands} Name
   * @param {Name} name such as `'breaker.list'`
   * @param {Commands[Name]['request']} [fields]
   * @param {CallOptions} [options]
   * @returns {Promise<Commands[Name]['reply']>}
   */
  call (name, fields, options = {}) {
    const command = commands[name]
    if (!command) return Promise.reject(new InvalidArgumentError(`there is no command '${name}'`))
    const timeout = options.timeout ?? (slow.has(name) ? this.settings.operatorTimeout : undefined)
    return this.exchange.request(command, fields, { ...options, timeout })
  }

  /**
   * The entries of a command that lists in pages, such as `'breaker.list'`, one after the other.
   *
   * @template {ListCommand} Name
   * @param {Name} name
   * @param {Omit<Commands[Name]['request'], 'cursor'>} [fields] its fields without the cursor
   * @returns {AsyncGenerator<ListEntry<Name>, void, undefined>}
   */
  async * list (name, fields) {
    let cursor = 0
    do {
      /** @type {any} */
      const page = await this.call(name, { ...fields, cursor })
      const entries = Object.values(page).find(Array.isArray)
      if (!entries) throw new InvalidArgumentError(`${name} does not list in pages`)
      yield * entries
      cursor = page.next
    } while (cursor)
  }

  /** Everything that is needed to rank providers: breaker, mark, spend and fullest limit of each. */
  async overview () {
    /** @type {import('./protocol/types').OverviewEntry[]} */
    const entries = []
    for await (const entry of this.list('overview')) entries.push(entry)
    return entries
  }

  /**
   * The daemon's events from now on, on a connection of their own, as an async iterator. See `EventStream`.
   *
   * @param {Topic[]} [topics] all by default
   * @param {import('./event-stream').EventOptions} [options]
   */
  events (topics, options = {}) {
    if (this.closing) throw new ClosedError()
    /** @type {EventStream} */
    const stream = new EventStream(this.settings, topics, options, () => this.streams.delete(stream))
    this.streams.add(stream)
    return stream
  }

  // Admission

  /**
   * Makes a call under a permit: asks which candidate may be called, runs `body`, and settles the permit by what `body`
   * returned or threw. If a provider fails, the next admitted candidate by another route is tried.
   *
   * @template T
   * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
   * @param {PermitOptions} options
   * @param {(permit: Permit) => T | Promise<T>} body
   * @returns {Promise<T>}
   */
  withPermit (candidates, options, body) { return withPermit(this, candidates, options ?? {}, body) }

  /**
   * A provider's stream under a permit, such as those of SDKs:
   *
   *     for await (const chunk of client.stream('openai/gpt-4o', {}, permit => openai.chat.completions.create(…)))
   *
   * Nothing happens before the first chunk is asked for. The usage is read from the chunks, and the first one counts as
   * the first token. The end of the stream settles the permit as `success`; leaving the loop settles it as `abandoned`
   * and ends the provider's stream. If a provider fails before its first chunk, the next candidate is tried.
   *
   * @template T
   * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
   * @param {PermitOptions} options
   * @param {(permit: Permit) => AsyncIterable<T> | Promise<AsyncIterable<T>>} open
   * @returns {AsyncGenerator<T, void, undefined>}
   */
  stream (candidates, options, open) { return stream(this, candidates, options ?? {}, open) }

  /**
   * `fetch` under a permit: admits, sends, reads status, headers and usage (JSON and event streams), and settles.
   *
   * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
   * @param {import('./fetch').Target | ((permit: Permit) => import('./fetch').Target)} url
   * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} [init]
   * @param {import('./fetch').FetchOptions} [options]
   * @returns {Promise<Response>}
   */
  fetch (candidates, url, init, options) { return guardedFetch(this, candidates, url, init, options) }

  /**
   * A `fetch` for SDKs, which makes each of their calls under a permit. Nothing else changes:
   *
   *     const openai = new OpenAI({ fetch: client.createFetch({ tags: ['team:docs'], cost: 0.01 }) })
   *
   * The host tells the provider and the body, or the path, the model. A call that is not admitted is answered with
   * status 429 (a limit, a mark, a queue) or 503 (a breaker, a pause), of which the SDK makes its own error. Requests
   * that are no POST are sent without a permit. An SDK that gives up by its own timeout does not say why, so the call
   * counts as abandoned.
   *
   * @param {import('./sdk-fetch').SDKFetchOptions} [options]
   * @returns {(target: string | URL | Request, init?: RequestInit) => Promise<Response>}
   */
  createFetch (options = {}) { return createFetch(this, options) }

  /**
   * Asks which of the candidates a call may go to, and holds what the call may use. The permit must be settled. With
   * `wait` the call waits for its turn; an aborted signal withdraws it.
   *
   * @param {CandidateLike | CandidateLike[]} candidates
   * @param {AdmitOptions & { signal?: AbortSignal }} [options]
   * @returns {Promise<Permit>}
   * @throws {import('./permit').AdmissionDeniedError} if none of them may be called now
   */
  admit (candidates, options = {}) { return admit(this, candidates, options) }

  /**
   * Tells how the call of a permit went.
   *
   * @param {Permit} permit @param {CallOutcome | CallOutcome['outcome']} outcome
   */
  settle (permit, outcome) { return settle(this, permit, outcome, this.keepsReports) }

  /**
   * Extends a permit whose call is under way.
   *
   * @param {Permit} permit @param {number} [ttl] milliseconds
   */
  renew (permit, ttl) { return renew(this, permit, ttl) }

  /**
   * Tells how a call without a permit went, and what it used.
   *
   * @param {CandidateLike} candidate
   * @param {CallOutcome | CallOutcome['outcome']} outcome
   * @param {{ tags?: string[] }} [options]
   */
  report (candidate, outcome, options) { return report(this, candidate, outcome, options) }

  /**
   * What `admit` would decide now. Holds nothing.
   *
   * @param {CandidateLike | CandidateLike[]} candidates
   * @param {AdmitOptions} [options]
   */
  preview (candidates, options = {}) { return preview(this, candidates, options) }

  /**
   * The candidates, best first, for `withPermit`: by `price` (the cost that the call would hold), by `latency` or
   * `firstToken` (what half of the successful calls of the last minutes did not exceed), or by `share` (of the traffic
   * that the breaker lets through). Those of which nothing is known come after the others, and those that would not be
   * admitted last. Holds nothing.
   *
   * @param {CandidateLike | CandidateLike[]} candidates
   * @param {import('./admission').Ranking} by
   * @param {AdmitOptions} [options]
   */
  ranked (candidates, by, options = {}) { return ranked(this, candidates, by, options) }

  // The failure policy

  /** @internal */
  get failsOpen () { return this.settings.failurePolicy === 'open' }
  /** @internal */
  get keepsReports () { return this.failsOpen || this.settings.keepsReports }

  /**
   * Asks for a decision. Null if the daemon does not answer and the client fails open: the call is permitted.
   *
   * @param {import('./protocol/commands').Command} command
   * @param {any} fields
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   * @internal
   */
  async decide (command, fields, options) {
    try {
      return await this.exchange.request(command, fields, options)
    } catch (error) {
      if (this.failsOpen && meansAway(error)) return null
      throw error
    }
  }

  /**
   * Sends a report, or keeps it.
   *
   * @param {import('./protocol/commands').Command} command
   * @param {any} fields
   * @param {Pick<RequestOptions, 'substitute'> & { isKept?: boolean }} options
   * @returns {Promise<{ reply: any, delivery: 'delivered' | 'queued' | 'unknown' }>} `unknown`: the report may have
   *   counted, at most once
   * @internal
   */
  async tell (command, fields, { isKept = this.keepsReports, substitute } = {}) {
    try {
      const reply = await this.exchange.request(command, fields, { isReport: isKept, substitute })
      return reply === kept ? { reply: null, delivery: 'queued' } : { reply, delivery: 'delivered' }
    } catch (error) {
      if (isKept && meansAway(error)) return { reply: null, delivery: 'unknown' }
      throw error
    }
  }

  // Closing

  /**
   * Waits up to a second for the replies to what is under way, says goodbye and closes the connection. Reports that
   * could not be delivered are left in the spool. If the process ends without it, nothing is waited for, and reports
   * without a reply are left in the spool as well.
   *
   * @returns {Promise<void>}
   */
  close () {
    this.closing ??= this.end()
    return this.closing
  }

  /**
   * Delivers what workers of this user have left in the spool, beside everything else.
   *
   * @internal
   */
  deliver () {
    if (this.closing || this.delivering) return
    this.delivering = deliverAll(this.settings, spoolFolders(this.settings), () => this.closing !== null)
      .finally(() => { this.delivering = null })
  }

  /** @internal */
  async end () {
    for (const stream of [...this.streams]) stream.close()
    await this.delivering
    this.holding.close()
    await finish(this.exchange, farewellTime)
    leave(this.exchange)
  }
}

/**
 * Whether an error means that the daemon did not answer.
 *
 * @param {unknown} error
 */
const meansAway = error =>
  error instanceof UnavailableError || error instanceof RequestTimeoutError || error instanceof OutcomeUnknownError

/**
 * Node 18 does not have it before 18.18.
 *
 * @type {symbol | undefined}
 */
const asyncDispose = /** @type {any} */ (Symbol).asyncDispose

// `await using client = await connect()` closes the client.
if (asyncDispose) {
  Object.defineProperty(Client.prototype, asyncDispose, {
    /** @this {Client} */
    value () { return this.close() },
  })
}

/**
 * Connects to the daemon.
 *
 * @param {Options} [options]
 * @returns {Promise<Client>}
 * @throws {UnavailableError} if no daemon answers and the client fails closed. A client that fails open is returned all
 *   the same, and connects when the daemon is back
 */
async function connect (options = {}) {
  const client = new Client(options)
  try {
    await connectFirst(client.exchange)
  } catch (error) {
    if (client.failsOpen && error instanceof UnavailableError) return client
    await client.close()
    throw error
  }
  return client
}

module.exports = { Client, connect }
