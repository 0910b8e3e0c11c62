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
 * @property {string[]} marks
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
  const usage = findUsage(document)
  if (usage === undefined) {
    throw new InvalidArgumentError(
      `no usage is found in this object; known are: ${forms.map(form => form.name).join('; ')}`,
    )
  }
  return usage
}

/**
 * The usage in a document, as `readUsage` reads it; undefined if there is none. A document whose usage is null, and one
 * that is null, tell nothing: the usage is empty.
 *
 * @param {any} document
 * @returns {(Usage & { call?: string }) | undefined}
 */
function findUsage (document) {
  if (document === null || document === undefined) return {}
  if (typeof document !== 'object') throw new InvalidArgumentError('usage is an object')
  /** @type {Usage & { call?: string }} */
  const told = {}
  const model = textAt(models, document)
  const call = textAt(calls, document)
  if (model !== null) told.model = model
  if (call !== null) told.call = call
  let isNull = false
  for (const place of places) {
    const usage = memberAt(document, place)
    if (usage === undefined) continue
    if (usage === null) isNull = true
    if (usage === null || typeof usage !== 'object') continue
    const form = forms.find(form => form.marks.some(mark => usage[mark] !== undefined && usage[mark] !== null))
    if (form) return Object.assign(told, readForm(form, usage))
  }
  return isNull ? told : undefined
}

/** @param {Form} form @param {any} usage @returns {Usage} */
function readForm (form, usage) {
  /** @type {Record<string, number>} */
  const tokens = {}
  /**
   * The tokens that a whole includes.
   *
   * @type {Record<string, number>}
   */
  const included = {}
  for (const part of form.parts) {
    const tokensOfPart = part.members.map(member => count(usage, member)).find(number => number !== undefined)
    if (tokensOfPart === undefined) continue
    tokens[part.counts] = (tokens[part.counts] ?? 0) + tokensOfPart
    if (part.within) included[part.within] = (included[part.within] ?? 0) + tokensOfPart
  }
  for (const kind of form.absent) tokens[kind] ??= 0
  if (tokens.reasoning > 0 && included.output !== undefined && countsReasoningBeside(form, usage, tokens)) {
    delete included.output
  }
  /** @type {Usage} */
  const told = {}
  for (const kind of kinds) {
    if (tokens[kind] === undefined) continue
    // A part that is greater than its whole leaves nothing of it.
    const rest = Math.max(0, tokens[kind] - (included[kind] ?? 0))
    if (rest > mostTokens) throw new InvalidArgumentError(`${kind} has more than ${mostTokens} tokens`)
    Object.assign(told, { [members[kind]]: rest })
  }
  const cost = form.cost === null ? undefined : memberAt(usage, form.cost)
  if (cost !== undefined && cost !== null) {
    const amount = typeof cost === 'number' ? nanodollars(cost) : -1n
    if (amount < 0n || amount > mostCost) {
      throw new InvalidArgumentError(`${form.cost} is not a number of dollars from 0 to 1000000`)
    }
    told.cost = amount
  }
  return told
}

/**
 * Whether the total says that reasoning is counted beside the output and not within it, as some that follow OpenAI's
 * form do.
 *
 * @param {Form} form @param {any} usage @param {Record<string, number>} told
 */
function countsReasoningBeside (form, usage, told) {
  const total = form.total === null ? undefined : count(usage, form.total)
  return total !== undefined && total === (told.input ?? 0) + (told.output ?? 0) + (told.reasoning ?? 0)
}

/**
 * Adds what a later report of the same call tells to what is known. What the report leaves out stays.
 *
 * @param {Usage} known
 * @param {Usage} later
 */
function updateUsage (known, later) {
  for (const member of /** @type {Array<keyof Usage>} */ (['model', 'cost', ...Object.values(members)])) {
    if (later[member] !== undefined && later[member] !== null) Object.assign(known, { [member]: later[member] })
  }
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

module.exports = { readUsage, findUsage, updateUsage, sentUsage, sentTokens }
