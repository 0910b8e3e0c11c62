// A worker of the drop-in that is no operator. Prints what it sees, and what its logger hears.

import library from '../../src/llm-providers.js'

const { CircuitBreaker, CircuitBreakerManager, CreditLedger, ExhaustionRegistry } = library
const [, , socket, spool] = process.argv
const warnings = []
const logger = { warn: text => warnings.push(text) }
library.configure({ socket, spool, requestTimeout: 10_000, logger })
await library.ready

const ledger = new CreditLedger({ budgets: [{ provider: 'groq', monthlyBudget: 5, rateLimits: { rpm: 9 } }], logger })
const budget = ledger.remainingBalance('groq')
ledger.record('groq', 'llama', 2, 10, 10)
ledger.record('groq', 'llama', -1, 0, 0)
ledger.resetPeriod()
const registry = new ExhaustionRegistry()
registry.markExhausted('anthropic', 60_000)
registry.clearExhaustion('openai')
registry.reset()
const breaker = new CircuitBreaker('groq', { failureThreshold: 2 }, logger)
const answer = await breaker.exec(async () => 'ok')
breaker.forceOpen()
breaker.reset()
breaker.restore(breaker.snapshot())
new CircuitBreakerManager().resetAll()
await library.flush()
const refused = warnings.filter(text => /notPermitted/.test(text)).length
console.log(JSON.stringify({ budget, answer, refused, warnings, total: ledger.totalSpend() }))
await library.close()
