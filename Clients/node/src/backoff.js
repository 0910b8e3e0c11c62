'use strict'

/**
 * How long to wait after a failed attempt to connect. The time doubles with each failure up to a bound, and is spread
 * at random, so that workers do not all come back at once.
 */
class Backoff {
  /** @param {number} minimum milliseconds @param {number} maximum milliseconds */
  constructor (minimum, maximum) {
    this.minimum = Math.max(minimum, 1)
    this.maximum = Math.max(maximum, this.minimum)
    this.failures = 0
  }

  /**
   * Notes a failure. Returns the milliseconds to wait, between half of the present bound and all of it.
   *
   * @param {number} [chance] the position in that range, 0 to 1
   */
  afterFailure (chance = Math.random()) {
    const longest = Math.min(this.minimum * 2 ** Math.min(this.failures, 40), this.maximum)
    this.failures += 1
    return longest - (longest / 2) * (1 - chance)
  }

  succeeded () { this.failures = 0 }
}

module.exports = { Backoff }
