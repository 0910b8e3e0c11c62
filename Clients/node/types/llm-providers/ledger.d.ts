export type Hub = import('./hub').Hub;
export type Logger = import('../logger').Logger;
export type LimitEntry = import('../protocol/types').LimitEntry;
export type AccountUsage = import('../protocol/types').AccountUsage;
export type FuseboxEvent = import('../protocol/types').FuseboxEvent;
export type BudgetConfig = import('./budgets').BudgetConfig;
export type RateLimitDimension = import('./budgets').RateLimitDimension;
/**
 * What an account has used. `spend` is in nano-dollars.
 */
export type Totals = {
    spend: bigint;
    inputTokens: number;
    outputTokens: number;
    requestCount: number;
    lastRecordedAt: number;
};
export type RateLimitWindow = {
    used: number;
    limit: number;
    windowStart: number;
};
export type Parts = {
    models: Map<string, Totals>;
    budget: bigint | null;
    budgets: Map<string, bigint>;
    rateLimits: Map<RateLimitDimension, RateLimitWindow>;
};
export type Account = Totals & Parts;
export type Entry = {
    provider: string;
    model: string;
    cost: bigint;
    inputTokens: number;
    outputTokens: number;
    at: number;
};
/** The replica of the ledger. */
export class Ledger {
    /** @param {Hub} hub */
    constructor(hub: Hub);
    hub: import("./hub").Hub;
    /** @type {Map<string, Account>} */
    accounts: Map<string, Account>;
    /**
     * Costs by their moments, this worker's records and what others have spent between two reads.
     *
     * @type {Array<{ timestamp: number, provider: string, cost: bigint }>}
     */
    history: {
        timestamp: number;
        provider: string;
        cost: bigint;
    }[];
    /** How many costs are kept. */
    mostKept: number;
    /** Counts what this worker has written. */
    records: number;
    loadedAt: number;
    isLoading: boolean;
    periodStart: number;
    /** @type {Set<(event: FuseboxEvent | { name: 'reply', reply: any, entry: Entry }) => void>} */
    listeners: Set<(event: import("../protocol/types").FuseboxEvent | {
        name: 'reply';
        reply: any;
        entry: Entry;
    }) => void>;
    /** @param {number} [attempt] @returns {Promise<void>} */
    load(attempt?: number | undefined): Promise<void>;
    /** Has the replica brought up to date, if it is old. */
    touch(): void;
    /** @param {AccountUsage} usage @returns {Totals} */
    totals(usage: AccountUsage): Totals;
    /** @param {Map<string, Account>} accounts @param {LimitEntry} entry */
    takeLimit(accounts: Map<string, Account>, { scope, limit, raisedAmount, used, startedAt }: LimitEntry): void;
    /**
     * Notes what other workers have spent since the last read.
     *
     * @param {Map<string, Account>} accounts
     */
    noteOthers(accounts: Map<string, Account>): void;
    /** @param {string} provider @param {bigint} cost */
    noteCost(provider: string, cost: bigint): void;
    /**
     * Keeps at least so many costs.
     *
     * @param {number} count
     */
    keepHistory(count: number): void;
    /** @param {Array<{ timestamp: number, provider: string, cost: number }>} entries costs in dollars */
    restoreHistory(entries: Array<{
        timestamp: number;
        provider: string;
        cost: number;
    }>): void;
    /** @param {string} provider */
    account(provider: string): Account;
    /** @param {Omit<Entry, 'at'>} told @param {Logger} logger */
    record(told: Omit<Entry, 'at'>, logger: Logger): void;
    /**
     * Takes back what was spent. This needs an operator's rights.
     *
     * @param {{ provider: string, model: string, cost: bigint }} told a cost below 0 @param {Logger} logger
     */
    refund({ provider, model, cost }: {
        provider: string;
        model: string;
        cost: bigint;
    }, logger: Logger): void;
    /** @param {Entry} entry */
    apply({ provider, model, cost, inputTokens, outputTokens, at }: Entry): void;
    /**
     * Sets the limits that a budget of the library stands for. This needs an operator's rights.
     *
     * @param {BudgetConfig} budget @param {any} thresholds @param {Logger} logger
     */
    setBudget(budget: BudgetConfig, thresholds: any, logger: Logger): void;
    /** @param {string} provider @param {string | undefined} model @param {Logger} logger */
    removeBudget(provider: string, model: string | undefined, logger: Logger): void;
    /** @param {Logger} logger */
    resetPeriod(logger: Logger): void;
    /** @param {import('../protocol/types').CommandName} name @param {any} fields @param {Logger} logger */
    write(name: import('../protocol/types').CommandName, fields: any, logger: Logger): void;
    /** @param {FuseboxEvent} event */
    take(event: FuseboxEvent): void;
    /** @param {FuseboxEvent | { name: 'reply', reply: any, entry: Entry }} event */
    emit(event: FuseboxEvent | {
        name: 'reply';
        reply: any;
        entry: Entry;
    }): void;
}
/**
 * Begins a window anew whose end has passed.
 *
 * @param {RateLimitDimension} dimension @param {RateLimitWindow} window
 */
export function renew(dimension: RateLimitDimension, window: RateLimitWindow): void;
