import { CircuitBreaker } from "./llm-providers/circuit-breaker";
import { CircuitBreakerManager } from "./llm-providers/circuit-breaker";
import { CircuitBreakerOpenError } from "./llm-providers/circuit-breaker";
import { CreditLedger } from "./llm-providers/credit-ledger";
import { ExhaustionRegistry } from "./llm-providers/exhaustion";
import { close } from "./llm-providers/shared";
import { configure } from "./llm-providers/shared";
/** The breakers of this process. */
export const defaultCircuitBreakerManager: CircuitBreakerManager;
/** The registry of this process. */
export const defaultExhaustionRegistry: ExhaustionRegistry;
import { flush } from "./llm-providers/shared";
import { ready } from "./llm-providers/shared";
export { CircuitBreaker, CircuitBreakerManager, CircuitBreakerOpenError, CreditLedger, ExhaustionRegistry, close, configure, flush, ready };
