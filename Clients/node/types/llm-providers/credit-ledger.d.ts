export type Logger = import('../logger').Logger;
export type BudgetConfig = import('./budgets').BudgetConfig;
export type ThresholdConfig = import('./budgets').ThresholdConfig;
export type RateLimitDimension = import('./budgets').RateLimitDimension;
export type Account = import('./ledger').Account;
export type Totals = import('./ledger').Totals;
export type Entry = import('./ledger').Entry;
export type LimitReached = import('../protocol/types').LimitReached;
export type DepletionProjected = import('../protocol/types').DepletionProjected;
export type ModelAccumulator = import('./ledger-types').ModelAccumulator;
export type ProviderAccumulator = import('./ledger-types').ProviderAccumulator;
export type BurnRate = import('./ledger-types').BurnRate;
export type DepletionEstimate = import('./ledger-types').DepletionEstimate;
export type SpendSummary = import('./ledger-types').SpendSummary;
export type RateLimitCheck = import('./ledger-types').RateLimitCheck;
export type ThresholdTier = import('./ledger-types').ThresholdTier;
export type DepletionTier = import('./ledger-types').DepletionTier;
export type LedgerEvent = import('./ledger-types').LedgerEvent;
export type LedgerListener = import('./ledger-types').LedgerListener;
export type CreditLedgerSnapshot = import('./ledger-types').CreditLedgerSnapshot;
/**
 * The ledger of the library's shape whose accounts and limits are the daemon's. Synchronous members answer from the
 * replica.
 *
 * Budgets and `resetPeriod` need an operator's rights; a refusal goes to the logger, and the budget holds in this
 * process alone. So do refunds, which are records with a cost below 0. Listeners hear of all workers' records, when the
 * daemon has answered.
 */
export class CreditLedger {
    /**
     * @param {{ thresholds?: Partial<ThresholdConfig>, budgets?: BudgetConfig[], ringBufferSize?: number, logger?: Logger
     *   }} config
     */
    constructor({ thresholds, budgets, ringBufferSize, logger }?: {
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
    getSpendBreakdown(windowMs: number): import("./ledger-types").SpendSummary[];
    /** @param {string} provider @param {RateLimitDimension} dimension @returns {RateLimitCheck} */
    checkRateLimit(provider: string, dimension: RateLimitDimension): RateLimitCheck;
    /** @returns {CreditLedgerSnapshot} */
    snapshot(): CreditLedgerSnapshot;
    serialize(): string;
    /**
     * Restores thresholds, budgets, and the costs that burn rates are made of. Accounts, and what is used of rate limits,
     * stay the daemon's, which has them in any case: the snapshot of one worker must not undo what others have spent.
     * `fusebox import --format llm-providers` moves them over once.
     *
     * @param {CreditLedgerSnapshot} snapshot of another version: it is skipped, and the logger told
     */
    restore(snapshot: CreditLedgerSnapshot): void;
    /** @param {LedgerListener} listener @returns {() => void} what ends it */
    on(listener: LedgerListener): () => void;
}
