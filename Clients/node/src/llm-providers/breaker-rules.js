'use strict'

// What the replica of a breaker makes of its state between two answers of the daemon. The daemon decides; these rules
// follow time (decay) and this worker's own outcomes until the daemon's answer comes.

/**
 * The configuration of a breaker, as the library has it. Times are in milliseconds.
 *
 * @typedef {object} CircuitBreakerConfig
 * @property {number} failureThreshold
 * @property {number} resetTimeout
 * @property {number} monitoringPeriod
 * @property {number} minRequests
 * @property {number[]} degradationCurve
 */

/**
 * What a breaker remembers, as the library's snapshots have it. Moments are those of this process's clock.
 *
 * @typedef {object} BreakerMemory
 * @property {number} consecutiveFailures
 * @property {number} totalFailures
 * @property {number} totalSuccesses
 * @property {number} totalRequests
 * @property {number} [lastFailureAt]
 * @property {number} [lastSuccessAt]
 * @property {number} [lastRequestAt]
 * @property {number} lastDecayAt 0: the decay clock does not run
 * @property {number} windowStart
 */

/**
 * The state of a breaker, as the library tells it.
 *
 * @typedef {object} CircuitBreakerState
 * @property {'CLOSED' | 'DEGRADED' | 'RECOVERING' | 'OPEN'} state
 * @property {number} failures
 * @property {number} consecutiveFailures
 * @property {number} primaryTrafficPct
 * @property {number} totalFailures
 * @property {number} totalSuccesses
 * @property {number} totalRequests
 * @property {number} [lastFailure]
 * @property {number} [lastSuccess]
 * @property {number} [lastRequest]
 * @property {number} [nextAttempt]
 */

/** @type {CircuitBreakerConfig} */
const defaultConfig = {
  failureThreshold: 5, resetTimeout: 60_000, monitoringPeriod: 300_000, minRequests: 3,
  degradationCurve: [1, 0.9, 0.7, 0.4, 0.1],
}

/**
 * A configuration with the defaults, in the library's ranges.
 *
 * @param {Partial<CircuitBreakerConfig>} config @returns {CircuitBreakerConfig}
 */
function completeConfig (config) {
  const told = Object.fromEntries(
    Object.entries(config).filter(([name, value]) => value !== undefined && name in defaultConfig),
  )
  const all = { ...defaultConfig, ...told }
  const curve = all.degradationCurve.length > 0 ? all.degradationCurve : defaultConfig.degradationCurve
  return {
    ...all,
    failureThreshold: Math.max(1, all.failureThreshold),
    degradationCurve: curve.map(share => Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share))),
  }
}

/** @returns {BreakerMemory} */
const emptyMemory = () => ({
  consecutiveFailures: 0, totalFailures: 0, totalSuccesses: 0, totalRequests: 0, lastDecayAt: 0,
  windowStart: Date.now(),
})

/**
 * The share of traffic that is let through.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config
 */
function share ({ consecutiveFailures }, { failureThreshold, degradationCurve }) {
  if (consecutiveFailures >= failureThreshold) return 0
  return degradationCurve[Math.min(consecutiveFailures, degradationCurve.length - 1)]
}

/**
 * Takes off a failure for each reset timeout that has passed.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {number} now
 */
function decay (memory, { resetTimeout }, now) {
  if (memory.consecutiveFailures === 0 || memory.lastDecayAt === 0 || !(resetTimeout > 0)) return
  const steps = Math.floor((now - memory.lastDecayAt) / resetTimeout)
  if (steps < 1) return
  memory.consecutiveFailures = Math.max(0, memory.consecutiveFailures - steps)
  memory.lastDecayAt += steps * resetTimeout
}

/**
 * When the next failure decays; undefined if none does.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {number} now
 */
function nextAttempt ({ consecutiveFailures, lastDecayAt }, { resetTimeout }, now) {
  return consecutiveFailures === 0 || lastDecayAt === 0 ? undefined : Math.max(now, lastDecayAt + resetTimeout)
}

/**
 * @param {BreakerMemory} memory
 * @param {CircuitBreakerConfig} config
 * @param {number} [now]
 * @returns {CircuitBreakerState}
 */
function stateOf (memory, config, now = Date.now()) {
  decay(memory, config, now)
  const primaryTrafficPct = share(memory, config)
  const partly = (memory.lastSuccessAt ?? 0) > (memory.lastFailureAt ?? 0) ? 'RECOVERING' : 'DEGRADED'
  return {
    state: primaryTrafficPct >= 1 ? 'CLOSED' : primaryTrafficPct <= 0 ? 'OPEN' : partly,
    failures: memory.consecutiveFailures,
    consecutiveFailures: memory.consecutiveFailures,
    primaryTrafficPct,
    totalFailures: memory.totalFailures,
    totalSuccesses: memory.totalSuccesses,
    totalRequests: memory.totalRequests,
    lastFailure: memory.lastFailureAt,
    lastSuccess: memory.lastSuccessAt,
    lastRequest: memory.lastRequestAt,
    nextAttempt: nextAttempt(memory, config, now),
  }
}

/**
 * Notes an outcome.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {boolean} isSuccess
 * @param {boolean} isClamped whether failures stop at the threshold, as under the profile `fusebox`
 */
function note (memory, { failureThreshold }, isSuccess, isClamped) {
  const now = Date.now()
  memory.totalRequests += 1
  if (isSuccess) {
    memory.totalSuccesses += 1
    memory.lastSuccessAt = now
    memory.consecutiveFailures = Math.max(0, memory.consecutiveFailures - 1)
  } else {
    memory.totalFailures += 1
    memory.lastFailureAt = now
    memory.consecutiveFailures = Math.min(memory.consecutiveFailures + 1, isClamped ? failureThreshold : Infinity)
    if (memory.lastDecayAt === 0) memory.lastDecayAt = now
  }
}

/**
 * What the replica decides itself while the daemon is away.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {number} draw
 */
function decide (memory, config, draw) {
  const now = Date.now()
  decay(memory, config, now)
  const part = share(memory, config)
  const isAdmitted = part > 0 && (part >= 1 || draw <= part)
  const wait = (nextAttempt(memory, config, now) ?? now) - now
  memory.lastRequestAt = now
  if (isAdmitted) memory.lastDecayAt = now
  return {
    isAdmitted, retryAfterSec: part > 0 ? 0 : Math.ceil(wait / 1_000), consecutiveFailures: memory.consecutiveFailures,
  }
}

module.exports = { completeConfig, decide, defaultConfig, emptyMemory, note, stateOf }
