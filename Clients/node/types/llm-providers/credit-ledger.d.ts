export type Logger = import('../logger').Logger;
export type BudgetConfig = import('./budgets').BudgetConfig;
export type ThresholdConfig = import('./budgets').ThresholdConfig;
export type RateLimitDimension = import('./budgets').RateLimitDimension;
export type Account = import('./ledger').Account;
export type Totals = import('./ledger').Totals;
export type Entry = import('./ledger').Entry;
export type LimitReached = import('../protocol/types').LimitReached;
export type DepletionProjected = import('../protocol/types').DepletionProjected;
export type ModelAccumulator = {
    spend: number;
    inputTokens: number;
    outputTokens: number;
    requestCount: number;
    lastRecordedAt: number;
};
export type ProviderParts = {
    models: Record<string, ModelAccumulator>;
    budget: number | null;
    rateLimits: Partial<Record<RateLimitDimension, import('./ledger').RateLimitWindow>>;
};
export type ProviderAccumulator = ModelAccumulator & ProviderParts;
export type BurnRate = {
    costPerHour: number;
    costPerDay: number;
    windowMs: number;
    sampleCount: number;
};
export type DepletionEstimate = {
    remainingBudget: number;
    burnRate: BurnRate;
    projectedDepletionDate: Date | null;
    daysRemaining: number | null;
};
export type SpendSummary = {
    provider: string;
    spend: number;
    requestCount: number;
    inputTokens: number;
    outputTokens: number;
    windowMs: number;
};
export type ThresholdEvent = {
    type: 'threshold_crossed';
    provider: string;
    model?: string | undefined;
    tier: string;
    spend: number;
    budget: number;
    utilizationPct: number;
};
export type DepletionEvent = {
    type: 'depletion_projected';
    provider: string;
    tier: string;
    daysRemaining: number;
    projectedDepletionDate: Date;
    burnRate: BurnRate;
};
export type LedgerEvent = ThresholdEvent | DepletionEvent;
export type LedgerListener = (event: LedgerEvent) => void;
/**
 * The ledger of the library's shape whose accounts and limits are the daemon's. Synchronous members answer from the
 * replica.
 *
 * Budgets and `resetPeriod` need an operator's rights; a refusal goes to the logger, and the budget holds in this
 * process alone. Listeners hear of all workers' records, when the daemon has answered.
 */
export class CreditLedger {
    /**
     * @param {{ thresholds?: Partial<ThresholdConfig>, budgets?: BudgetConfig[], ringBufferSize?: number, logger?: Logger
     *   }} config
     */
    constructor({ thresholds, budgets, logger }?: {
        thresholds?: Partial<ThresholdConfig>;
        budgets?: BudgetConfig[];
        ringBufferSize?: number;
        logger?: Logger;
    });
    /**
     * Resolves when the replica has been read.
     *
     * @returns {Promise<void>}
     */
    get ready(): Promise<void>;
    /**
     * @param {string} provider @param {string} model empty: `unknown` @param {number} cost dollars
     * @param {number} inputTokens @param {number} outputTokens
     */
    record(provider: string, model: string, cost: number, inputTokens: number, outputTokens: number): void;
    /** @param {BudgetConfig} budget */
    setBudget(budget: BudgetConfig): void;
    /** @param {string} provider @param {string} [model] */
    removeBudget(provider: string, model?: string | undefined): void;
    /** Begins all accounts anew, for all workers. */
    resetPeriod(): void;
    /** @param {string} provider @param {string} [model] @returns {number | null} dollars; null without a budget */
    remainingBalance(provider: string, model?: string | undefined): number | null;
    /** @param {string} provider @param {string} [model] */
    utilizationPct(provider: string, model?: string | undefined): number;
    /** @param {string} provider @returns {ProviderAccumulator | undefined} */
    getProviderAccumulator(provider: string): ProviderAccumulator | undefined;
    /** @param {string} provider @param {string} model @returns {ModelAccumulator | undefined} */
    getModelAccumulator(provider: string, model: string): ModelAccumulator | undefined;
    totalSpend(): number;
    /** @returns {Record<string, ProviderAccumulator>} */
    breakdown(): Record<string, ProviderAccumulator>;
    /**
     * What is spent an hour and a day, by what this process has seen.
     *
     * @param {string} provider @param {number} [windowMs] @returns {BurnRate}
     */
    getBurnRate(provider: string, windowMs?: number | undefined): BurnRate;
    /** @param {string} provider @param {number} [windowMs] @returns {DepletionEstimate | null} null without a budget */
    getDepletionEstimate(provider: string, windowMs?: number | undefined): DepletionEstimate | null;
    /** @param {string} provider @param {number} windowMs @returns {SpendSummary} */
    getSpendSummary(provider: string, windowMs: number): SpendSummary;
    /** @param {number} windowMs */
    getSpendBreakdown(windowMs: number): SpendSummary[];
    /** @param {string} provider @param {RateLimitDimension} dimension */
    checkRateLimit(provider: string, dimension: RateLimitDimension): {
        allowed: boolean;
        used: number;
        limit: number;
    };
    snapshot(): {
        version: 1;
        periodStart: number;
        providers: Record<string, ProviderAccumulator>;
        thresholds: {
            warning: number;
            critical: number;
            emergency: number;
        };
        budgets: {
            provider: string;
            model?: string | undefined;
            /**
             * dollars
             */
            monthlyBudget?: number | undefined;
            rateLimits?: Partial<Record<import("./budgets").RateLimitDimension, number>> | undefined;
        }[];
        exportedAt: number;
        spendHistory: {
            timestamp: number;
            provider: string;
            cost: number;
        }[];
    };
    serialize(): string;
    /**
     * The daemon has no command that puts accounts in place of others, so this throws.
     *
     * @param {unknown} snapshot
     */
    restore(snapshot: unknown): void;
    /** @param {LedgerListener} listener @returns {() => void} what ends it */
    on(listener: LedgerListener): () => void;
}
