'use strict'

const { isDeepStrictEqual } = require('node:util')
const { RefusedError } = require('../errors')
const { commands } = require('../protocol/commands')
const { completeConfig, decide, emptyMemory, note, stateOf } = require('./breaker-rules')

/** @typedef {import('./hub').Hub} Hub */
/** @typedef {import('../logger').Logger} Logger */
/** @typedef {import('./breaker-rules').CircuitBreakerConfig} CircuitBreakerConfig */
/** @typedef {import('./breaker-rules').BreakerMemory} BreakerMemory */
/** @typedef {import('../protocol/types').BreakerRecord} BreakerRecord */

/**
 * The replica of one breaker.
 *
 * @typedef {object} Replica
 * @property {CircuitBreakerConfig} config
 * @property {BreakerMemory} memory
 * @property {boolean} isConfigured whether the daemon has a configuration of its own for it
 * @property {boolean} isKnown whether the daemon knows it
 * @property {number} latest counts what this worker has sent: an answer to something older is not newer than the
 *   replica
 */

/** The replica of all breakers, and what is asked and told of them. */
class Breakers {
  /** @param {Hub} hub */
  constructor (hub) {
    this.hub = hub
    /** @type {Map<string, Replica>} */
    this.replicas = new Map()
    /**
     * The daemon's configuration of breakers without one of their own.
     *
     * @type {CircuitBreakerConfig | null}
     */
    this.defaults = null
  }

  async load () {
    this.defaults = configOf(await this.hub.client.call('breaker.default'))
    const fetched = []
    for await (const { name, deployment, model } of this.hub.client.list('breaker.list')) {
      // The library has one breaker a provider.
      if (deployment === null && model === null) fetched.push(this.fetch(name))
    }
    await Promise.all(fetched)
  }

  /**
   * The replica of a breaker. One that the daemon does not know yet has this configuration.
   *
   * @param {string} name @param {Partial<CircuitBreakerConfig>} config
   */
  replica (name, config) {
    let found = this.replicas.get(name)
    if (!found) {
      found = { config: completeConfig(config), memory: emptyMemory(), isConfigured: false, isKnown: false, latest: 0 }
      this.replicas.set(name, found)
    }
    return found
  }

  /** @param {string} name @param {Partial<CircuitBreakerConfig>} config */
  state (name, config) {
    const { config: own, memory } = this.replica(name, config)
    return stateOf(memory, own)
  }

  /**
   * Asks whether a call may go out. While the daemon is away the replica decides.
   *
   * @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger
   */
  async acquire (name, config, logger) {
    const draw = Math.random()
    const replica = this.replica(name, config)
    await this.configure(name, config, logger)
    const asked = this.hub.client.decide(
      commands['breaker.acquire'], { name, draw: this.hub.isOfLibrary ? draw : null },
    )
    const read = this.fetch(name)
    const reply = await asked
    this.hub.background(read)
    if (!reply) return decide(replica.memory, replica.config, draw)
    await read.catch(() => {})
    return {
      isAdmitted: /** @type {boolean} */ (reply.admitted),
      retryAfterSec: reply.share > 0 ? 0 : Math.ceil(Number(reply.retryAfterMilliseconds) / 1_000),
      consecutiveFailures: /** @type {number} */ (reply.consecutiveFailures),
    }
  }

  /**
   * The first configuration of a breaker counts. This needs an operator's rights; without them the daemon's default
   * holds.
   *
   * @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger
   */
  async configure (name, config, logger) {
    const replica = this.replica(name, config)
    if (replica.isConfigured) return
    replica.isConfigured = true
    const wanted = completeConfig(config)
    try {
      if (isDeepStrictEqual(wanted, this.defaults)) return
      const record = await this.read(name)
      if (record?.isConfigured) return this.adopt(name, record)
      // Another worker may have configured it meanwhile.
      await this.hub.client.call(
        'breaker.configure', { name, change: sentConfig(wanted), mustBeKnown: false, ifAbsent: true },
      )
    } catch (error) {
      if (!(error instanceof RefusedError)) replica.isConfigured = false
      this.hub.complain(error, logger)
    }
  }

  /**
   * @param {string} name
   * @param {boolean} isSuccess
   * @param {Partial<CircuitBreakerConfig>} config
   * @param {Logger} logger
   */
  outcome (name, isSuccess, config, logger) {
    const { memory, config: own } = this.replica(name, config)
    note(memory, own, isSuccess, !this.hub.isOfLibrary)
    this.write(name, this.hub.report(isSuccess ? 'breaker.success' : 'breaker.failure', { name }), logger)
  }

  /** @param {string} name @param {Logger} logger */
  reset (name, logger) {
    const replica = this.replicas.get(name)
    if (!replica) return
    replica.memory = emptyMemory()
    if (replica.isKnown) this.write(name, this.hub.send('breaker.reset', { name, mustBeKnown: false }), logger)
  }

  /** @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger */
  forceOpen (name, config, logger) {
    const { memory, config: own } = this.replica(name, config)
    const now = Date.now()
    Object.assign(
      memory, { consecutiveFailures: own.failureThreshold, lastFailureAt: now, lastRequestAt: now, lastDecayAt: now },
    )
    this.write(name, this.configure(name, config, logger).then(() =>
      this.hub.client.call('breaker.forceOpen', { name, mustBeKnown: false })), logger)
  }

  /**
   * Puts a breaker of a snapshot in the place of the one of its name.
   *
   * @param {string} name @param {CircuitBreakerConfig} config @param {BreakerMemory} memory @param {Logger} logger
   */
  restore (name, config, memory, logger) {
    const replica = this.replica(name, config)
    Object.assign(replica, { config, memory: { ...memory }, isConfigured: true })
    this.write(name, this.hub.start().then(() =>
      // Only now the daemon's clock is known.
      this.hub.client.call('breaker.deserialize', { record: this.record(name, config, memory) })), logger)
  }

  /**
   * Lets a write go on, and reads what became of the breaker.
   *
   * @param {string} name @param {Promise<unknown>} write @param {Logger} logger
   */
  write (name, write, logger) {
    const replica = this.replica(name, {})
    replica.latest += 1
    this.hub.background(write.then(() => this.fetch(name)), logger)
  }

  /** @param {string} name */
  refresh (name) {
    if (this.replicas.has(name)) this.hub.background(this.fetch(name))
  }

  /**
   * Reads a breaker, unless this worker has sent something for it since.
   *
   * @param {string} name
   */
  async fetch (name) {
    const before = this.replicas.get(name)?.latest
    const record = await this.read(name)
    if (record && this.replicas.get(name)?.latest === before) this.adopt(name, record)
  }

  /** @param {string} name @returns {Promise<BreakerRecord | null>} null if the daemon does not know it */
  async read (name) {
    try {
      return await this.hub.client.call('breaker.serialize', { name })
    } catch (error) {
      if (error instanceof RefusedError && error.status === 'notFound') return null
      throw error
    }
  }

  /** @param {string} name @param {BreakerRecord} record */
  adopt (name, record) {
    const replica = this.replica(name, {})
    const { configuration } = record
    const at = (/** @type {number | null | undefined} */ moment) => moment == null ? undefined : this.hub.local(moment)
    replica.isKnown = true
    replica.isConfigured ||= record.isConfigured
    if (record.isConfigured || !replica.isConfigured) {
      replica.config = configOf(configuration)
    }
    replica.memory = {
      consecutiveFailures: record.consecutiveFailures,
      totalFailures: Number(record.totalFailures),
      totalSuccesses: Number(record.totalSuccesses),
      totalRequests: Number(record.totalRequests),
      lastFailureAt: at(record.lastFailure),
      lastSuccessAt: at(record.lastSuccess),
      lastRequestAt: at(record.lastRequest),
      lastDecayAt: at(record.lastDecay) ?? 0,
      windowStart: this.hub.local(record.windowStart),
    }
  }

  /**
   * A breaker as the daemon takes it.
   *
   * @param {string} name @param {CircuitBreakerConfig} config @param {BreakerMemory} memory @returns {BreakerRecord}
   */
  record (name, config, memory) {
    const at = (/** @type {number | undefined} */ moment) => moment ? Math.trunc(moment + this.hub.offset) : null
    return {
      name,
      configuration: sentConfig(config),
      isConfigured: true,
      consecutiveFailures: memory.consecutiveFailures,
      totalFailures: BigInt(memory.totalFailures),
      totalSuccesses: BigInt(memory.totalSuccesses),
      totalRequests: BigInt(memory.totalRequests),
      lastFailure: at(memory.lastFailureAt),
      lastSuccess: at(memory.lastSuccessAt),
      lastRequest: at(memory.lastRequestAt),
      lastDecay: at(memory.lastDecayAt),
      windowStart: at(memory.windowStart) ?? 0,
      shareCredit: 0,
      blames: [],
      episode: 0,
      openedBy: null,
      failedRecoveries: 0,
      calls: [],
      deployment: null,
      model: null,
    }
  }
}

/** @param {import('../protocol/types').BreakerConfiguration} configuration @returns {CircuitBreakerConfig} */
function configOf (configuration) {
  return {
    failureThreshold: configuration.failureThreshold,
    resetTimeout: Number(configuration.resetTimeoutMilliseconds),
    monitoringPeriod: Number(configuration.monitoringPeriodMilliseconds),
    minRequests: configuration.minRequests,
    degradationCurve: configuration.degradationCurve,
  }
}

/** @param {CircuitBreakerConfig} config @returns {import('../protocol/types').BreakerConfiguration} */
function sentConfig ({ failureThreshold, resetTimeout, monitoringPeriod, minRequests, degradationCurve }) {
  return {
    failureThreshold: Math.trunc(failureThreshold),
    resetTimeoutMilliseconds: BigInt(Math.trunc(resetTimeout)),
    monitoringPeriodMilliseconds: BigInt(Math.trunc(monitoringPeriod)),
    minRequests: Math.trunc(minRequests),
    degradationCurve,
    maxProbes: 0,
    minWorkers: 1,
    failureRate: 0,
    slowCallRate: 0,
    slowCallMilliseconds: 0n,
    maxResetTimeoutMilliseconds: 0n,
    byModel: false,
  }
}

module.exports = { Breakers }
