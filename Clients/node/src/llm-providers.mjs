// One implementation serves `import` and `require`, so that both share one replica.

import parts from './llm-providers.js'

export const {
  CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry, close, configure,
  defaultCircuitBreakerManager, defaultExhaustionRegistry, flush, quotaHooks, ready,
} = parts
