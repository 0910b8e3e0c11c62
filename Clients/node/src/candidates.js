'use strict'

const { InvalidArgumentError } = require('./errors')

/**
 * Where a call may go: a route such as `'openai@eu/gpt-4o'` (provider, deployment, model), or its parts.
 *
 * @typedef {string | { provider: string, deployment?: string | null, model?: string | null }} CandidateLike
 */

/** @typedef {import('./protocol/types').Candidate} Candidate */

/**
 * A route in its parts. The text is cut at its first `/`; what stands before that is cut at its first `@`.
 *
 * @param {CandidateLike} route
 * @returns {Candidate}
 */
function candidate (route) {
  if (route === null || (typeof route !== 'string' && typeof route !== 'object')) {
    throw new InvalidArgumentError(`${route} is neither a route nor a candidate`)
  }
  if (typeof route !== 'string') {
    const { provider } = route
    if (typeof provider !== 'string') throw new InvalidArgumentError(`a candidate's provider is a string, not ${provider}`)
    return { provider: route.provider, deployment: route.deployment ?? null, model: route.model ?? null }
  }
  const slash = route.indexOf('/')
  const place = slash < 0 ? route : route.slice(0, slash)
  const at = place.indexOf('@')
  if (place === '' || at === 0 || at === place.length - 1 || slash === route.length - 1) {
    throw new InvalidArgumentError(`'${route}' is no route: provider[@deployment][/model]`)
  }
  if (slash < 0) warnOfModel(place)
  return {
    provider: at < 0 ? place : place.slice(0, at),
    deployment: at < 0 ? null : place.slice(at + 1),
    model: slash < 0 ? null : route.slice(slash + 1),
  }
}

/** How models of the main providers begin, and no provider does. */
const models = /^(chatgpt|claude|gemini|gpt|text-embedding)-/
/** The routes that were said to name a model alone. */
const told = new Set()

/** @param {string} route */
function warnOfModel (route) {
  if (!models.test(route) || told.has(route)) return
  told.add(route)
  process.emitWarning(`the route '${route}' names a provider, and no model; is 'provider/${route}' meant?`, {
    type: 'FuseboxWarning', code: 'FUSEBOX_NO_PROVIDER',
  })
}

/**
 * One candidate or several.
 *
 * @param {CandidateLike | CandidateLike[]} candidates
 */
const candidateList = candidates => (Array.isArray(candidates) ? candidates : [candidates]).map(candidate)

/**
 * A candidate as messages name it.
 *
 * @param {Candidate} candidate
 */
const route = ({ provider, deployment, model }) =>
  provider + (deployment ? `@${deployment}` : '') + (model ? `/${model}` : '')

module.exports = { candidate, candidateList, route }
