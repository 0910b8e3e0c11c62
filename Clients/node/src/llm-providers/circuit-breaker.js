'use strict'

const { completeConfig, defaultConfig } = require('./breaker-rules')
const { hub } = require('./shared')

/** @typedef {import('../logger').Logger} Logger */
/** @typedef {import('./breaker-rules').CircuitBreakerConfig} CircuitBreakerConfig */
/** @typedef {import('./breaker-rules').CircuitBreakerState} CircuitBreakerState */
/** @typedef {import('./breaker-rules').BreakerMemory} BreakerMemory */

/**
 * @typedef {{ version: 1, name: string, config: CircuitBreakerConfig, state: BreakerMemory }} CircuitBreakerSnapshot
 */
/**
 * @typedef {object} CircuitBreakerManagerSnapshot
 * @property {1} version
 * @property {CircuitBreakerConfig} defaultConfig
 * @property {CircuitBreakerSnapshot[]} breakers
 */

/**
 * A breaker let no call through. It has the members of the library's error of this name; `configure` takes that one in
 * its place.
 */
class CircuitBreakerOpenError extends Error {
  /** @param {string} provider @param {number} [retryAfterSec] @param {number} [consecutiveFailures] */
  constructor (provider, retryAfterSec = 0, consecutiveFailures = 0) {
    const hope = retryAfterSec > 0 ? `; retry after ${retryAfterSec} s` : ''
    super(`the circuit breaker of ${provider} lets no call through now${hope}`)
    this.name = 'CircuitBreakerOpenError'
    this.code = 'CIRCUIT_BREAKER_OPEN'
    this.provider = provider
    this.retryable = true
    this.retryAfterSec = retryAfterSec
    this.consecutiveFailures = consecutiveFailures
  }
}

/**
 * A breaker of the library's shape whose state is the daemon's. Synchronous members answer from the replica.
 *
 * Nothing reaches the daemon before the first call. `reset`, `forceOpen` and `restore` need an operator's rights; a
 * refusal goes to the logger.
 */
class CircuitBreaker {
  /** @param {string} name @param {Partial<CircuitBreakerConfig>} [config] @param {Logger} [logger] */
  constructor (name, config = {}, logger = {}) {
    this.name = name
    /** @internal */
    this.config = config
    /** @internal */
    this.logger = logger
  }

  /**
   * Resolves when the replica has been read.
   *
   * @returns {Promise<void>}
   */
  get ready () { return hub().start() }

  /**
   * Makes a call if the breaker lets it through. Otherwise rejects with `CircuitBreakerOpenError`.
   *
   * @template T
   * @param {() => Promise<T>} fn
   * @returns {Promise<T>}
   */
  async exec (fn) {
    const { isAdmitted, retryAfterSec, consecutiveFailures } = await this.acquire()
    if (!isAdmitted) {
      const OpenError = hub().OpenError ?? CircuitBreakerOpenError
      throw new OpenError(this.name, retryAfterSec, consecutiveFailures)
    }
    return this.run(fn)
  }

  /**
   * The same as `exec`.
   *
   * @template T
   * @param {() => Promise<T>} fn
   * @returns {Promise<T>}
   */
  execute (fn) { return this.exec(fn) }

  /**
   * Makes the first call, and the second if the breaker does not let the first through or it fails.
   *
   * @template T
   * @param {() => Promise<T>} primary
   * @param {() => Promise<T>} fallback
   * @returns {Promise<T>}
   */
  async execWithFallback (primary, fallback) {
    const { isAdmitted } = await this.acquire()
    if (!isAdmitted) return fallback()
    try {
      return await this.run(primary)
    } catch (error) {
      return fallback()
    }
  }

  /** @internal */
  async acquire () {
    const shared = hub()
    await shared.start()
    return shared.breakers.acquire(this.name, this.config, this.logger)
  }

  /**
   * @internal
   * @template T
   * @param {() => Promise<T>} fn
   * @returns {Promise<T>}
   */
  async run (fn) {
    const { breakers } = hub()
    try {
      const value = await fn()
      breakers.outcome(this.name, true, this.config, this.logger)
      return value
    } catch (error) {
      breakers.outcome(this.name, false, this.config, this.logger)
      throw error
    }
  }

  /** The part of the traffic that is let through, 0 to 1. */
  primaryTrafficPct () { return this.getState().primaryTrafficPct }

  /** @returns {CircuitBreakerState} */
  getState () { return hub().breakers.state(this.name, this.config) }

  /** @returns {CircuitBreakerState} */
  getStats () { return this.getState() }

  /** @returns {CircuitBreakerConfig} */
  getConfig () {
    const { config } = hub().breakers.replica(this.name, this.config)
    return { ...config, degradationCurve: [...config.degradationCurve] }
  }

  /** Forgets failures and totals. */
  reset () { hub().breakers.reset(this.name, this.logger) }

  /** Lets no call through until the failures have decayed. */
  forceOpen () { hub().breakers.forceOpen(this.name, this.config, this.logger) }

  isOpen () { return this.getState().state === 'OPEN' }
  isClosed () { return this.getState().state === 'CLOSED' }
  isDegraded () { return this.getState().state === 'DEGRADED' }
  isRecovering () { return this.getState().state === 'RECOVERING' }
  isHalfOpen () { return this.isRecovering() }

  getHealth () {
    const { lastRequest, ...state } = this.getState()
    return { ...state, failureThreshold: this.getConfig().failureThreshold, healthy: state.state === 'CLOSED' }
  }

  /** @returns {CircuitBreakerSnapshot} */
  snapshot () {
    this.getState()
    const { memory } = hub().breakers.replica(this.name, this.config)
    return { version: 1, name: this.name, config: this.getConfig(), state: { ...memory } }
  }

  serialize () { return JSON.stringify(this.snapshot()) }

  /**
   * Puts a snapshot in the place of the breaker of this name, for all workers.
   *
   * @param {CircuitBreakerSnapshot | string} snapshot
   */
  restore (snapshot) {
    const { config, state } = parsed(snapshot, 'CircuitBreaker')
    this.config = completeConfig(config)
    hub().breakers.restore(this.name, completeConfig(config), state, this.logger)
  }

  /** @param {string} json @param {Logger} [logger] */
  static deserialize (json, logger) {
    const snapshot = /** @type {CircuitBreakerSnapshot} */ (parsed(json, 'CircuitBreaker'))
    const breaker = new CircuitBreaker(snapshot.name, snapshot.config, logger)
    breaker.restore(snapshot)
    return breaker
  }
}

/** The breakers of several providers. */
class CircuitBreakerManager {
  /** @param {Partial<CircuitBreakerConfig>} [config] @param {Logger} [logger] */
  constructor (config = {}, logger) {
    /** @internal */
    this.config = { ...defaultConfig, ...config }
    /** @internal */
    this.logger = logger
    /**
     * @internal
     * @type {Map<string, CircuitBreaker>}
     */
    this.breakers = new Map()
  }

  /**
   * Resolves when the replica has been read.
   *
   * @returns {Promise<void>}
   */
  get ready () { return hub().start() }

  /**
   * The breaker of a name. The configuration of its first use counts.
   *
   * @param {string} name @param {Partial<CircuitBreakerConfig>} [config]
   */
  getBreaker (name, config) {
    let breaker = this.breakers.get(name)
    if (!breaker) {
      breaker = new CircuitBreaker(name, { ...this.config, ...config }, this.logger)
      this.breakers.set(name, breaker)
    }
    return breaker
  }

  /**
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} fn
   * @param {Partial<CircuitBreakerConfig>} [config]
   * @returns {Promise<T>}
   */
  execute (name, fn, config) { return this.getBreaker(name, config).exec(fn) }

  /**
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} primary
   * @param {() => Promise<T>} fallback
   * @param {Partial<CircuitBreakerConfig>} [config]
   * @returns {Promise<T>}
   */
  execWithFallback (name, primary, fallback, config) {
    return this.getBreaker(name, config).execWithFallback(primary, fallback)
  }

  /** @returns {Record<string, CircuitBreakerState>} */
  getAllStates () { return Object.fromEntries([...this.breakers].map(([name, breaker]) => [name, breaker.getState()])) }

  /** @returns {Record<string, ReturnType<CircuitBreaker['getHealth']>>} */
  getHealthStatus () {
    return Object.fromEntries([...this.breakers].map(([name, breaker]) => [name, breaker.getHealth()]))
  }

  /** Resets the breakers that this manager has named. */
  resetAll () { for (const breaker of this.breakers.values()) breaker.reset() }

  /** @param {string} name */
  reset (name) { this.breakers.get(name)?.reset() }

  /** @returns {CircuitBreakerManagerSnapshot} */
  snapshot () {
    return {
      version: 1, defaultConfig: completeConfig(this.config),
      breakers: [...this.breakers.values()].map(breaker => breaker.snapshot()),
    }
  }

  serialize () { return JSON.stringify(this.snapshot()) }

  /** @param {CircuitBreakerManagerSnapshot | string} snapshot */
  restore (snapshot) {
    /** @type {CircuitBreakerManagerSnapshot} */
    const { defaultConfig, breakers } = parsed(snapshot, 'CircuitBreakerManager')
    this.config = completeConfig(defaultConfig)
    this.breakers.clear()
    for (const breaker of breakers) this.getBreaker(breaker.name, breaker.config).restore(breaker)
  }

  /** @param {string} json @param {Logger} [logger] */
  static deserialize (json, logger) {
    const manager = new CircuitBreakerManager({}, logger)
    manager.restore(json)
    return manager
  }
}

/** @param {any} snapshot @param {string} what */
function parsed (snapshot, what) {
  const object = typeof snapshot === 'string' ? JSON.parse(snapshot) : snapshot
  if (object.version !== 1) throw new Error(`Unsupported ${what} snapshot version: ${object.version}`)
  return object
}

module.exports = { CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, parsed }
