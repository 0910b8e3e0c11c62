'use strict'

const { ignoreAbort, onAbort } = require('./aborts')
const { Connection, refusal } = require('./connection')
const { ClosedError, InvalidArgumentError, ProtocolError, UnavailableError } = require('./errors')
const { headLength, writeHead } = require('./frames')
const { newWorker } = require('./requests')
const { Writer } = require('./wire')
const { commands } = require('./protocol/commands')
const { kinds } = require('./protocol/constants')
const { events, readEventEnvelope, topics: bits } = require('./protocol/events')

/** @typedef {import('./options').Settings} Settings */
/** @typedef {import('./protocol/types').FuseboxEvent} FuseboxEvent */
/** @typedef {import('./protocol/types').Topic} Topic */
/** @typedef {import('./frames').Frame} Frame */

/**
 * Who waits for an event.
 *
 * @typedef {object} Taker
 * @property {(result: IteratorResult<FuseboxEvent, undefined>) => void} resolve
 * @property {(error: unknown) => void} reject
 */

/**
 * @typedef {object} EventOptions
 * @property {AbortSignal} [signal] ends the subscription; the iterator rejects with its reason
 * @property {boolean} [keepsAlive] whether waiting for an event keeps the process alive: true by default
 */

/** Events that wait for a slow consumer. Beyond them the stream stops reading, and the daemon counts what it misses. */
const mostWaiting = 256

/**
 * The daemon's events, one after the other:
 *
 *     for await (const event of client.events(['breaker'])) console.log(event.name, event.fields)
 *
 * `event.missed` tells how many events the daemon could not send since the one before. The stream rejects with
 * `UnavailableError` when its connection ends. It does not connect again, because events in between would be lost
 * without a trace; what `ready` of a new stream resolves to tells how many there were, unless the daemon has restarted.
 * Leaving the loop, and `close`, end the subscription.
 *
 * @implements {AsyncIterableIterator<FuseboxEvent>}
 */
class EventStream {
  /**
   * @param {Settings} settings
   * @param {Topic[] | undefined} topics
   * @param {EventOptions} options
   * @param {() => void} onClose
   */
  constructor (settings, topics, { signal, keepsAlive = true }, onClose) {
    /** @internal */
    this.path = settings.path
    /** @internal */
    this.topics = sum(topics ?? /** @type {Topic[]} */ (Object.keys(bits)))
    /** @internal */
    this.onClose = onClose
    /** @internal */
    this.keepsAlive = keepsAlive
    /** @internal */
    this.signal = signal
    /**
     * @internal
     * @type {FuseboxEvent[]}
     */
    this.waiting = []
    /**
     * @internal
     * @type {Taker[]}
     */
    this.takers = []
    /**
     * Why no further event will come; null while some may.
     *
     * @type {{ error: unknown } | null}
     * @internal
     */
    this.ending = null
    /**
     * @internal
     * @type {(number: bigint) => void}
     */
    this.resolveReady = () => {}
    /**
     * @internal
     * @type {(error: unknown) => void}
     */
    this.rejectReady = () => {}
    /**
     * Resolves to the number of the next event when the daemon has the subscription.
     *
     * @type {Promise<bigint>}
     */
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve
      this.rejectReady = reject
    })
    // Whoever does not wait for it learns of a failure from the iterator.
    this.ready.catch(() => {})
    const worker = newWorker()
    const introduction = {
      workerHigh: worker.high, workerLow: worker.low, lastSequence: 0, client: settings.clientName,
    }
    // The subscription is a worker of its own, because the daemon allows one connection for each worker.
    /** @internal */
    this.connection = new Connection(settings.path, introduction, settings.connectTimeout, {
      onHello: () => this.connection.write(subscribeFrame(this.topics)),
      onFrame: frame => this.receive(frame),
      onEnd: ({ reason, cause }) => this.finish({ error: new UnavailableError(this.path, reason, cause) }),
    })
    // Until there is a subscription, the attempt keeps the process alive; then whoever waits for an event does.
    this.connection.hold(true)
    /** @internal */
    this.onAbort = () => this.finish({ error: signal?.reason })
    if (signal?.aborted) this.onAbort()
    else if (signal) onAbort(signal, this.onAbort)
  }

  [Symbol.asyncIterator] () { return this }

  /** @returns {Promise<IteratorResult<FuseboxEvent, undefined>>} */
  next () {
    const event = this.waiting.shift()
    if (event) {
      if (this.waiting.length === mostWaiting - 1) this.connection.socket.resume()
      return Promise.resolve({ value: event, done: false })
    }
    if (this.ending) return this.last(this.ending)
    this.connection.hold(this.keepsAlive)
    return new Promise((resolve, reject) => { this.takers.push({ resolve, reject }) })
  }

  /** @returns {Promise<IteratorResult<FuseboxEvent, undefined>>} */
  return () {
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Ends the subscription. A loop over it ends. */
  close () {
    this.waiting = []
    this.finish({ error: null })
  }

  /**
   * Tells a failure once, and then the end.
   *
   * @param {{ error: unknown }} ending @returns {Promise<IteratorResult<FuseboxEvent, undefined>>}
   * @internal
   */
  last (ending) {
    const { error } = ending
    ending.error = null
    return error ? Promise.reject(error) : Promise.resolve({ value: undefined, done: true })
  }

  /**
   * @internal
   * @param {{ error: unknown }} ending
   */
  finish (ending) {
    if (this.ending) return
    this.ending = ending
    this.rejectReady(ending.error ?? new ClosedError())
    this.connection.destroy()
    if (this.signal) ignoreAbort(this.signal, this.onAbort)
    const takers = this.takers
    this.takers = []
    for (const { resolve, reject } of takers) this.last(ending).then(resolve, reject)
    this.onClose()
  }

  /**
   * @internal
   * @param {Frame} frame
   */
  receive (frame) {
    if (frame.kind === kinds.reply) {
      if (frame.detail !== 0) return this.finish({ error: refusal(frame, 'subscribe') })
      if (frame.command !== commands.subscribe.number) throw new ProtocolError('a reply came that answers no request')
      this.connection.hold(this.keepsAlive && this.takers.length > 0)
      return this.resolveReady(commands.subscribe.readReply(frame.payload).nextNumber)
    }
    const declaration = events[frame.command]
    if (!declaration) return
    const { number, missed, at } = readEventEnvelope(frame.payload)
    const event = { name: declaration.name, number, missed, at, fields: declaration.read(frame.payload) }
    this.add(/** @type {FuseboxEvent} */ (event))
  }

  /**
   * @internal
   * @param {FuseboxEvent} event
   */
  add (event) {
    const taker = this.takers.shift()
    if (taker) {
      if (this.takers.length === 0) this.connection.hold(false)
      return taker.resolve({ value: event, done: false })
    }
    this.waiting.push(event)
    if (this.waiting.length === mostWaiting) this.connection.socket.pause()
  }
}

/** @param {Topic[]} topics */
function sum (topics) {
  return topics.reduce((sum, topic) => {
    if (!(topic in bits)) {
      throw new InvalidArgumentError(`there is no topic '${topic}'; there are ${Object.keys(bits).join(', ')}`)
    }
    return sum | bits[topic]
  }, 0)
}

/** @param {number} topics */
function subscribeFrame (topics) {
  const writer = new Writer()
  writer.room(headLength)
  commands.subscribe.write(writer, { topics })
  writeHead(writer.buffer, 0, { command: commands.subscribe.number, correlation: 1 }, writer.offset - headLength)
  return writer.take()
}

module.exports = { EventStream }
