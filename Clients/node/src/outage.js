'use strict'

const { Backoff } = require('./backoff')

/** @typedef {import('./options').Settings} Settings */

/** The longest time until the next attempt, in milliseconds, if nobody listens on the socket and callers wait. */
const longestVacantWait = 250
/** The least number of attempts to connect within `restartPatience`. */
const looksForRestart = 8

/**
 * When the next attempt to connect may begin, and which calls wait for it. Times are those of `performance.now()`.
 */
class Outage {
  /** @param {Settings} settings */
  constructor (settings) {
    this.patience = settings.restartPatience
    this.failsOpen = settings.failurePolicy === 'open'
    this.backoff = new Backoff(settings.backoffMinimum, settings.backoffMaximum)
    /** Until when calls wait for the daemon, as one that may be restarting. */
    this.returnBy = 0
    /** When the next attempt may begin. */
    this.retryAt = 0
    /** Whether the last attempt found no listener. */
    this.isVacant = false
    /** When the backoff ends that a call did not wait for. */
    this.backoffEnds = 0
  }

  /** Whether calls wait for the next attempt. Those that fail open never do. */
  get isExpectedBack () { return !this.failsOpen && this.retryAt <= this.returnBy }

  /**
   * Whether a call connects although the backoff is not over. The backoff protects a daemon that is there and cannot
   * keep up. Where nobody listens, the kernel says so at once and nobody is troubled.
   */
  get asksAgain () { return !this.failsOpen && this.isVacant }

  /** There is a connection. */
  end () {
    this.isVacant = false
    this.backoff.succeeded()
  }

  /**
   * A connection was lost, or the first one is to be made.
   *
   * @param {number} now @param {boolean} isRepeated whether it was lost under requests that were lost before. They must
   *   not cause a busy loop
   */
  begin (now, isRepeated = false) {
    this.isVacant = false
    this.retryAt = isRepeated ? now + this.backoff.minimum : now
    this.returnBy = Math.max(now + this.patience, isRepeated ? this.retryAt : 0)
  }

  /** The next attempt does not wait for the end of the backoff. */
  hurry () {
    this.backoffEnds = this.retryAt
    this.retryAt = 0
  }

  /**
   * An attempt has failed.
   *
   * @param {number} now
   * @param {object} circumstances
   * @param {boolean} circumstances.isVacant whether the kernel said that nobody listens
   * @param {boolean} circumstances.hasCallers whether callers wait
   * @param {number} circumstances.longest the longest wait of a client that holds permits
   */
  attemptFailed (now, { isVacant, hasCallers, longest }) {
    this.isVacant = isVacant
    // An attempt that did not wait for the end of the backoff does not prolong it.
    if (isVacant && now < this.backoffEnds) this.retryAt = this.backoffEnds
    else this.retryAt = now + Math.min(this.backoff.afterFailure(), longest)
    this.backoffEnds = 0
    // Callers that wait are not kept waiting where an attempt costs nobody anything.
    if (isVacant && hasCallers) this.retryAt = Math.min(this.retryAt, now + longestVacantWait)
    if (!this.failsOpen && now < this.returnBy) {
      const look = Math.max(this.backoff.minimum, this.patience / looksForRestart)
      this.retryAt = Math.min(this.retryAt, now + look, this.returnBy)
    }
  }
}

module.exports = { Outage }
