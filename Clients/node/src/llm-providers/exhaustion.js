'use strict'

const { parsed } = require('./circuit-breaker')
const { hub } = require('./shared')

/** @typedef {import('./marks').ExhaustionEntry} ExhaustionEntry */
/** @typedef {{ version: 1, defaultResetMs: number, entries: ExhaustionEntry[] }} ExhaustionRegistrySnapshot */

/**
 * The registry of exhausted quotas, of the library's shape, whose marks are the daemon's. A provider that an operator
 * has paused counts as exhausted; a snapshot has marks alone.
 *
 * `clearExhaustion`, `reset` and `restore` need an operator's rights; a refusal goes to the logger of `configure`.
 */
class ExhaustionRegistry {
  /** @param {number} [defaultResetMs] how long a mark of this worker lasts that names no duration */
  constructor (defaultResetMs = 300_000) {
    this.defaultResetMs = defaultResetMs
  }

  /**
   * Resolves when the replica has been read.
   *
   * @returns {Promise<void>}
   */
  get ready () { return hub().start() }

  /** @param {string} provider @param {number} [resetAfterMs] */
  markExhausted (provider, resetAfterMs) { hub().marks.mark(provider, resetAfterMs ?? this.defaultResetMs) }

  /** @param {string} provider */
  isExhausted (provider) { return hub().marks.standing(provider) !== undefined }

  /** @param {string} provider */
  clearExhaustion (provider) { hub().marks.clear(provider) }

  getExhaustedProviders () { return hub().marks.providers() }

  /** @param {string} provider @returns {ExhaustionEntry | undefined} */
  getEntry (provider) {
    const entry = hub().marks.standing(provider)
    return entry && { ...entry }
  }

  /** @returns {ExhaustionRegistrySnapshot} */
  snapshot () {
    return { version: 1, defaultResetMs: this.defaultResetMs, entries: hub().marks.all().map(entry => ({ ...entry })) }
  }

  serialize () { return JSON.stringify(this.snapshot()) }

  /**
   * Replaces all marks, for all workers. Each keeps its beginning and its end.
   *
   * @param {ExhaustionRegistrySnapshot | string} snapshot
   */
  restore (snapshot) {
    const { defaultResetMs, entries } = parsed(snapshot, 'ExhaustionRegistry')
    this.defaultResetMs = defaultResetMs
    this.reset()
    for (const entry of entries) {
      if (entry.resetAt > Date.now()) hub().marks.restore(entry)
    }
  }

  /** @param {string} json */
  static deserialize (json) {
    const registry = new ExhaustionRegistry()
    registry.restore(json)
    return registry
  }

  /** Removes all marks, for all workers. */
  reset () { hub().marks.reset() }
}

/**
 * Hooks for the library's factory, beside one's own (`composeHooks`). The factory marks a provider when a `quotaHook`
 * has denied a call of one tenant. With these, such a mark holds in this process alone, as in the library, and does not
 * keep the calls of all workers away.
 */
const quotaHooks = {
  /** @param {{ input: { provider: string } }} event */
  onQuotaDenied ({ input }) { hub().marks.deny(input.provider) },
}

module.exports = { ExhaustionRegistry, quotaHooks }
