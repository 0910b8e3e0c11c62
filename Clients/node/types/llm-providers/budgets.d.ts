export type RateLimitDimension = 'rpm' | 'rpd' | 'tpm' | 'tpd';
/**
 * A budget of the library.
 */
export type BudgetConfig = {
    provider: string;
    model?: string | undefined;
    /**
     * dollars
     */
    monthlyBudget?: number | undefined;
    rateLimits?: Partial<Record<RateLimitDimension, number>> | undefined;
};
export type ThresholdConfig = {
    warning: number;
    critical: number;
    emergency: number;
};
/**
 * The rate limit of the library that a limit stands for.
 *
 * @param {import('../protocol/types').Limit} limit @returns {RateLimitDimension | null}
 */
export function dimensionOf({ dimension, window }: import('../protocol/types').Limit): RateLimitDimension | null;
/**
 * The limits that a budget stands for, as proto-docs/profiles.md has them: a monthly budget notifies, a rate limit
 * denies in admission.
 *
 * @param {BudgetConfig} budget
 * @param {ThresholdConfig | undefined} thresholds
 * @returns {Array<import('../protocol/types').Limit>}
 */
export function limitOf({ model, monthlyBudget, rateLimits }: BudgetConfig, thresholds: ThresholdConfig | undefined): Array<import('../protocol/types').Limit>;
/** @type {Record<RateLimitDimension, number>} */
export const windowLengths: Record<RateLimitDimension, number>;
