'use strict'

const { randomBytes } = require('node:crypto')
const { clearTimeout } = require('node:timers')
const { ignoreAbort, onAbort } = require('./aborts')
const { afterReading } = require('./timers')
const { Writer } = require('./wire')

/** @typedef {import('./protocol/commands').Command} Command */

/** What the promise of a report resolves to that is kept for the daemon's return. */
const kept = Symbol('kept')

/**
 * How an admission waits for its turn.
 *
 * @typedef {object} Wait
 * @property {any} fields the fields of its request
 * @property {number} until when the wait is over, as `performance.now()` has it
 */

/**
 * How a request is sent.
 *
 * @typedef {object} RequestOptions
 * @property {boolean} [isReport] whether the request is kept while the daemon is away
 * @property {Substitute} [substitute]
 * @property {number} [timeout] milliseconds
 * @property {number} [wait] how long an admission may wait for its turn, in milliseconds, in addition to `timeout`
 * @property {AbortSignal} [signal]
 */

/**
 * What is sent in place of a settle to a daemon that does not know its permit.
 *
 * @typedef {object} Substitute
 * @property {bigint} epoch the life of the daemon's state in which the permit's number means something
 * @property {Command} command
 * @property {Buffer} payload
 */

/** A request under way, from its call to its reply. Its caller may have gone before. */
class Request {
  /**
   * @param {Command} command
   * @param {Buffer} payload the fields, without the sequence numbers
   * @param {RequestOptions} options
   */
  constructor (command, payload, { isReport = false, substitute, signal }) {
    this.command = command
    this.payload = payload
    this.isReport = isReport
    /** @type {Substitute | undefined} */
    this.substitute = substitute
    /** Its id on the connection where it was sent; 0: it was not sent. */
    this.correlation = 0
    /** Its number; 0: it has none yet. */
    this.sequence = 0
    /**
     * One that waits was answered with a ticket.
     *
     * @type {'queued' | 'sent' | 'waiting' | 'done'}
     */
    this.state = 'queued'
    /** @type {Wait | undefined} */
    this.wait = undefined
    /** The ticket that it waits with, or that it withdraws. */
    this.ticket = 0
    /** The ticket of a lost connection whose wait it continues; 0: none. */
    this.resumes = 0
    /** Whether it had a ticket. Then it waits for a daemon that is away. */
    this.hasWaited = false
    /** Whether the daemon may have received it on an earlier connection. */
    this.mayHaveArrived = false
    /** How many connections were lost while it was under way. */
    this.losses = 0
    /** The number of attempts to connect that had begun before it was queued. */
    this.attemptsBefore = 0
    /**
     * Who waits for it: its caller, nobody but the client, or nobody.
     *
     * @type {'caller' | 'client' | 'nobody'}
     */
    this.interest = 'caller'
    this.signal = signal
    /** @type {import('node:timers').Timer | undefined} */
    this.timer = undefined
    /** @type {(() => void) | undefined} */
    this.onAbort = undefined
    /** @type {(value: any) => void} */
    this.resolve = () => {}
    /** @type {(error: unknown) => void} */
    this.reject = () => {}
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Whether it is a report that nobody has sent yet. */
  get isWaitingReport () { return this.isReport && !this.mayHaveArrived && this.state === 'queued' }

  /**
   * Begins to wait for the outcome. The timer keeps the process alive until then.
   *
   * @param {number} timeout @param {() => void} expire @param {() => void} abort
   */
  await (timeout, expire, abort) {
    this.timer = afterReading(expire, timeout, () => this.interest === 'caller')
    if (!this.signal) return
    this.onAbort = abort
    onAbort(this.signal, abort)
  }

  /**
   * The caller gets its outcome.
   *
   * @param {'client' | 'nobody'} interest who waits from now on
   */
  settle (interest) {
    this.interest = interest
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.onAbort && this.signal) ignoreAbort(this.signal, this.onAbort)
    this.onAbort = undefined
  }
}

/**
 * The fields of a request as bytes.
 *
 * @param {Command} command @param {any} fields
 */
function encode (command, fields) {
  scratch.reset()
  command.write(scratch, fields)
  return scratch.take()
}

const scratch = new Writer(1024)

/**
 * Replaces a settle by what is sent in its place.
 *
 * @param {Request} request
 */
function becomeSubstitute (request) {
  const { substitute } = request
  if (!substitute) return
  request.command = substitute.command
  request.payload = substitute.payload
  request.substitute = undefined
}

/** A worker id: 128 random bits, not all 0. */
function newWorker () {
  const bytes = randomBytes(16)
  return { high: bytes.readBigUInt64LE(0), low: bytes.readBigUInt64LE(8) | 1n }
}

module.exports = { Request, becomeSubstitute, encode, kept, newWorker }
