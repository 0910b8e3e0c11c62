export type ExhaustionEntry = import('./marks').ExhaustionEntry;
export type ExhaustionRegistrySnapshot = {
    version: 1;
    defaultResetMs: number;
    entries: ExhaustionEntry[];
};
/** @typedef {import('./marks').ExhaustionEntry} ExhaustionEntry */
/** @typedef {{ version: 1, defaultResetMs: number, entries: ExhaustionEntry[] }} ExhaustionRegistrySnapshot */
/**
 * The registry of exhausted quotas, of the library's shape, whose marks are the daemon's. A provider that an operator
 * has paused counts as exhausted; a snapshot has marks alone.
 *
 * `clearExhaustion`, `reset` and `restore` need an operator's rights; a refusal goes to the logger of `configure`.
 */
export class ExhaustionRegistry {
    /** @param {string} json */
    static deserialize(json: string): ExhaustionRegistry;
    /** @param {number} [defaultResetMs] how long a mark of this worker lasts that names no duration */
    constructor(defaultResetMs?: number | undefined);
    defaultResetMs: number;
    /**
     * Resolves when the replica has been read.
     *
     * @returns {Promise<void>}
     */
    get ready(): Promise<void>;
    /** @param {string} provider @param {number} [resetAfterMs] */
    markExhausted(provider: string, resetAfterMs?: number | undefined): void;
    /** @param {string} provider */
    isExhausted(provider: string): boolean;
    /** @param {string} provider */
    clearExhaustion(provider: string): void;
    getExhaustedProviders(): string[];
    /** @param {string} provider @returns {ExhaustionEntry | undefined} */
    getEntry(provider: string): ExhaustionEntry | undefined;
    /** @returns {ExhaustionRegistrySnapshot} */
    snapshot(): ExhaustionRegistrySnapshot;
    serialize(): string;
    /**
     * Replaces all marks, for all workers. Each keeps its beginning and its end.
     *
     * @param {ExhaustionRegistrySnapshot | string} snapshot
     */
    restore(snapshot: ExhaustionRegistrySnapshot | string): void;
    /** Removes all marks, for all workers. */
    reset(): void;
}
export namespace quotaHooks {
    /** @param {{ input: { provider: string } }} event */
    function onQuotaDenied({ input }: {
        input: {
            provider: string;
        };
    }): void;
    /** @param {{ input: { provider: string } }} event */
    function onQuotaDenied({ input }: {
        input: {
            provider: string;
        };
    }): void;
}
