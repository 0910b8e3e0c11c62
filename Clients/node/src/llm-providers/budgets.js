'use strict'

const { nanodollars } = require('../money')

/** @typedef {'rpm' | 'rpd' | 'tpm' | 'tpd'} RateLimitDimension */

/**
 * A budget of the library.
 *
 * @typedef {object} BudgetConfig
 * @property {string} provider
 * @property {string} [model]
 * @property {number} [monthlyBudget] dollars
 * @property {Partial<Record<RateLimitDimension, number>>} [rateLimits]
 */

/** @typedef {{ warning: number, critical: number, emergency: number }} ThresholdConfig */

const minute = 60_000
const day = 86_400_000

/** @type {Record<RateLimitDimension, number>} */
const windowLengths = { rpm: minute, rpd: day, tpm: minute, tpd: day }

/**
 * @param {import('../protocol/types').WindowKind} kind
 * @param {number} length
 * @returns {import('../protocol/types').LimitWindow}
 */
const window = (kind, length) => ({
  kind, lengthMilliseconds: BigInt(length), unit: 'day', anchorDay: 1, anchorMonth: 1, zone: null,
})

/**
 * The limits that a budget stands for, as proto-docs/profiles.md has them: a monthly budget notifies, a rate limit
 * denies in admission.
 *
 * @param {BudgetConfig} budget
 * @param {ThresholdConfig | undefined} thresholds
 * @returns {Array<import('../protocol/types').Limit>}
 */
function limitOf ({ model, monthlyBudget, rateLimits = {} }, thresholds) {
  /** @type {Array<import('../protocol/types').Limit>} */
  const limits = []
  if (monthlyBudget !== undefined) {
    limits.push({
      dimension: 'cost', amount: nanodollars(monthlyBudget), window: window('manual', 0), mode: 'notify',
      onLapse: 'release', thresholds: model ? null : thresholds ?? null, skipsCacheReads: false,
    })
  }
  for (const [dimension, amount] of /** @type {Array<[RateLimitDimension, number]>} */ (Object.entries(rateLimits))) {
    if (amount === undefined) continue
    limits.push({
      dimension: dimension.startsWith('r') ? 'requests' : 'tokens', amount: BigInt(Math.trunc(amount)),
      window: window('fixed', windowLengths[dimension]), mode: 'deny', onLapse: 'release', thresholds: null,
      skipsCacheReads: false,
    })
  }
  return limits
}

/**
 * The rate limit of the library that a limit stands for.
 *
 * @param {import('../protocol/types').Limit} limit @returns {RateLimitDimension | null}
 */
function dimensionOf ({ dimension, window }) {
  if (window.kind !== 'fixed') return null
  const length = Number(window.lengthMilliseconds)
  const letter = dimension === 'requests' ? 'r' : dimension === 'tokens' ? 't' : null
  if (!letter || (length !== minute && length !== day)) return null
  return /** @type {RateLimitDimension} */ (`${letter}p${length === minute ? 'm' : 'd'}`)
}

module.exports = { dimensionOf, limitOf, windowLengths }
