'use strict'

const { performance } = require('node:perf_hooks')
const { setTimeout, clearTimeout } = require('node:timers')
const { Acquaintance } = require('./acquaintance')
const { Connection, refusal } = require('./connection')
const {
  ClosedError, FuseboxError, InvalidArgumentError, OutcomeUnknownError, ProtocolError, RequestTimeoutError,
  UnavailableError,
} = require('./errors')
const { headerLength, statusName } = require('./frames')
const { becomeAnother, beginAnew, giveUpUnacknowledged, takeUnanswered, turnAway } = require('./losses')
const { Outage } = require('./outage')
const { Output, frameLength } = require('./output')
const { Request, becomeSubstitute, encode, kept, newWorker } = require('./requests')
const { SequenceWindow } = require('./sequence-window')
const {
  continueWaits, giveBackUnwanted, isWithdrawal, pushed, stopWaiting, takePush, takeTicket, takeWaiting, withdraw,
} = require('./waiting')
const { commands } = require('./protocol/commands')
const { kinds } = require('./protocol/constants')

/** @typedef {import('./protocol/commands').Command} Command */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */
/** @typedef {import('./frames').Frame} Frame */
/** @typedef {import('./connection').Ending} Ending */
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
    /**
     * Requests that were sent, by their correlation ids.
     *
     * @type {Map<number, Request>}
     */
    this.sent = new Map()
    /**
     * Requests that wait for their turn, by their tickets.
     *
     * @type {Map<number, Request>}
     */
    this.tickets = new Map()
    /**
     * Pushes that have come before the replies to their requests.
     *
     * @type {Map<number, import('./protocol/types').TicketEntry>}
     */
    this.early = new Map()
    this.correlation = 0
    /** Kept reports that were dropped or refused. */
    this.droppedReports = 0
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
      return this.schedule()
    }
    if (this.outage.asksAgain && !request.isReport) {
      this.enqueue(request)
      return this.hurry()
    }
    if (!request.isReport) return this.end(request, this.unavailable())
    this.enqueue(request)
    this.keep(request)
    this.dropExcessReports()
    this.schedule()
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

  // Connections

  /** Connects if there is no connection and something asks for one. Attempts wait for the end of the backoff. */
  schedule () {
    if (this.phase !== 'disconnected' || this.retryTimer) return
    if (this.backlog.length === 0 && !this.holdsPermits() && this.watchers.size === 0) return
    const wait = this.outage.retryAt - performance.now()
    if (wait <= 0) return this.connect()
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined
      this.schedule()
    }, Math.ceil(wait))
    this.retryTimer.unref()
  }

  /** Connects without waiting for the end of the backoff. */
  hurry () {
    this.outage.hurry()
    clearTimeout(this.retryTimer)
    this.retryTimer = undefined
    this.schedule()
  }

  connect () {
    this.phase = 'connecting'
    this.attempts += 1
    this.worker ??= newWorker()
    const introduction = {
      workerHigh: this.worker.high, workerLow: this.worker.low, lastSequence: this.window.next - 1,
      client: this.settings.clientName,
    }
    this.connection = new Connection(this.settings.path, introduction, this.settings.connectTimeout, {
      onHello: hello => this.connected(hello),
      onFrame: frame => this.receive(frame),
      onEnd: ending => this.phase === 'open' ? this.lost(ending) : this.connectFailed(ending),
    })
  }

  /** @param {HelloReply} hello */
  connected (hello) {
    this.phase = 'open'
    this.hello = hello
    this.silentSince = 0
    this.outage.end()
    if (this.acquaintance && !this.acquaintance.allowsResending(hello)) giveUpUnacknowledged(this)
    this.acquaintance = new Acquaintance(hello)
    continueWaits(this)
    this.drain()
    this.tellWatchers(null)
  }

  /** @param {Ending | null} ending */
  tellWatchers (ending) {
    for (const watcher of [...this.watchers]) watcher(ending)
  }

  /** @param {Ending} ending */
  connectFailed (ending) {
    const now = performance.now()
    this.phase = 'disconnected'
    this.connection = null
    this.absence = ending.reason
    this.absenceCause = ending.cause
    const grace = this.acquaintance?.graceMilliseconds
    const mustReturn = this.holdsPermits() || this.backlog.some(request => request.hasWaited)
    this.outage.attemptFailed(now, {
      isVacant: ending.isVacant,
      hasCallers: this.backlog.some(request => request.interest === 'caller'),
      longest: mustReturn && grace ? Math.max(grace / 3, 1) : Infinity,
    })
    this.tellWatchers(ending)
    if (!this.outage.isExpectedBack && turnAway(this)) return this.hurry()
    this.schedule()
  }

  /**
   * The open connection is lost.
   *
   * @param {Ending} ending
   */
  lost (ending) {
    const now = performance.now()
    this.phase = 'disconnected'
    this.connection = null
    this.absence = ending.reason
    this.absenceCause = ending.cause
    this.output.clear()
    const again = takeUnanswered(this)
    this.outage.begin(now, again.some(request => request.losses > 1))
    this.backlog = [...again, ...takeWaiting(this), ...this.backlog]
    if (ending.farewell?.status === 'fenced') becomeAnother(this)
    this.dropExcessReports()
    this.schedule()
    this.onRest?.()
  }

  unavailable () { return new UnavailableError(this.settings.path, this.absence, this.absenceCause) }

  // Frames

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
      return this.window.isQuiet && ![...this.sent.values()].some(isWithdrawal)
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
    const correlation = this.nextCorrelation()
    this.output.write(request, correlation, this.window)
    request.state = 'sent'
    this.sent.set(correlation, request)
  }

  nextCorrelation () {
    do this.correlation = this.correlation === 0xffffffff ? 1 : this.correlation + 1
    while (this.sent.has(this.correlation))
    return this.correlation
  }

  /** @param {Frame} frame */
  receive (frame) {
    this.silentSince = 0
    if (frame.kind === kinds.push) return this.receivePush(frame)
    if (frame.kind !== kinds.reply) throw new ProtocolError(`a frame of the kind ${frame.kind} came`)
    const request = this.sent.get(frame.correlation)
    if (!request) throw new ProtocolError('a reply came that answers no request')
    if (request.command.number !== frame.command) {
      throw new ProtocolError(`${request.command.name} got the reply of ${frame.command}`)
    }
    this.sent.delete(frame.correlation)
    if (request.sequence && frame.detail === 0 && this.acquaintance) this.acquaintance.isKnown = true
    const status = statusName(frame.detail)
    if (status === 'sequenceOutOfOrder' && request.mayHaveArrived) beginAnew(this, request)
    else if (status === 'notFound' && request.substitute) this.sendSubstitute(request)
    else if (frame.detail !== 0) this.end(request, refusal(frame, request.command.name))
    else this.answer(request, frame)
    this.drain()
    if (this.onRest && !this.isBusy) this.onRest()
  }

  /** @param {Frame} frame */
  receivePush (frame) {
    const entry = pushed(frame)
    if (entry) takePush(this, entry)
    this.drain()
  }

  /**
   * A reply that cannot be read is an error of this request alone, because its frame is whole.
   *
   * @param {Request} request @param {Frame} frame
   */
  answer (request, frame) {
    let reply
    try {
      reply = request.command.readReply(frame.payload)
    } catch (error) {
      return this.end(request, error)
    }
    if (!request.wait || !takeTicket(this, request, reply.ticket)) this.take(request, reply)
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

  /**
   * Reports the call of a permit that the daemon does not know, even if nobody waits any more.
   *
   * @param {Request} request
   */
  sendSubstitute (request) {
    this.closeNumber(request)
    becomeSubstitute(request)
    request.mayHaveArrived = false
    if (request.interest === 'nobody') request.interest = 'client'
    this.enqueue(request)
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

  /** Drops the oldest kept reports above the bound. Those that may have arrived do not count here. */
  dropExcessReports () {
    let excess = this.queuedReports - this.settings.queueLimit
    if (excess <= 0) return
    const dropped = this.backlog.filter(request => request.isWaitingReport && excess-- > 0)
    const gone = new Set(dropped)
    this.backlog = this.backlog.filter(request => !gone.has(request))
    for (const request of dropped) this.end(request, this.unavailable())
  }
}

module.exports = { Exchange }
