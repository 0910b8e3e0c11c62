export type Logger = import('../logger').Logger;
export type CircuitBreakerConfig = import('./breaker-rules').CircuitBreakerConfig;
export type CircuitBreakerState = import('./breaker-rules').CircuitBreakerState;
export type BreakerMemory = import('./breaker-rules').BreakerMemory;
export type CircuitBreakerSnapshot = {
    version: 1;
    name: string;
    config: CircuitBreakerConfig;
    state: BreakerMemory;
};
export type CircuitBreakerManagerSnapshot = {
    version: 1;
    defaultConfig: CircuitBreakerConfig;
    breakers: CircuitBreakerSnapshot[];
};
/**
 * A breaker of the library's shape whose state is the daemon's. Synchronous members answer from the replica.
 *
 * Nothing reaches the daemon before the first call. `reset`, `forceOpen` and `restore` need an operator's rights; a
 * refusal goes to the logger.
 */
export class CircuitBreaker {
    /** @param {string} json @param {Logger} [logger] */
    static deserialize(json: string, logger?: import("../logger").Logger | undefined): CircuitBreaker;
    /** @param {string} name @param {Partial<CircuitBreakerConfig>} [config] @param {Logger} [logger] */
    constructor(name: string, config?: Partial<import("./breaker-rules").CircuitBreakerConfig> | undefined, logger?: import("../logger").Logger | undefined);
    name: string;
    /**
     * Resolves when the replica has been read.
     *
     * @returns {Promise<void>}
     */
    get ready(): Promise<void>;
    /**
     * Makes a call if the breaker lets it through. Otherwise rejects with `CircuitBreakerOpenError`.
     *
     * @template T
     * @param {() => Promise<T>} fn
     * @returns {Promise<T>}
     */
    exec<T>(fn: () => Promise<T>): Promise<T>;
    /**
     * The same as `exec`.
     *
     * @template T
     * @param {() => Promise<T>} fn
     * @returns {Promise<T>}
     */
    execute<T_1>(fn: () => Promise<T_1>): Promise<T_1>;
    /**
     * Makes the first call, and the second if the breaker does not let the first through or it fails.
     *
     * @template T
     * @param {() => Promise<T>} primary
     * @param {() => Promise<T>} fallback
     * @returns {Promise<T>}
     */
    execWithFallback<T_2>(primary: () => Promise<T_2>, fallback: () => Promise<T_2>): Promise<T_2>;
    /** The part of the traffic that is let through, 0 to 1. */
    primaryTrafficPct(): number;
    /** @returns {CircuitBreakerState} */
    getState(): CircuitBreakerState;
    /** @returns {CircuitBreakerState} */
    getStats(): CircuitBreakerState;
    /** @returns {CircuitBreakerConfig} */
    getConfig(): CircuitBreakerConfig;
    /** Forgets failures and totals. */
    reset(): void;
    /** Lets no call through until the failures have decayed. */
    forceOpen(): void;
    isOpen(): boolean;
    isClosed(): boolean;
    isDegraded(): boolean;
    isRecovering(): boolean;
    isHalfOpen(): boolean;
    getHealth(): {
        failureThreshold: number;
        healthy: boolean;
        state: "CLOSED" | "DEGRADED" | "RECOVERING" | "OPEN";
        failures: number;
        consecutiveFailures: number;
        primaryTrafficPct: number;
        totalFailures: number;
        totalSuccesses: number;
        totalRequests: number;
        lastFailure?: number | undefined;
        lastSuccess?: number | undefined;
        nextAttempt?: number | undefined;
    };
    /** @returns {CircuitBreakerSnapshot} */
    snapshot(): CircuitBreakerSnapshot;
    serialize(): string;
    /**
     * Puts a snapshot in the place of the breaker of this name, for all workers.
     *
     * @param {CircuitBreakerSnapshot | string} snapshot
     */
    restore(snapshot: CircuitBreakerSnapshot | string): void;
}
/** The breakers of several providers. */
export class CircuitBreakerManager {
    /** @param {string} json @param {Logger} [logger] */
    static deserialize(json: string, logger?: import("../logger").Logger | undefined): CircuitBreakerManager;
    /** @param {Partial<CircuitBreakerConfig>} [config] @param {Logger} [logger] */
    constructor(config?: Partial<import("./breaker-rules").CircuitBreakerConfig> | undefined, logger?: import("../logger").Logger | undefined);
    /**
     * Resolves when the replica has been read.
     *
     * @returns {Promise<void>}
     */
    get ready(): Promise<void>;
    /**
     * The breaker of a name. The configuration of its first use counts.
     *
     * @param {string} name @param {Partial<CircuitBreakerConfig>} [config]
     */
    getBreaker(name: string, config?: Partial<import("./breaker-rules").CircuitBreakerConfig> | undefined): CircuitBreaker;
    /**
     * @template T
     * @param {string} name
     * @param {() => Promise<T>} fn
     * @param {Partial<CircuitBreakerConfig>} [config]
     * @returns {Promise<T>}
     */
    execute<T>(name: string, fn: () => Promise<T>, config?: Partial<import("./breaker-rules").CircuitBreakerConfig> | undefined): Promise<T>;
    /**
     * @template T
     * @param {string} name
     * @param {() => Promise<T>} primary
     * @param {() => Promise<T>} fallback
     * @param {Partial<CircuitBreakerConfig>} [config]
     * @returns {Promise<T>}
     */
    execWithFallback<T_1>(name: string, primary: () => Promise<T_1>, fallback: () => Promise<T_1>, config?: Partial<import("./breaker-rules").CircuitBreakerConfig> | undefined): Promise<T_1>;
    /** @returns {Record<string, CircuitBreakerState>} */
    getAllStates(): Record<string, CircuitBreakerState>;
    /** @returns {Record<string, ReturnType<CircuitBreaker['getHealth']>>} */
    getHealthStatus(): Record<string, ReturnType<CircuitBreaker['getHealth']>>;
    /** Resets the breakers that this manager has named. */
    resetAll(): void;
    /** @param {string} name */
    reset(name: string): void;
    /** @returns {CircuitBreakerManagerSnapshot} */
    snapshot(): CircuitBreakerManagerSnapshot;
    serialize(): string;
    /** @param {CircuitBreakerManagerSnapshot | string} snapshot */
    restore(snapshot: CircuitBreakerManagerSnapshot | string): void;
}
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
export class CircuitBreakerOpenError extends Error {
    /** @param {string} provider @param {number} [retryAfterSec] @param {number} [consecutiveFailures] */
    constructor(provider: string, retryAfterSec?: number | undefined, consecutiveFailures?: number | undefined);
    code: string;
    provider: string;
    retryable: boolean;
    retryAfterSec: number;
    consecutiveFailures: number;
}
/** @param {any} snapshot @param {string} what */
export function parsed(snapshot: any, what: string): any;
