'use strict'

const { InvalidArgumentError } = require('./errors')
const { nanodollars } = require('./money')
/** @type {{ forms: Form[], places: string[], models: string[], calls: string[] }} */
const { forms, places, models, calls } = require('./protocol/usage-forms')

/** The kinds of tokens. No token is of two kinds. */
const kinds = /** @type {const} */ (['input', 'cachedInput', 'cacheWrite', 'output', 'reasoning'])
const mostTokens = 0xffffffff
const mostCost = 1_000_000_000_000_000n

/**
 * @typedef {object} Form
 * @property {string} name
 * @property {string[]} marks members by which the form is recognised
 * @property {string[]} foreign members that no object of this form has
 * @property {Array<{ members: string[], counts: string, within: string | null }>} parts
 * @property {string[]} absent
 * @property {string | null} total
 * @property {string | null} cost
 */

/**
 * What a call has used. What is left out is not known.
 *
 * @typedef {object} Usage
 * @property {string | null} [model] the model that answered
 * @property {bigint | number | string | null} [cost] dollars as a number or a string, or a bigint of nano-dollars
 * @property {number | null} [inputTokens] tokens sent, neither read from a cache nor written to one
 * @property {number | null} [cachedInputTokens] tokens sent and read from a cache
 * @property {number | null} [cacheWriteTokens] tokens sent and written to a cache
 * @property {number | null} [outputTokens] tokens received, without reasoning
 * @property {number | null} [reasoningTokens] tokens of reasoning
 */

/**
 * The members of `Usage` by the kinds that they count.
 *
 * @type {Record<string, keyof Usage>}
 */
const members = {
  input: 'inputTokens', cachedInput: 'cachedInputTokens', cacheWrite: 'cacheWriteTokens', output: 'outputTokens',
  reasoning: 'reasoningTokens',
}

/**
 * The member at a place, which is given as names separated by points.
 *
 * @param {any} value @param {string} place
 */
function memberAt (value, place) {
  let found = value
  for (const name of place === '' ? [] : place.split('.')) {
    if (found === null || typeof found !== 'object') return undefined
    found = found[name]
  }
  return found
}

/**
 * The number of tokens at a place; undefined if none is told.
 *
 * @param {any} usage @param {string} place
 */
function count (usage, place) {
  const value = memberAt(usage, place)
  if (value === undefined || value === null) return undefined
  if (!Number.isInteger(value) || value < 0 || value > mostTokens) {
    throw new InvalidArgumentError(`${place} is not a whole number from 0 to ${mostTokens}`)
  }
  return /** @type {number} */ (value)
}

/** @param {string[]} names @param {any} document */
function textAt (names, document) {
  for (const name of names) {
    const text = memberAt(document, name)
    if (typeof text === 'string' && text !== '') return text
  }
  return null
}

/**
 * What the members of usage objects of one form count.
 *
 * @typedef {object} FormCounts
 * @property {Form} form
 * @property {Array<number | undefined>} numbers the number of each part of the form
 * @property {number | undefined} total the number of all tokens
 */

/** What documents about one call tell of its usage. */
class Report {
  constructor () {
    /** @type {string | null} the name of the call at the provider */
    this.call = null
    /** @type {string | null} */
    this.model = null
    /** @type {bigint | null} nano-dollars */
    this.cost = null
    /** @type {FormCounts[]} */
    this.counts = []
  }

  /**
   * Takes what a later report of the same call tells. What that leaves out stays.
   *
   * @param {Report} later
   */
  update (later) {
    this.call = later.call ?? this.call
    this.model = later.model ?? this.model
    this.cost = later.cost ?? this.cost
    for (const next of later.counts) {
      const place = this.counts.findIndex(({ form }) => form === next.form)
      if (place < 0) this.counts.push(next)
      else this.counts[place] = updated(this.counts[place], next)
    }
  }

  /**
   * The usage that is known by now. The kinds of tokens are taken apart here: one event of a stream may tell a whole, and
   * another one the part of it that was cached.
   *
   * @returns {Usage}
   */
  get usage () {
    /** @type {Usage} */
    const usage = {}
    if (this.model !== null) usage.model = this.model
    if (this.cost !== null) usage.cost = this.cost
    for (const counts of this.counts) {
      const tokens = tokensOf(counts)
      for (const kind of kinds) {
        if (tokens[kind] !== undefined) Object.assign(usage, { [members[kind]]: Math.min(tokens[kind], mostTokens) })
      }
    }
    return usage
  }

  /** Whether neither cost nor tokens were told. */
  get isEmpty () { return Object.keys(this.usage).every(member => member === 'model') }
}

/**
 * The usage that a provider has told: its usage object, or an answer or an event of a stream that has one.
 *
 * Chat completions, embeddings and responses of OpenAI and of those that follow them are understood, and so are
 * messages of Anthropic, Gemini, Bedrock converse, OpenRouter and Ollama. An object whose usage is null tells nothing.
 *
 * @param {any} document
 * @returns {Usage & { call?: string }} `call` is the name of the call at the provider
 * @throws {InvalidArgumentError} if no usage is found, or a number is out of range
 */
function readUsage (document) {
  const report = findUsage(document)
  if (report === undefined) {
    throw new InvalidArgumentError(
      `no usage is found in this object; known are: ${forms.map(form => form.name).join('; ')}`,
    )
  }
  return report.call === null ? report.usage : { call: report.call, ...report.usage }
}

/**
 * What a document tells of usage; undefined if nothing is found. A document whose usage is null, and one that is null,
 * tell nothing: the report is empty.
 *
 * @param {any} document
 * @returns {Report | undefined}
 */
function findUsage (document) {
  const report = new Report()
  if (document === null || document === undefined) return report
  if (typeof document !== 'object') throw new InvalidArgumentError('usage is an object')
  report.model = textAt(models, document)
  report.call = textAt(calls, document)
  let isNull = false
  for (const place of places) {
    const usage = memberAt(document, place)
    if (usage === undefined) continue
    if (usage === null) isNull = true
    if (usage === null || typeof usage !== 'object') continue
    const form = forms.find(form => describes(form, usage))
    if (!form) continue
    report.counts = [readCounts(form, usage)]
    report.cost = readCost(form, usage)
    return report
  }
  return isNull ? report : undefined
}

/** @param {Form} form @param {any} usage */
function describes (form, usage) {
  const has = (/** @type {string} */ place) => (memberAt(usage, place) ?? null) !== null
  return form.marks.some(has) && !form.foreign.some(has)
}

/** @param {Form} form @param {any} usage @returns {FormCounts} */
function readCounts (form, usage) {
  const counts = {
    form,
    numbers: form.parts.map(part =>
      part.members.map(member => count(usage, member)).find(number => number !== undefined)),
    total: form.total === null ? undefined : count(usage, form.total),
  }
  for (const [kind, tokens] of Object.entries(tokensOf(counts))) {
    if (tokens > mostTokens) throw new InvalidArgumentError(`${kind} has more than ${mostTokens} tokens`)
  }
  return counts
}

/** @param {Form} form @param {any} usage */
function readCost (form, usage) {
  const cost = form.cost === null ? undefined : memberAt(usage, form.cost)
  if (cost === undefined || cost === null) return null
  const amount = typeof cost === 'number' ? nanodollars(cost) : -1n
  if (amount < 0n || amount > mostCost) {
    throw new InvalidArgumentError(`${form.cost} is not a number of dollars from 0 to 1000000`)
  }
  return amount
}

/**
 * Counts with later ones of the same call. What these leave out stays, but for the parts of a prompt that is another one.
 *
 * @param {FormCounts} before @param {FormCounts} later @returns {FormCounts}
 */
function updated (before, later) {
  const { parts } = before.form
  const isOtherPrompt = parts.some(({ counts }, place) => {
    const [known, now] = [before.numbers[place], later.numbers[place]]
    return counts === 'input' && known !== undefined && now !== undefined && known !== now
  })
  return {
    form: before.form,
    numbers: parts.map(({ within }, place) =>
      later.numbers[place] ?? (isOtherPrompt && within === 'input' ? undefined : before.numbers[place])),
    total: later.total ?? before.total,
  }
}

/**
 * The tokens by kind.
 *
 * @param {FormCounts} counts
 */
function tokensOf ({ form, numbers, total }) {
  /** @type {Record<string, number>} */
  const tokens = {}
  /**
   * The tokens that a whole includes.
   *
   * @type {Record<string, number>}
   */
  const included = {}
  form.parts.forEach((part, place) => {
    const number = numbers[place]
    if (number === undefined) return
    tokens[part.counts] = (tokens[part.counts] ?? 0) + number
    if (part.within) included[part.within] = (included[part.within] ?? 0) + number
  })
  for (const kind of form.absent) tokens[kind] ??= 0
  // Some that follow OpenAI's form count reasoning beside the output and not within it. Their total says so.
  const sum = (tokens.input ?? 0) + (tokens.output ?? 0) + (tokens.reasoning ?? 0)
  if (tokens.reasoning > 0 && total === sum) delete included.output
  for (const kind of Object.keys(included)) {
    // A part that is greater than its whole leaves nothing of it.
    if (tokens[kind] !== undefined) tokens[kind] = Math.max(0, tokens[kind] - included[kind])
  }
  return tokens
}

/**
 * A usage as the wire has it.
 *
 * @param {Usage | null | undefined} usage
 * @returns {import('./protocol/types').CallUsage | null}
 */
function sentUsage (usage) {
  if (!usage) return null
  const cost = usage.cost === undefined || usage.cost === null ? null : nanodollars(usage.cost)
  if (cost !== null && (cost < 0n || cost > mostCost)) {
    throw new InvalidArgumentError('cost: a call costs $0 to $1,000,000')
  }
  return { model: usage.model ?? null, cost, tokens: sentTokens(usage) }
}

/** @param {Usage} usage @returns {import('./protocol/types').TokenUsage} */
function sentTokens (usage) {
  return {
    input: usage.inputTokens ?? null,
    cachedInput: usage.cachedInputTokens ?? null,
    cacheWrite: usage.cacheWriteTokens ?? null,
    output: usage.outputTokens ?? null,
    reasoning: usage.reasoningTokens ?? null,
  }
}

module.exports = { readUsage, findUsage, sentUsage, sentTokens, Report }
