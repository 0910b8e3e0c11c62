'use strict'

const { InvalidArgumentError, ProtocolError } = require('./errors')
const { candidate, candidateList } = require('./candidates')
const { dollars, nanodollars } = require('./money')
const { bounded, checkOutcome, isOfProvider, takesRetryAfter } = require('./outcomes')
const { AdmissionDeniedError, Permit, denials } = require('./permit')
const { encode } = require('./requests')
const { sentUsage } = require('./usage')
const { commands } = require('./protocol/commands')

/** @typedef {import('./client').Client} Client */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./protocol/types').Outcome} Outcome */

/** A permit's time to live, in milliseconds. */
const defaultTTL = 60_000
const longestTTL = 86_400_000
const longestWait = 86_400_000
/** The priority of a waiting call that tells none. */
const defaultPriority = 3
const leastPriority = 7
const mostCandidates = 16
/** What one call may cost at most, in nano-dollars. */
const mostCost = 1_000_000_000_000_000n

/**
 * What a call is made for and what it may use at most. What is left out is not known.
 *
 * @typedef {object} AdmitOptions
 * @property {string[]} [tags] what the call is made for, such as `team:search`: at most 8
 * @property {bigint | number | string} [cost] dollars as a number or a string, or a bigint of nano-dollars
 * @property {number} [tokens] input and output together
 * @property {number} [inputTokens]
 * @property {number} [outputTokens]
 * @property {number} [ttl] how long the permit lasts unless it is settled or renewed, in milliseconds: 60,000 by
 *   default
 * @property {number} [wait] how long the call may wait for its turn, in milliseconds, in addition to the client's
 *   `requestTimeout`: 0 by default, at most a day. It waits if the end of other calls, or time, can let it through until
 *   then. A wait outlives a restart of the daemon
 * @property {number} [priority] how urgent a waiting call is: 0, the most urgent, to 7; 3 by default. It becomes one step
 *   more urgent for each 10 s of waiting
 * @property {boolean} [explains] whether a denial tells every limit that stands against a candidate
 */

/**
 * What became of a settle or a report.
 *
 * @typedef {object} Settling
 * @property {'delivered' | 'queued' | 'unknown'} delivery whether the daemon has it. `unknown`: it may have counted
 * @property {import('./protocol/types').PermitStanding | null} standing the permit's standing before; null if not known
 * @property {import('./protocol/types').LimitReached[]} reached limits whose thresholds the usage has reached
 * @property {import('./protocol/types').DepletionProjected | null} depletion the limit that will be used up sooner
 */

/** What `AdmitOptions`, the rules of a call, and the options of `fetch` are called. */
const known = new Set([
  'tags', 'cost', 'tokens', 'inputTokens', 'outputTokens', 'ttl', 'wait', 'priority', 'explains', 'maxAge', 'attempts',
  'signal', 'outcome', 'onUnsettled', 'until', 'fetch', 'answer',
])

/** @param {object} options */
function checkNames (options) {
  for (const name in options) if (!known.has(name)) throw new InvalidArgumentError(`there is no option '${name}'`)
}

/**
 * What a call may cost at most, in nano-dollars.
 *
 * @param {bigint | number | string} cost
 */
function estimated (cost) {
  const amount = nanodollars(cost)
  if (amount >= 0n && amount <= mostCost) return amount
  throw new InvalidArgumentError(`cost: $${dollars(amount)} is not between $0 and $1,000,000, for one call`)
}

/** @param {CandidateLike | CandidateLike[]} candidates @param {AdmitOptions} options */
function question (candidates, { tags = [], cost, tokens, inputTokens, outputTokens, explains = false }) {
  const list = candidateList(candidates)
  if (list.length < 1 || list.length > mostCandidates) {
    throw new InvalidArgumentError(`candidates: an admission needs 1 to ${mostCandidates} of them, not ${list.length}`)
  }
  return {
    candidates: list,
    tags,
    estimate: {
      cost: cost == null ? null : estimated(cost),
      inputTokens: inputTokens ?? null,
      outputTokens: outputTokens ?? null,
      tokens: tokens ?? null,
    },
    explains,
  }
}

/** @param {number} ttl */
function checkedTTL (ttl) {
  if (!(ttl >= 1 && ttl <= longestTTL)) {
    throw new InvalidArgumentError(`ttl: ${ttl} is not a number of milliseconds from 1 to ${longestTTL}`)
  }
  return Math.ceil(ttl)
}

/**
 * How a call waits, as the wire has it.
 *
 * @param {AdmitOptions} options
 */
function turn ({ wait = 0, priority = defaultPriority }) {
  if (!(wait >= 0 && wait <= longestWait)) {
    throw new InvalidArgumentError(`wait: ${wait} is not a number of milliseconds from 0 to ${longestWait}`)
  }
  if (!(Number.isInteger(priority) && priority >= 0 && priority <= leastPriority)) {
    throw new InvalidArgumentError(
      `priority: ${priority} is not a whole number from 0, the most urgent, to ${leastPriority}`,
    )
  }
  return { wait: Math.ceil(wait), priority }
}

/**
 * Asks for a permit that nobody renews yet.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {AdmitOptions} options
 * @param {AbortSignal} [signal] what the permit passes on to its body; it ends a wait
 * @returns {Promise<Permit>}
 */
async function ask (client, candidates, options, signal) {
  checkNames(options)
  const { candidates: list, tags, estimate, explains } = question(candidates, options)
  const ttlMilliseconds = checkedTTL(options.ttl ?? defaultTTL)
  const { wait, priority } = turn(options)
  // Objects are spelled out on the way of every call. Spread ones took V8 half of the time of a call.
  const fields = {
    candidates: list, tags, estimate, explains, ttlMilliseconds, waitMilliseconds: wait, priority, resumes: 0, passed: 0,
    passedMilliseconds: 0, queue: 'aside',
  }
  const reply = await client.decide(commands['admission.admit'], fields, wait > 0 ? { wait, signal } : {})
  if (!reply) {
    return new Permit({
      candidate: list[0], tags, number: null, expiresAt: null, epoch: undefined,
      state: 'closed', share: 1, heldCost: null, costBasis: 'nothing', passedOver: [],
    }, signal)
  }
  const { candidate, state, share, heldCost, costBasis, passedOver } = decided(reply.decision, list)
  const { permit: number, expiresAt } = reply
  if (number === null) throw new ProtocolError('a call is admitted without a permit')
  const { epoch } = client.exchange
  return new Permit({
    candidate, tags, number, expiresAt, epoch, state, share, heldCost, costBasis, passedOver,
  }, signal)
}

/** @param {import('./protocol/types').AdmissionDecision} decision @param {Candidate[]} candidates */
function decided (decision, candidates) {
  const reasons = denials(decision, candidates)
  if (decision.candidate == null) {
    const wait = decision.retryAfterMilliseconds
    throw new AdmissionDeniedError(reasons, wait == null ? null : Number(wait), decision.fullQueue ?? null)
  }
  const candidate = candidates[decision.candidate]
  if (!candidate) throw new ProtocolError(`candidate ${decision.candidate} of ${candidates.length} is admitted`)
  const { state, share, heldCost = null, costBasis } = decision
  return { candidate, state, share, heldCost, costBasis, passedOver: reasons }
}

/**
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates
 * @param {AdmitOptions & { signal?: AbortSignal }} options
 */
async function admit (client, candidates, options) {
  options.signal?.throwIfAborted()
  const permit = await ask(client, candidates, options, options.signal)
  if (permit.number !== null) client.holding.hold(permit.number, options.ttl ?? defaultTTL)
  return permit
}

/**
 * Which candidate would be admitted.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {AdmitOptions} options
 */
async function preview (client, candidates, options) {
  const asked = question(candidates, options)
  const { decision } = await client.call('admission.preview', asked)
  return decided(decision, asked.candidates)
}

/** @typedef {'price' | 'latency' | 'firstToken' | 'share'} Ranking */

/**
 * What an outlook is ranked by, the smallest first; undefined if it is not known.
 *
 * @type {Record<Ranking, (outlook: import('./protocol/types').CandidateOutlook) => number | undefined>}
 */
const rankings = {
  price: ({ heldCost }) => heldCost == null ? undefined : Number(heldCost),
  latency: ({ duration }) => duration?.p50Milliseconds,
  firstToken: ({ firstToken }) => firstToken?.p50Milliseconds,
  share: ({ share }) => -share,
}

/**
 * The candidates, best first; `Client.ranked` documents it.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {Ranking} by
 * @param {AdmitOptions} options
 * @returns {Promise<Candidate[]>}
 */
async function ranked (client, candidates, by, options) {
  if (!Object.hasOwn(rankings, by)) {
    throw new InvalidArgumentError(`by: ${by} is none of ${Object.keys(rankings).join(', ')}`)
  }
  const asked = question(candidates, options)
  const { outlooks } = await client.call('admission.preview', asked)
  if (outlooks.length !== asked.candidates.length) {
    throw new ProtocolError(`${outlooks.length} outlooks of ${asked.candidates.length} candidates`)
  }
  const ranks = outlooks.map((outlook, place) => ({
    place, isDenied: outlook.denial != null, value: rankings[by](outlook) ?? Infinity,
  }))
  ranks.sort((one, other) => {
    if (one.isDenied !== other.isDenied) return one.isDenied ? 1 : -1
    return one.value === other.value ? one.place - other.place : one.value < other.value ? -1 : 1
  })
  return ranks.map(({ place }) => asked.candidates[place])
}

/**
 * An outcome as the wire has it.
 *
 * @param {CallOutcome | Outcome} told
 */
function sentOutcome (told) {
  /** @type {CallOutcome} */
  const call = typeof told === 'string' ? { outcome: told } : told ?? {}
  const { outcome, retryAfter = null, usage = null, markScope = null } = call
  checkOutcome(outcome)
  return {
    outcome,
    usage: outcome === 'cancelled' ? null : sentUsage(usage),
    retryAfterMilliseconds: retryAfter != null && takesRetryAfter(outcome) ? bounded(retryAfter) : null,
    // An outcome that marks nothing takes no scope.
    markScope: isOfProvider(outcome) ? markScope : null,
  }
}

/**
 * Settles a permit. If the daemon keeps nothing of the permit any more, the call is reported instead.
 *
 * @param {Client} client @param {Permit} permit @param {CallOutcome | Outcome} outcome
 * @param {boolean} isKept whether the settle is kept while the daemon is away
 * @returns {Promise<Settling>}
 */
async function settle (client, permit, outcome, isKept) {
  checkPermit(permit)
  permit.hasEnded = true
  const { outcome: end, usage, retryAfterMilliseconds, markScope } = sentOutcome(outcome)
  const { number, candidate, tags, timing } = permit
  const reported = commands['admission.report']
  const substitute = { candidate, tags, outcome: end, usage, retryAfterMilliseconds, markScope }
  if (number === null) return settling(await client.tell(reported, substitute))
  client.holding.release(number)
  const fields = { permit: number, outcome: end, usage, retryAfterMilliseconds, timing, markScope }
  return settling(await client.tell(commands['admission.settle'], fields, {
    isKept,
    substitute: { epoch: permit.epoch ?? 0n, command: reported, payload: encode(reported, substitute) },
  }))
}

/** @param {unknown} permit */
function checkPermit (permit) {
  if (permit instanceof Permit) return
  const hint = permit instanceof Promise ? 'a promise; is an await missing?' : String(permit)
  throw new InvalidArgumentError(`permit: what admit returned, not ${hint}`)
}

/** @param {{ reply: any, delivery: Settling['delivery'] }} told @returns {Settling} */
function settling ({ reply, delivery }) {
  const record = reply?.record ?? reply
  return {
    delivery, standing: reply?.standing ?? null, reached: record?.reached ?? [], depletion: record?.depletion ?? null,
  }
}

/**
 * @param {Client} client @param {CandidateLike} where @param {CallOutcome | Outcome} outcome
 * @param {{ tags?: string[] }} options
 */
async function report (client, where, outcome, { tags = [] } = {}) {
  return settling(
    await client.tell(commands['admission.report'], { candidate: candidate(where), tags, ...sentOutcome(outcome) }),
  )
}

/** @param {Client} client @param {Permit} permit @param {number} [ttl] */
async function renew (client, permit, ttl = defaultTTL) {
  checkPermit(permit)
  if (permit.number === null) return { standing: null, expiresAt: null }
  const reply = await client.call(
    'admission.renew', { permit: permit.number, ttlMilliseconds: BigInt(checkedTTL(ttl)) },
  )
  if (reply.standing === 'inForce') permit.expiresAt = reply.expiresAt
  return reply
}

module.exports = { admit, ask, checkedTTL, defaultTTL, preview, ranked, renew, report, settle }
