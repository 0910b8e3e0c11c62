'use strict'

// What the library's ledger takes and tells, as its types have it.

/** How many costs the library keeps for burn rates, if it is not told otherwise. */
const mostHistory = 2_000

/** @typedef {import('./budgets').RateLimitDimension} RateLimitDimension */
/** @typedef {import('./budgets').BudgetConfig} BudgetConfig */
/** @typedef {import('./budgets').ThresholdConfig} ThresholdConfig */
/** @typedef {import('./ledger').RateLimitWindow} RateLimitWindow */

/** @typedef {'warning' | 'critical' | 'emergency'} ThresholdTier */
/** @typedef {'depletion_warning' | 'depletion_critical' | 'depletion_emergency'} DepletionTier */
/**
 * @typedef {object} ModelAccumulator
 * @property {number} spend
 * @property {number} inputTokens
 * @property {number} outputTokens
 * @property {number} requestCount
 * @property {number} lastRecordedAt
 */
/**
 * @typedef {object} ProviderParts
 * @property {Record<string, ModelAccumulator>} models
 * @property {number | null} budget
 * @property {Partial<Record<RateLimitDimension, RateLimitWindow>>} rateLimits
 */
/**
 * @typedef {ModelAccumulator & ProviderParts} ProviderAccumulator
 */
/** @typedef {{ costPerHour: number, costPerDay: number, windowMs: number, sampleCount: number }} BurnRate */
/**
 * @typedef {object} DepletionEstimate
 * @property {number} remainingBudget
 * @property {BurnRate} burnRate
 * @property {Date | null} projectedDepletionDate
 * @property {number | null} daysRemaining
 */
/**
 * @typedef {object} SpendSummary
 * @property {string} provider
 * @property {number} spend
 * @property {number} requestCount
 * @property {number} inputTokens
 * @property {number} outputTokens
 * @property {number} windowMs
 */
/**
 * @typedef {object} ThresholdEvent
 * @property {'threshold_crossed'} type
 * @property {string} provider
 * @property {string} [model]
 * @property {ThresholdTier} tier
 * @property {number} spend
 * @property {number} budget
 * @property {number} utilizationPct
 */
/**
 * @typedef {object} DepletionEvent
 * @property {'depletion_projected'} type
 * @property {string} provider
 * @property {DepletionTier} tier
 * @property {number} daysRemaining
 * @property {Date} projectedDepletionDate
 * @property {BurnRate} burnRate
 */
/** @typedef {ThresholdEvent | DepletionEvent} LedgerEvent */
/** @typedef {(event: LedgerEvent) => void} LedgerListener */
/** @typedef {{ allowed: boolean, used: number, limit: number }} RateLimitCheck */
/** @typedef {{ timestamp: number, provider: string, cost: number }} SpendEntry */
/**
 * @typedef {object} CreditLedgerSnapshot
 * @property {1} version
 * @property {number} periodStart
 * @property {Record<string, ProviderAccumulator>} providers
 * @property {ThresholdConfig} thresholds
 * @property {BudgetConfig[]} budgets
 * @property {number} exportedAt
 * @property {SpendEntry[]} [spendHistory]
 */

module.exports = { mostHistory }
