'use strict'

const { setTimeout } = require('node:timers')
const { Client } = require('../client')
const { FuseboxError } = require('../errors')
const { connectFirst } = require('../lifetime')
const { commands } = require('../protocol/commands')
const { Breakers } = require('./breakers')
const { Ledger } = require('./ledger')
const { Marks } = require('./marks')

/** @typedef {import('./shared').HubOptions} HubOptions */
/** @typedef {import('../logger').Logger} Logger */

/** How long the hub waits before it subscribes anew after a lost connection, in milliseconds. */
const resubscribeAfter = 200

/**
 * What all objects of this process share: one client, and a replica of the daemon's breakers, marks and ledger.
 *
 * The replica is read at once when the hub starts, and kept by events and by the replies to this worker's own writes.
 * Synchronous reads answer from it. While the daemon is away it decides alone, as the library does, and reports are
 * kept.
 */
class Hub {
  /** @param {HubOptions} options */
  constructor ({ CircuitBreakerOpenError: OpenError, ...options } = {}) {
    this.OpenError = OpenError
    this.logger = options.logger ?? {}
    this.client = new Client({ failurePolicy: 'open', clientName: 'llm-providers', ...options })
    /** The daemon's steady clock less this process's clock, in milliseconds. */
    this.offset = 0
    this.breakers = new Breakers(this)
    this.marks = new Marks(this)
    this.ledger = new Ledger(this)
    /**
     * Writes and reads under way.
     *
     * @type {Set<Promise<void>>}
     */
    this.pending = new Set()
    this.isClosed = false
    /** @type {Promise<void> | null} */
    this.started = null
  }

  /** Whether the daemon behaves as the library does. */
  get isOfLibrary () { return this.client.hello?.profile === 'llmProviders' }

  /** Connects and reads everything, once. Resolves without a daemon too: the replica is empty then. */
  start () {
    this.started ??= this.begin()
    return this.started
  }

  async begin () {
    try {
      await connectFirst(this.client.exchange)
    } catch (error) {
      this.complain(error)
    }
    const following = this.follow()
    this.background(following.loaded)
    await following.loaded.catch(() => {})
  }

  /** Follows the daemon's events until the hub is closed, and reads everything anew after each gap. */
  follow () {
    /** @type {(value?: any) => void} */
    let isLoaded = () => {}
    const loaded = new Promise(resolve => { isLoaded = resolve })
    this.listen(isLoaded)
    return { loaded }
  }

  /** @param {(value?: any) => void} isLoaded */
  async listen (isLoaded) {
    while (!this.isClosed) {
      try {
        const stream = this.client.events(['breaker', 'exhaustion', 'ledger'], { keepsAlive: false })
        // Events after the subscription find the replica of before or of after; both are brought up to date by them.
        await stream.ready
        await this.load()
        isLoaded()
        for await (const event of stream) {
          if (event.missed > 0n) this.background(this.load())
          this.take(event)
        }
      } catch (error) {
        if (!(error instanceof FuseboxError)) throw error
      }
      isLoaded()
      await new Promise(resolve => { setTimeout(resolve, resubscribeAfter).unref() })
    }
  }

  async load () {
    const { now } = await this.client.call('ping')
    // What ends or decays does so here a moment later than at the daemon, and never before.
    this.offset = now - Date.now() - 1
    await Promise.all([this.breakers.load(), this.marks.load(), this.ledger.load()])
  }

  /** @param {import('../protocol/types').FuseboxEvent} event */
  take (event) {
    switch (event.name) {
      case 'breakerTransition': return this.breakers.refresh(event.fields.name)
      case 'providerExhausted': return this.marks.take(event.fields.entry)
      case 'providerRestored': return this.marks.restored(event.fields)
      case 'routePaused': return this.marks.pause(event.fields.entry)
      case 'routeResumed': return this.marks.resumed(event.fields.entry)
      default: return this.ledger.take(event)
    }
  }

  /**
   * A moment of the daemon on this process's clock.
   *
   * @param {number} moment
   */
  local (moment) { return moment - this.offset }

  /**
   * Sends a report, which is kept while the daemon is away, or the process ends. Writes go out in the order of their
   * calls, and do not wait for the replica.
   *
   * @param {string} name @param {any} fields
   */
  async report (name, fields) {
    this.start()
    const { reply } = await this.client.tell(commands[name], fields)
    return reply
  }

  /**
   * Lets something go on by itself. What fails is told to the logger.
   *
   * @param {Promise<unknown>} work @param {Logger} [logger]
   */
  background (work, logger) {
    const pending = work.then(
      () => {}, error => this.complain(error, logger),
    ).finally(() => this.pending.delete(pending))
    this.pending.add(pending)
  }

  /** @param {unknown} error @param {Logger} [logger] */
  complain (error, logger = this.logger) {
    if (!(error instanceof FuseboxError)) throw error
    logger.warn?.(`[Fusebox] ${error.message}`)
  }

  /**
   * Sends a command, behind what was written before.
   *
   * @param {import('../protocol/types').CommandName} name @param {any} [fields]
   */
  async send (name, fields) {
    this.start()
    return this.client.call(name, fields)
  }

  /** Waits until everything that was written is answered. */
  async flush () {
    await this.start()
    while (this.pending.size > 0) await Promise.all(this.pending)
  }

  async close () {
    this.isClosed = true
    await this.client.close()
  }
}

module.exports = { Hub }
