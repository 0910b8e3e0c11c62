export type Hub = import('./hub').Hub;
/**
 * A mark, as the library has it.
 */
export type ExhaustionEntry = {
    provider: string;
    exhaustedAt: number;
    resetAt: number;
};
/** @typedef {import('./hub').Hub} Hub */
/**
 * A mark, as the library has it.
 *
 * @typedef {object} ExhaustionEntry
 * @property {string} provider
 * @property {number} exhaustedAt
 * @property {number} resetAt
 */
/** The replica of the marks of exhausted quotas. */
export class Marks {
    /** @param {Hub} hub */
    constructor(hub: Hub);
    hub: import("./hub").Hub;
    /** @type {Map<string, ExhaustionEntry>} */
    entries: Map<string, ExhaustionEntry>;
    load(): Promise<void>;
    /** @param {import('../protocol/types').ExhaustionEntry} entry */
    take({ provider, exhaustedAt, resetsAt }: import('../protocol/types').ExhaustionEntry): void;
    /** @param {string} provider */
    restored(provider: string): void;
    /**
     * The mark of a provider that is in force.
     *
     * @param {string} provider
     */
    get(provider: string): ExhaustionEntry | undefined;
    /** All marks in force. */
    all(): ExhaustionEntry[];
    /** @param {string} provider @param {number} duration milliseconds */
    mark(provider: string, duration: number): void;
    /** @param {string} provider */
    clear(provider: string): void;
    reset(): void;
}
