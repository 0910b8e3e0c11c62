'use strict'

// The parts of the library llm-providers that keep state, with the daemon's state behind them. A worker of the library
// changes one import and shares what it learns with all others.

/** @typedef {import('./llm-providers/shared').HubOptions} HubOptions */
/** @typedef {import('./llm-providers/circuit-breaker').CircuitBreakerConfig} CircuitBreakerConfig */
/** @typedef {import('./llm-providers/circuit-breaker').CircuitBreakerState} CircuitBreakerState */
/** @typedef {import('./llm-providers/circuit-breaker').CircuitBreakerSnapshot} CircuitBreakerSnapshot */
/** @typedef {import('./llm-providers/circuit-breaker').CircuitBreakerManagerSnapshot} CircuitBreakerManagerSnapshot */
/** @typedef {import('./llm-providers/exhaustion').ExhaustionEntry} ExhaustionEntry */
/** @typedef {import('./llm-providers/exhaustion').ExhaustionRegistrySnapshot} ExhaustionRegistrySnapshot */
/** @typedef {import('./llm-providers/ledger-types').BudgetConfig} BudgetConfig */
/** @typedef {import('./llm-providers/ledger-types').ThresholdConfig} ThresholdConfig */
/** @typedef {import('./llm-providers/ledger-types').RateLimitDimension} RateLimitDimension */
/** @typedef {import('./llm-providers/ledger-types').RateLimitWindow} RateLimitWindow */
/** @typedef {import('./llm-providers/ledger-types').RateLimitCheck} RateLimitCheck */
/** @typedef {import('./llm-providers/ledger-types').ModelAccumulator} ModelAccumulator */
/** @typedef {import('./llm-providers/ledger-types').ProviderAccumulator} ProviderAccumulator */
/** @typedef {import('./llm-providers/ledger-types').BurnRate} BurnRate */
/** @typedef {import('./llm-providers/ledger-types').DepletionEstimate} DepletionEstimate */
/** @typedef {import('./llm-providers/ledger-types').SpendEntry} SpendEntry */
/** @typedef {import('./llm-providers/ledger-types').SpendSummary} SpendSummary */
/** @typedef {import('./llm-providers/ledger-types').ThresholdTier} ThresholdTier */
/** @typedef {import('./llm-providers/ledger-types').DepletionTier} DepletionTier */
/** @typedef {import('./llm-providers/ledger-types').ThresholdEvent} ThresholdEvent */
/** @typedef {import('./llm-providers/ledger-types').DepletionEvent} DepletionEvent */
/** @typedef {import('./llm-providers/ledger-types').LedgerEvent} LedgerEvent */
/** @typedef {import('./llm-providers/ledger-types').LedgerListener} LedgerListener */
/** @typedef {import('./llm-providers/ledger-types').CreditLedgerSnapshot} CreditLedgerSnapshot */

const { CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError } = require('./llm-providers/circuit-breaker')
const { CreditLedger } = require('./llm-providers/credit-ledger')
const { ExhaustionRegistry, quotaHooks } = require('./llm-providers/exhaustion')
const { close, configure, flush, ready } = require('./llm-providers/shared')

/** The breakers of this process. */
const defaultCircuitBreakerManager = new CircuitBreakerManager()
/** The registry of this process. */
const defaultExhaustionRegistry = new ExhaustionRegistry()

module.exports = {
  CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry, close, configure,
  defaultCircuitBreakerManager, defaultExhaustionRegistry, flush, quotaHooks, ready,
}
