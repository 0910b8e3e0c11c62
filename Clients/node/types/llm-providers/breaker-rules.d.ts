/**
 * The configuration of a breaker, as the library has it. Times are in milliseconds.
 */
export type CircuitBreakerConfig = {
    failureThreshold: number;
    resetTimeout: number;
    monitoringPeriod: number;
    minRequests: number;
    degradationCurve: number[];
};
/**
 * What a breaker remembers, as the library's snapshots have it. Moments are those of this process's clock.
 */
export type BreakerMemory = {
    consecutiveFailures: number;
    totalFailures: number;
    totalSuccesses: number;
    totalRequests: number;
    lastFailureAt?: number | undefined;
    lastSuccessAt?: number | undefined;
    lastRequestAt?: number | undefined;
    /**
     * 0: the decay clock does not run
     */
    lastDecayAt: number;
    windowStart: number;
};
/**
 * The state of a breaker, as the library tells it.
 */
export type CircuitBreakerState = {
    state: 'CLOSED' | 'DEGRADED' | 'RECOVERING' | 'OPEN';
    failures: number;
    consecutiveFailures: number;
    primaryTrafficPct: number;
    totalFailures: number;
    totalSuccesses: number;
    totalRequests: number;
    lastFailure?: number | undefined;
    lastSuccess?: number | undefined;
    lastRequest?: number | undefined;
    nextAttempt?: number | undefined;
};
/**
 * A configuration with the defaults, in the library's ranges.
 *
 * @param {Partial<CircuitBreakerConfig>} config @returns {CircuitBreakerConfig}
 */
export function completeConfig(config: Partial<CircuitBreakerConfig>): CircuitBreakerConfig;
/**
 * What the replica decides itself while the daemon is away.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {number} draw
 */
export function decide(memory: BreakerMemory, config: CircuitBreakerConfig, draw: number): {
    isAdmitted: boolean;
    retryAfterSec: number;
    consecutiveFailures: number;
};
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
export const defaultConfig: CircuitBreakerConfig;
/** @returns {BreakerMemory} */
export function emptyMemory(): BreakerMemory;
/**
 * Notes an outcome.
 *
 * @param {BreakerMemory} memory @param {CircuitBreakerConfig} config @param {boolean} isSuccess
 * @param {boolean} isClamped whether failures stop at the threshold, as under the profile `fusebox`
 */
export function note(memory: BreakerMemory, { failureThreshold }: CircuitBreakerConfig, isSuccess: boolean, isClamped: boolean): void;
/**
 * @param {BreakerMemory} memory
 * @param {CircuitBreakerConfig} config
 * @param {number} [now]
 * @returns {CircuitBreakerState}
 */
export function stateOf(memory: BreakerMemory, config: CircuitBreakerConfig, now?: number | undefined): CircuitBreakerState;
