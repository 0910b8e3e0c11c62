'use strict'

// The parts of the library llm-providers that keep state, with the daemon's state behind them. A worker of the library
// changes one import and shares what it learns with all others.

const { CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError } = require('./llm-providers/circuit-breaker')
const { CreditLedger } = require('./llm-providers/credit-ledger')
const { ExhaustionRegistry } = require('./llm-providers/exhaustion')
const { close, configure, flush, ready } = require('./llm-providers/shared')

/** The breakers of this process. */
const defaultCircuitBreakerManager = new CircuitBreakerManager()
/** The registry of this process. */
const defaultExhaustionRegistry = new ExhaustionRegistry()

module.exports = {
  CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry, close, configure,
  defaultCircuitBreakerManager, defaultExhaustionRegistry, flush, ready,
}
