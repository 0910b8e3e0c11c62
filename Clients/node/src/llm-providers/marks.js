'use strict'

const { setImmediate } = require('node:timers')

/** @typedef {import('./hub').Hub} Hub */

/**
 * A mark, as the library has it.
 *
 * @typedef {object} ExhaustionEntry
 * @property {string} provider
 * @property {number} exhaustedAt
 * @property {number} resetAt
 */

/**
 * The replica of the marks of exhausted quotas, and of the pauses of providers, which the library knows as marks.
 */
class Marks {
  /** @param {Hub} hub */
  constructor (hub) {
    this.hub = hub
    /** @type {Map<string, ExhaustionEntry>} */
    this.entries = new Map()
    /**
     * The providers that operators have paused. A pause without an end lasts for ever.
     *
     * @type {Map<string, ExhaustionEntry>}
     */
    this.pauses = new Map()
    /**
     * Marks of this process alone.
     *
     * @type {Map<string, ExhaustionEntry>}
     */
    this.own = new Map()
    /**
     * The providers whose next mark is of this process alone.
     *
     * @type {Set<string>}
     */
    this.denied = new Set()
  }

  async load () {
    const entries = []
    for await (const entry of this.hub.client.list('exhaustion.list')) entries.push(entry)
    const pauses = []
    for await (const pause of this.hub.client.list('exhaustion.pauses')) pauses.push(pause)
    this.entries.clear()
    for (const entry of entries) this.take(entry)
    this.pauses.clear()
    for (const pause of pauses) this.pause(pause)
  }

  /**
   * Notes the mark of a provider. The library has none of deployments and models.
   *
   * @param {import('../protocol/types').ExhaustionEntry} entry
   */
  take ({ provider, deployment, model, exhaustedAt, resetsAt }) {
    if (deployment || model) return
    this.entries.set(
      provider, { provider, exhaustedAt: this.hub.local(exhaustedAt), resetAt: this.hub.local(resetsAt) },
    )
  }

  /**
   * Notes the pause of a provider.
   *
   * @param {import('../protocol/types').PauseEntry} pause
   */
  pause ({ provider, deployment, model, since, until }) {
    if (deployment || model) return
    const resetAt = until == null ? Infinity : this.hub.local(until)
    this.pauses.set(provider, { provider, exhaustedAt: this.hub.local(since), resetAt })
  }

  /** @param {import('../protocol/types').PauseEntry} pause */
  resumed ({ provider, deployment, model }) {
    if (!deployment && !model) this.pauses.delete(provider)
  }

  /** @param {import('../protocol/types').ProviderRestoredFields} route */
  restored ({ provider, deployment, model }) {
    if (!deployment && !model) this.entries.delete(provider)
  }

  /**
   * The mark of a provider that is in force.
   *
   * @param {string} provider
   */
  get (provider) { return inForce(this.entries, provider) }

  /**
   * The mark or the pause of a provider that is in force.
   *
   * @param {string} provider
   */
  standing (provider) {
    return inForce(this.pauses, provider) ?? this.get(provider) ?? inForce(this.own, provider)
  }

  /** All marks in force. */
  all () { return [...this.entries.keys()].flatMap(provider => this.get(provider) ?? []) }

  /** Every provider with a mark or a pause in force. */
  providers () {
    const named = [this.entries, this.pauses, this.own].flatMap(marks => [...marks.keys()])
    return [...new Set(named)].filter(provider => this.standing(provider))
  }

  /**
   * The quota of one tenant is used up, and not that of the provider. The library marks the provider all the same, in
   * this turn of the event loop.
   *
   * @param {string} provider
   */
  deny (provider) {
    this.denied.add(provider)
    setImmediate(() => this.denied.delete(provider))
  }

  /** @param {string} provider @param {number} duration milliseconds */
  mark (provider, duration) {
    const now = Date.now()
    if (this.denied.delete(provider)) {
      this.own.set(provider, { provider, exhaustedAt: now, resetAt: now + duration })
      return
    }
    const known = this.get(provider)
    // Under the profile `fusebox` a shorter mark does not cut a longer one short.
    if (this.hub.isOfLibrary || !known || known.resetAt < now + duration) {
      this.entries.set(provider, { provider, exhaustedAt: now, resetAt: now + duration })
    }
    const resetAfterMilliseconds = Math.max(0, Math.trunc(duration))
    const fields = { provider, resetAfterMilliseconds, deployment: null, model: null }
    this.hub.background(this.hub.report('exhaustion.mark', fields))
  }

  /**
   * Puts a mark of a snapshot in the place of the one of its provider.
   *
   * @param {ExhaustionEntry} entry
   */
  restore ({ provider, exhaustedAt, resetAt }) {
    this.entries.set(provider, { provider, exhaustedAt, resetAt })
    this.hub.background(this.hub.start().then(() => {
      // Only now the daemon's clock is known.
      const now = Date.now()
      return this.hub.client.call('exhaustion.mark', {
        provider,
        resetAfterMilliseconds: Math.max(0, Math.trunc(resetAt - now)),
        exhaustedAt: Math.trunc(Math.min(exhaustedAt, now) + this.hub.offset),
        deployment: null,
        model: null,
      })
    }))
  }

  /** @param {string} provider */
  clear (provider) {
    this.own.delete(provider)
    if (!this.entries.delete(provider)) return
    const fields = { provider, mustBeKnown: false, deployment: null, model: null }
    this.hub.background(this.hub.send('exhaustion.clear', fields))
  }

  reset () {
    this.own.clear()
    this.entries.clear()
    this.hub.background(this.hub.send('exhaustion.reset'))
  }
}

/**
 * An entry that has not ended.
 *
 * @param {Map<string, ExhaustionEntry>} entries @param {string} provider
 */
function inForce (entries, provider) {
  const entry = entries.get(provider)
  if (entry && Date.now() >= entry.resetAt) entries.delete(provider)
  return entries.get(provider)
}

module.exports = { Marks }
