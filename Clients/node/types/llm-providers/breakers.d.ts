export type Hub = import('./hub').Hub;
export type Logger = import('../logger').Logger;
export type CircuitBreakerConfig = import('./breaker-rules').CircuitBreakerConfig;
export type BreakerMemory = import('./breaker-rules').BreakerMemory;
export type BreakerRecord = import('../protocol/types').BreakerRecord;
/**
 * The replica of one breaker.
 */
export type Replica = {
    config: CircuitBreakerConfig;
    memory: BreakerMemory;
    /**
     * whether the daemon has a configuration of its own for it
     */
    isConfigured: boolean;
    /**
     * whether the daemon knows it
     */
    isKnown: boolean;
    /**
     * counts what this worker has sent: an answer to something older is not newer than the
     * replica
     */
    latest: number;
};
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
export class Breakers {
    /** @param {Hub} hub */
    constructor(hub: Hub);
    hub: import("./hub").Hub;
    /** @type {Map<string, Replica>} */
    replicas: Map<string, Replica>;
    /**
     * The daemon's configuration of breakers without one of their own.
     *
     * @type {CircuitBreakerConfig | null}
     */
    defaults: CircuitBreakerConfig | null;
    load(): Promise<void>;
    /**
     * The replica of a breaker. One that the daemon does not know yet has this configuration.
     *
     * @param {string} name @param {Partial<CircuitBreakerConfig>} config
     */
    replica(name: string, config: Partial<CircuitBreakerConfig>): Replica;
    /** @param {string} name @param {Partial<CircuitBreakerConfig>} config */
    state(name: string, config: Partial<CircuitBreakerConfig>): import("./breaker-rules").CircuitBreakerState;
    /**
     * Asks whether a call may go out. While the daemon is away the replica decides.
     *
     * @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger
     */
    acquire(name: string, config: Partial<CircuitBreakerConfig>, logger: Logger): Promise<{
        isAdmitted: boolean;
        retryAfterSec: number;
        consecutiveFailures: number;
    }>;
    /**
     * The first configuration of a breaker counts. This needs an operator's rights; without them the daemon's default
     * holds.
     *
     * @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger
     */
    configure(name: string, config: Partial<CircuitBreakerConfig>, logger: Logger): Promise<void>;
    /**
     * @param {string} name
     * @param {boolean} isSuccess
     * @param {Partial<CircuitBreakerConfig>} config
     * @param {Logger} logger
     */
    outcome(name: string, isSuccess: boolean, config: Partial<CircuitBreakerConfig>, logger: Logger): void;
    /** @param {string} name @param {Logger} logger */
    reset(name: string, logger: Logger): void;
    /** @param {string} name @param {Partial<CircuitBreakerConfig>} config @param {Logger} logger */
    forceOpen(name: string, config: Partial<CircuitBreakerConfig>, logger: Logger): void;
    /**
     * Puts a breaker of a snapshot in the place of the one of its name.
     *
     * @param {string} name @param {CircuitBreakerConfig} config @param {BreakerMemory} memory @param {Logger} logger
     */
    restore(name: string, config: CircuitBreakerConfig, memory: BreakerMemory, logger: Logger): void;
    /**
     * Lets a write go on, and reads what became of the breaker.
     *
     * @param {string} name @param {Promise<unknown>} write @param {Logger} logger
     */
    write(name: string, write: Promise<unknown>, logger: Logger): void;
    /** @param {string} name */
    refresh(name: string): void;
    /**
     * Reads a breaker, unless this worker has sent something for it since.
     *
     * @param {string} name
     */
    fetch(name: string): Promise<void>;
    /** @param {string} name @returns {Promise<BreakerRecord | null>} null if the daemon does not know it */
    read(name: string): Promise<BreakerRecord | null>;
    /** @param {string} name @param {BreakerRecord} record */
    adopt(name: string, record: BreakerRecord): void;
    /**
     * A breaker as the daemon takes it.
     *
     * @param {string} name @param {CircuitBreakerConfig} config @param {BreakerMemory} memory @returns {BreakerRecord}
     */
    record(name: string, config: CircuitBreakerConfig, memory: BreakerMemory): BreakerRecord;
}
