'use strict'

const { CandidateWalk } = require('./candidate-walk')
const { InvalidArgumentError } = require('./errors')
const { outcomeOfStatus } = require('./outcomes')
const { tellsError } = require('./provider-answer')
const { endingOf, finish, hold, meaningOf, withDeadline } = require('./with-permit')

/** @typedef {import('./client').Client} Client */
/** @typedef {import('./permit').Permit} Permit */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./with-permit').PermitOptions} PermitOptions */

/**
 * @template T
 * @typedef {(permit: Permit) => AsyncIterable<T> | Promise<AsyncIterable<T>>} Open
 */

/**
 * A stream under a permit; `Client.stream` documents it.
 *
 * | what happens | the permit is settled |
 * |---|---|
 * | the stream ends | by `permit.outcome`, the error of which a chunk has told, or as `success` |
 * | it ends after the signal was aborted | as `abandoned` |
 * | it throws | by what the error means |
 * | the consumer leaves the loop | as `abandoned`, and the provider's stream is ended |
 * | the consumer forgets it, and the garbage collector takes it | as `abandoned`, and the provider's stream is ended |
 *
 * What was used counts in each case, as far as the chunks have told it.
 *
 * @template T
 * @param {Client} client
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {PermitOptions} options
 * @param {Open<T>} open
 * @returns {AsyncGenerator<T, void, undefined>}
 */
function stream (client, candidates, options, open) {
  if (typeof open !== 'function') throw new InvalidArgumentError('stream takes candidates, options and a function')
  /** @type {Opened<T>} */
  const opened = new Opened(client, options)
  const generator = chunks(opened, candidates, open)
  forgotten.register(generator, opened)
  return generator
}

/**
 * Gives up the streams that nobody can read any more, because nobody refers to them.
 *
 * @type {FinalizationRegistry<Opened<any>>}
 */
const forgotten = new FinalizationRegistry(opened => { opened.giveUp().catch(() => {}) })

/**
 * The stream of the provider that was admitted last.
 *
 * @template T
 */
class Opened {
  /** @param {Client} client @param {PermitOptions} options */
  constructor (client, options) {
    this.client = client
    this.options = options
    /** @type {Permit | null} */
    this.permit = null
    /** @type {AsyncIterator<T> | null} */
    this.source = null
    /**
     * A chunk that told an error.
     *
     * @type {unknown}
     */
    this.failure = undefined
  }

  /**
   * Opens the stream and takes its first chunk.
   *
   * @param {CandidateLike[]} candidates @param {PermitOptions & { until: number }} rules @param {Open<T>} open
   */
  async begin (candidates, rules, open) {
    this.permit = await hold(this.client, candidates, rules)
    const events = await open(this.permit)
    this.source = events[Symbol.asyncIterator]()
    return this.next()
  }

  /** The next chunk. One that tells usage or an error is read. */
  async next () {
    const { permit, source } = this
    if (!permit || !source) throw new InvalidArgumentError('the stream is not open')
    const result = await source.next()
    if (result.done) return null
    permit.firstToken()
    permit.usage(result.value)
    if (tellsError(result.value)) this.failure = result.value
    return { chunk: result.value }
  }

  /**
   * Settles the permit, once.
   *
   * @param {CallOutcome} outcome
   */
  async settle (outcome) {
    const { permit } = this
    this.permit = null
    return permit ? finish(this.client, permit, outcome, this.options) : outcome
  }

  /** The provider's stream has ended. */
  end () {
    if (this.failure === undefined) return this.settle(endingOf(this.options))
    return this.settle(outcomeOfStatus(200, undefined, this.failure))
  }

  /** @param {unknown} error */
  fail (error) {
    return this.settle(meaningOf(error, this.options))
  }

  /** Nobody reads on. */
  async giveUp () {
    const { source } = this
    if (!this.permit) return
    // The settle does not wait for a provider that takes its time to end.
    await Promise.all([this.settle({ outcome: 'abandoned' }), source?.return?.()])
  }
}

/**
 * @template T
 * @param {Opened<T>} opened
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {Open<T>} open
 * @returns {AsyncGenerator<T, void, undefined>}
 */
async function * chunks (opened, candidates, open) {
  try {
    let next = await first(opened, candidates, open)
    while (next) {
      yield next.chunk
      next = await advance(opened)
    }
    await opened.end()
  } finally {
    await opened.giveUp()
  }
}

/**
 * The first chunk of the first stream that opens and begins. Until then the consumer has seen nothing, so another
 * candidate can be tried.
 *
 * @template T
 * @param {Opened<T>} opened
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {Open<T>} open
 */
async function first (opened, candidates, open) {
  const rules = withDeadline(opened.options)
  const walk = new CandidateWalk(candidates, rules)
  /** @type {{ error: unknown } | null} */
  let failure = null
  for (;;) {
    try {
      return await opened.begin(walk.left, rules, open)
    } catch (error) {
      const { permit } = opened
      if (!permit) throw failure ? failure.error : error
      failure = { error }
      if (!walk.goesOn(permit, await opened.fail(error))) throw error
    }
  }
}

/**
 * The next chunk of a stream that has begun.
 *
 * @template T
 * @param {Opened<T>} opened
 */
async function advance (opened) {
  try {
    return await opened.next()
  } catch (error) {
    await opened.fail(error)
    throw error
  }
}

module.exports = { stream }
