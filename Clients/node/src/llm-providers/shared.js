'use strict'

const { Hub } = require('./hub')

/**
 * @typedef {object} LibraryOptions
 * @property {new (provider: string, retryAfterSec?: number, consecutiveFailures?: number) => Error}
 *   [CircuitBreakerOpenError] the library's own error, for code that asks whether an error is one
 */
/** @typedef {import('../options').Options & LibraryOptions} HubOptions */

/** @type {Hub | null} */
let current = null
/** @type {HubOptions} */
let options = {}

/**
 * What all objects of this process share. It is made at the first use.
 *
 * @internal
 */
function hub () {
  current ??= new Hub(options)
  return current
}

/**
 * Says how the daemon is reached, and which error open breakers throw. To be called before the first use, if the
 * defaults do not do. What is not told stays as it was.
 *
 * @param {HubOptions} told the options of `connect`; its logger also hears of what could not be done
 */
function configure (told) {
  if (current) throw new Error('configure is called before the first use')
  options = { ...options, ...told }
}

/** Waits until everything that was written is answered. */
const flush = () => hub().flush()

/** Delivers what is under way and closes the connection. The next use begins anew. */
async function close () {
  const closed = current
  current = null
  await closed?.flush()
  await closed?.close()
}

/** Resolves when the replica has been read: `await ready`. */
const ready = {
  /**
   * @template A, B
   * @param {(value: void) => A} [resolve]
   * @param {(error: unknown) => B} [reject]
   */
  then (resolve, reject) { return hub().start().then(resolve, reject) },
}

module.exports = { close, configure, flush, hub, ready }
