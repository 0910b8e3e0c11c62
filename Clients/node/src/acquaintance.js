'use strict'

/** @typedef {import('./protocol/types').HelloReply} HelloReply */

/**
 * What the daemon last told of how it knows this worker. It decides whether unanswered requests may be sent again.
 *
 * A daemon that knows the worker counts each number once. A daemon that does not know it has either forgotten it or
 * never carried anything out for it. The second is certain if it did not know the worker at the previous hello either,
 * has answered nothing with success since, and has forgotten no worker in between.
 */
class Acquaintance {
  /** @param {HelloReply} hello */
  constructor (hello) {
    this.epoch = hello.epoch
    this.forgottenWorkers = hello.forgottenWorkers
    /** Whether the daemon knew this worker, or has carried something out for it since. */
    this.isKnown = hello.worker === 'resumed'
    /** How long a worker may be away before its permits are taken back, in milliseconds. 0: not told. */
    this.graceMilliseconds = Number(hello.graceMilliseconds)
  }

  /**
   * Whether unanswered requests may be sent again to a daemon that answers hello like this.
   *
   * @param {HelloReply} hello
   */
  allowsResending (hello) {
    if (hello.epoch !== this.epoch) return false
    return hello.worker === 'resumed' || (!this.isKnown && hello.forgottenWorkers === this.forgottenWorkers)
  }
}

module.exports = { Acquaintance }
