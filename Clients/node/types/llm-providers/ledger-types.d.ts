export type RateLimitDimension = import('./budgets').RateLimitDimension;
export type BudgetConfig = import('./budgets').BudgetConfig;
export type ThresholdConfig = import('./budgets').ThresholdConfig;
export type RateLimitWindow = import('./ledger').RateLimitWindow;
export type ThresholdTier = 'warning' | 'critical' | 'emergency';
export type DepletionTier = 'depletion_warning' | 'depletion_critical' | 'depletion_emergency';
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
    rateLimits: Partial<Record<RateLimitDimension, RateLimitWindow>>;
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
    tier: ThresholdTier;
    spend: number;
    budget: number;
    utilizationPct: number;
};
export type DepletionEvent = {
    type: 'depletion_projected';
    provider: string;
    tier: DepletionTier;
    daysRemaining: number;
    projectedDepletionDate: Date;
    burnRate: BurnRate;
};
export type LedgerEvent = ThresholdEvent | DepletionEvent;
export type LedgerListener = (event: LedgerEvent) => void;
export type RateLimitCheck = {
    allowed: boolean;
    used: number;
    limit: number;
};
export type SpendEntry = {
    timestamp: number;
    provider: string;
    cost: number;
};
export type CreditLedgerSnapshot = {
    version: 1;
    periodStart: number;
    providers: Record<string, ProviderAccumulator>;
    thresholds: ThresholdConfig;
    budgets: BudgetConfig[];
    exportedAt: number;
    spendHistory?: SpendEntry[] | undefined;
};
/** How many costs the library keeps for burn rates, if it is not told otherwise. */
export const mostHistory: 2000;
