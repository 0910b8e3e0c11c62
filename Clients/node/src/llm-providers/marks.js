'use strict'

/** @typedef {import('./hub').Hub} Hub */

/**
 * A mark, as the library has it.
 *
 * @typedef {object} ExhaustionEntry
 * @property {string} provider
 * @property {number} exhaustedAt
 * @property {number} resetAt
 */

/** The replica of the marks of exhausted quotas. */
class Marks {
  /** @param {Hub} hub */
  constructor (hub) {
    this.hub = hub
    /** @type {Map<string, ExhaustionEntry>} */
    this.entries = new Map()
  }

  async load () {
    const entries = []
    for await (const entry of this.hub.client.list('exhaustion.list')) entries.push(entry)
    this.entries.clear()
    for (const entry of entries) this.take(entry)
  }

  /** @param {import('../protocol/types').ExhaustionEntry} entry */
  take ({ provider, exhaustedAt, resetsAt }) {
    this.entries.set(
      provider, { provider, exhaustedAt: this.hub.local(exhaustedAt), resetAt: this.hub.local(resetsAt) },
    )
  }

  /** @param {string} provider */
  restored (provider) { this.entries.delete(provider) }

  /**
   * The mark of a provider that is in force.
   *
   * @param {string} provider
   */
  get (provider) {
    const entry = this.entries.get(provider)
    if (entry && Date.now() >= entry.resetAt) this.entries.delete(provider)
    return this.entries.get(provider)
  }

  /** All marks in force. */
  all () { return [...this.entries.keys()].flatMap(provider => this.get(provider) ?? []) }

  /** @param {string} provider @param {number} duration milliseconds */
  mark (provider, duration) {
    const now = Date.now()
    const known = this.get(provider)
    // Under the profile `fusebox` a shorter mark does not cut a longer one short.
    if (this.hub.isOfLibrary || !known || known.resetAt < now + duration) {
      this.entries.set(provider, { provider, exhaustedAt: now, resetAt: now + duration })
    }
    const resetAfterMilliseconds = Math.max(0, Math.trunc(duration))
    this.hub.background(this.hub.report('exhaustion.mark', { provider, resetAfterMilliseconds }))
  }

  /** @param {string} provider */
  clear (provider) {
    if (!this.entries.delete(provider)) return
    this.hub.background(this.hub.send('exhaustion.clear', { provider, mustBeKnown: false }))
  }

  reset () {
    this.entries.clear()
    this.hub.background(this.hub.send('exhaustion.reset'))
  }
}

module.exports = { Marks }
