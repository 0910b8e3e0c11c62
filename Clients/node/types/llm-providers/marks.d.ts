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
/**
 * The replica of the marks of exhausted quotas, and of the pauses of providers, which the library knows as marks.
 */
export class Marks {
    /** @param {Hub} hub */
    constructor(hub: Hub);
    hub: import("./hub").Hub;
    /** @type {Map<string, ExhaustionEntry>} */
    entries: Map<string, ExhaustionEntry>;
    /**
     * The providers that operators have paused. A pause without an end lasts for ever.
     *
     * @type {Map<string, ExhaustionEntry>}
     */
    pauses: Map<string, ExhaustionEntry>;
    /**
     * Marks of this process alone.
     *
     * @type {Map<string, ExhaustionEntry>}
     */
    own: Map<string, ExhaustionEntry>;
    /**
     * The providers whose next mark is of this process alone.
     *
     * @type {Set<string>}
     */
    denied: Set<string>;
    load(): Promise<void>;
    /**
     * Notes the mark of a provider. The library has none of deployments and models.
     *
     * @param {import('../protocol/types').ExhaustionEntry} entry
     */
    take({ provider, deployment, model, exhaustedAt, resetsAt }: import('../protocol/types').ExhaustionEntry): void;
    /**
     * Notes the pause of a provider.
     *
     * @param {import('../protocol/types').PauseEntry} pause
     */
    pause({ provider, deployment, model, since, until }: import('../protocol/types').PauseEntry): void;
    /** @param {import('../protocol/types').PauseEntry} pause */
    resumed({ provider, deployment, model }: import('../protocol/types').PauseEntry): void;
    /** @param {import('../protocol/types').ProviderRestoredFields} route */
    restored({ provider, deployment, model }: import('../protocol/types').ProviderRestoredFields): void;
    /**
     * The mark of a provider that is in force.
     *
     * @param {string} provider
     */
    get(provider: string): ExhaustionEntry | undefined;
    /**
     * The mark or the pause of a provider that is in force.
     *
     * @param {string} provider
     */
    standing(provider: string): ExhaustionEntry | undefined;
    /** All marks in force. */
    all(): ExhaustionEntry[];
    /** Every provider with a mark or a pause in force. */
    providers(): string[];
    /**
     * The quota of one tenant is used up, and not that of the provider. The library marks the provider all the same, in
     * this turn of the event loop.
     *
     * @param {string} provider
     */
    deny(provider: string): void;
    /** @param {string} provider @param {number} duration milliseconds */
    mark(provider: string, duration: number): void;
    /**
     * Puts a mark of a snapshot in the place of the one of its provider.
     *
     * @param {ExhaustionEntry} entry
     */
    restore({ provider, exhaustedAt, resetAt }: ExhaustionEntry): void;
    /** @param {string} provider */
    clear(provider: string): void;
    reset(): void;
}
