'use strict'

const { performance } = require('node:perf_hooks')
const { hurry, schedule } = require('./connecting')
const {
  ClosedError, FuseboxError, InvalidArgumentError, RequestTimeoutError, UnavailableError,
} = require('./errors')
const { headerLength } = require('./frames')
const { Outage } = require('./outage')
const { Output, frameLength } = require('./output')
const { Request, becomeSubstitute, encode, kept } = require('./requests')
const { SentRequests } = require('./sent-requests')
const { SequenceWindow } = require('./sequence-window')
const { giveBackUnwanted, isWithdrawal, stopWaiting, withdraw } = require('./waiting')
const { commands } = require('./protocol/commands')

/** @typedef {import('./protocol/commands').Command} Command */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */
/** @typedef {import('./connection').Connection} Connection */
/** @typedef {import('./connection').Ending} Ending */
/** @typedef {import('./acquaintance').Acquaintance} Acquaintance */
/** @typedef {import('./requests').RequestOptions} RequestOptions */
/** @typedef {import('./options').Settings} Settings */

/** Requests that are under way at once. */
const mostRequests = 65_536
/** After so many request timeouts without a byte from the daemon the connection is given up. */
const silentTimeouts = 4

/**
 * The exchange of a client with the daemon: one connection at a time, requests pipelined on it, and each request that
 * changes state counted exactly once, whatever happens to connections and daemons.
 *
 * A number whose frame was sent stays unacknowledged until the daemon has answered it, even if its caller has stopped
 * waiting. Numbers are sent again only to a daemon that can tell whether they have counted (see `Acquaintance`).
 */
class Exchange {
  /** @param {Settings} settings */
  constructor (settings) {
    this.settings = settings
    /** @type {'disconnected' | 'connecting' | 'open' | 'closed'} */
    this.phase = 'disconnected'
    /** @type {Connection | null} */
    this.connection = null
    /**
     * The daemon's reply to the last hello.
     *
     * @type {HelloReply | null}
     */
    this.hello = null
    /** Why there is no connection. */
    this.absence = 'it was never connected'
    /** @type {unknown} */
    this.absenceCause = undefined
    this.outage = new Outage(settings)
    /** The number of attempts to connect that have begun. */
    this.attempts = 0
    /** @type {{ high: bigint, low: bigint } | null} */
    this.worker = null
    /** @type {Acquaintance | null} */
    this.acquaintance = null
    this.window = new SequenceWindow()
    /**
     * Requests that wait for a connection, or for room in the window.
     *
     * @type {Request[]}
     */
    this.backlog = []
    this.sent = new SentRequests()
    /**
     * Requests that wait for their turn, by their tickets.
     *
     * @type {Map<number, Request>}
     */
    this.tickets = new Map()
    /** Kept reports that were dropped or refused. */
    this.droppedReports = 0
    /** Whether the logger knows that reports are dropped in this outage. */
    this.hasToldExcess = false
    /** When the first request timed out since the last byte came; 0: none has. */
    this.silentSince = 0
    this.output = new Output(bytes => this.connection?.write(bytes))
    /** @type {import('node:timers').Timer | undefined} */
    this.retryTimer = undefined
    /**
     * Whether the client must not stay away, because it holds permits.
     *
     * @type {() => boolean}
     */
    this.holdsPermits = () => false
    /**
     * Called after each hello, and after each failed attempt.
     *
     * @type {Set<(ending: Ending | null) => void>}
     */
    this.watchers = new Set()
    /**
     * Called after each hello.
     *
     * @type {(() => void) | null}
     */
    this.onConnected = null
    /**
     * Called when nothing is under way any more, or the connection is lost.
     *
     * @type {(() => void) | null}
     */
    this.onRest = null
  }

  /** Whether requests are under way. */
  get isBusy () { return this.sent.size > 0 || this.backlog.length > 0 }

  get failsOpen () { return this.settings.failurePolicy === 'open' }
  /** The number of kept reports that have not been sent. */
  get queuedReports () { return this.backlog.filter(request => request.isWaitingReport).length }
  /** The epoch of the daemon's state, as it was last told. */
  get epoch () { return this.acquaintance?.epoch }

  // Requests

  /**
   * Sends a request. The promise has the reply, or `kept` for a report that waits for the daemon's return.
   *
   * @param {Command} command
   * @param {any} fields
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  async request (command, fields, options = {}) {
    if (this.phase === 'closed') throw new ClosedError()
    options.signal?.throwIfAborted()
    const payload = encode(command, fields)
    if (this.sent.size + this.backlog.length + this.tickets.size >= mostRequests) {
      throw new FuseboxError(
        'ERR_FUSEBOX_TOO_MANY_REQUESTS', `${mostRequests} requests are under way; wait for replies`,
      )
    }
    const request = new Request(command, payload, options)
    const wait = options.wait ?? 0
    if (wait > 0) request.wait = { fields, until: performance.now() + wait }
    const timeout = wait + (options.timeout ?? this.settings.requestTimeout)
    request.await(timeout, () => this.expire(request), () => this.abandon(request, options.signal?.reason))
    this.submit(request)
    return request.promise
  }

  /** @param {Request} request */
  submit (request) {
    if (this.phase === 'open') {
      this.enqueue(request)
      return this.drain()
    }
    if (this.phase === 'connecting') return this.enqueue(request)
    const now = performance.now()
    if (this.outage.retryAt <= now || this.outage.isExpectedBack) {
      this.enqueue(request)
      return schedule(this)
    }
    if (this.outage.asksAgain && !request.isReport) {
      this.enqueue(request)
      return hurry(this)
    }
    if (!request.isReport) return this.end(request, this.unavailable())
    this.enqueue(request)
    this.keep(request)
    this.dropExcessReports()
    schedule(this)
  }

  /**
   * The deadline of a request has passed.
   *
   * @param {Request} request
   */
  expire (request) {
    if (request.state === 'sent' || request.state === 'waiting') {
      this.abandon(request, new RequestTimeoutError(request.command.name))
      return this.noteSilence()
    }
    if (request.isReport) {
      this.keep(request)
      return this.dropExcessReports()
    }
    // A request that was never sent, for lack of a connection, has changed nothing. The error says so.
    const mayHaveCounted = this.phase === 'open' || request.mayHaveArrived
    this.abandon(request, mayHaveCounted ? new RequestTimeoutError(request.command.name) : this.unavailable())
  }

  /** Gives up the connection to a daemon that has answered nothing for long. */
  noteSilence () {
    if (this.phase !== 'open') return
    const now = performance.now()
    this.silentSince ||= now
    if (this.silentSince + silentTimeouts * this.settings.requestTimeout <= now) {
      this.connection?.end('the daemon has stopped answering')
    }
  }

  /** Why a request ends that no daemon answers. */
  unavailable () { return new UnavailableError(this.settings.path, this.absence, this.absenceCause) }

  // Writing

  /** Writes the requests of the backlog that may be written now. */
  drain () {
    if (this.phase !== 'open') return
    let count = 0
    while (count < this.backlog.length && this.mayLeave(this.backlog[count])) this.write(this.backlog[count++])
    if (count === this.backlog.length) this.backlog = []
    else if (count > 0) this.backlog.splice(0, count)
  }

  /** @param {Request} request */
  mayLeave (request) {
    // The daemon forgets the worker at goodbye. So no request may be left that might have to be sent again.
    if (request.command === commands.goodbye) {
      return this.window.isQuiet && !this.sent.values().some(isWithdrawal)
    }
    if (!request.command.isSequenced) return true
    return this.window.hasRoom(request.sequence || this.window.next, this.hello?.keptReplies ?? 0)
  }

  /** @param {Request} request */
  write (request) {
    if (request.substitute && request.substitute.epoch !== this.epoch) becomeSubstitute(request)
    const length = headerLength + frameLength(request)
    if (this.hello && this.hello.frameLimit > 0 && length > this.hello.frameLimit) {
      return this.end(
        request, new InvalidArgumentError(`${request.command.name} has ${length} bytes, more than a frame may have`),
      )
    }
    this.sent.add(request)
    this.output.write(request, this.window)
    request.state = 'sent'
  }

  /**
   * Gives the caller the reply.
   *
   * @param {Request} request @param {any} reply
   */
  take (request, reply) {
    this.closeNumber(request)
    request.state = 'done'
    const isAwaited = request.interest === 'caller'
    request.settle('nobody')
    if (isAwaited) request.resolve(reply)
    else giveBackUnwanted(this, request, reply)
  }

  // Endings

  /** @param {Request} request */
  enqueue (request) {
    request.state = 'queued'
    request.attemptsBefore = this.attempts
    this.backlog.push(request)
  }

  /**
   * Keeps a report for later. Its caller stops waiting.
   *
   * @param {Request} request
   */
  keep (request) {
    if (request.interest !== 'caller') return
    request.settle('client')
    request.resolve(kept)
  }

  /**
   * Tells the caller why there is no reply. The request goes on.
   *
   * @param {Request} request @param {unknown} error
   */
  fail (request, error) {
    if (request.interest !== 'caller') return
    request.settle('nobody')
    request.reject(error)
  }

  /**
   * Ends a request that is in no list any more.
   *
   * @param {Request} request @param {unknown} error
   */
  end (request, error) {
    this.closeNumber(request)
    request.state = 'done'
    if (request.interest === 'client') this.droppedReports += 1
    if (request.interest === 'caller') this.fail(request, error)
    request.settle('nobody')
    // Nobody continues this wait, and its permit may have been granted.
    if (request.resumes > 0) withdraw(this, request.resumes)
  }

  /**
   * The caller stops waiting. A request that cannot have reached the daemon is taken back.
   *
   * @param {Request} request @param {unknown} error
   */
  abandon (request, error) {
    this.fail(request, error)
    if (request.state === 'waiting') return stopWaiting(this, request)
    if (request.state !== 'queued' || request.mayHaveArrived) return
    this.backlog = this.backlog.filter(other => other !== request)
    this.end(request, error)
    this.drain()
  }

  /** @param {Request} request */
  closeNumber (request) {
    if (request.sequence) this.window.close(request.sequence)
    request.sequence = 0
  }

  /** Tells of dropped reports, once in an outage. */
  noteExcess () {
    if (this.hasToldExcess) return
    this.hasToldExcess = true
    this.settings.logger.warn?.(
      `[Fusebox] more than ${this.settings.queueLimit} reports wait for the daemon; the oldest are dropped`,
    )
  }

  /** Drops the oldest kept reports above the bound. Those that may have arrived do not count here. */
  dropExcessReports () {
    let excess = this.queuedReports - this.settings.queueLimit
    if (excess <= 0) return
    this.noteExcess()
    const dropped = this.backlog.filter(request => request.isWaitingReport && excess-- > 0)
    const gone = new Set(dropped)
    this.backlog = this.backlog.filter(request => !gone.has(request))
    for (const request of dropped) this.end(request, this.unavailable())
  }
}

module.exports = { Exchange }
