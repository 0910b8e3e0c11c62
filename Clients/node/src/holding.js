'use strict'

const { setInterval, clearInterval } = require('node:timers')
const { performance } = require('node:perf_hooks')
const { FuseboxError, RefusedError } = require('./errors')
const { commands } = require('./protocol/commands')

/** @typedef {import('./exchange').Exchange} Exchange */

/**
 * The permits that a client holds. While there are any, the client comes back from a lost connection by itself and in
 * time. Those of `withPermit` are renewed each third of their time to live.
 */
class Holding {
  /** @param {Exchange} exchange */
  constructor (exchange) {
    this.exchange = exchange
    /** @type {Map<bigint, { end: number, timer?: import('node:timers').Timer }>} */
    this.permits = new Map()
    exchange.holdsPermits = () => this.holdsAny()
  }

  holdsAny () {
    const now = performance.now()
    for (const [number, { end, timer }] of this.permits) {
      if (timer || now < end) return true
      this.permits.delete(number)
    }
    return false
  }

  /**
   * Holds a permit until `release`, at most for its time to live.
   *
   * @param {bigint} number @param {number} ttl milliseconds
   */
  hold (number, ttl) {
    this.permits.set(number, { end: performance.now() + ttl })
  }

  /**
   * Renews a permit until `release`, at most for `maxAge`. A renewal that fails is tried again a third later.
   *
   * @param {bigint} number @param {number} ttl milliseconds @param {number} maxAge milliseconds
   */
  renew (number, ttl, maxAge) {
    const end = performance.now() + maxAge
    const timer = setInterval(() => {
      if (performance.now() >= end) return this.release(number)
      this.renewOnce(number, ttl)
    }, Math.min(Math.max(ttl / 3, 1), 0x7fffffff))
    timer.unref()
    this.permits.set(number, { end, timer })
  }

  /** @param {bigint} number @param {number} ttl */
  async renewOnce (number, ttl) {
    try {
      const reply = await this.exchange.request(commands['admission.renew'], { permit: number, ttlMilliseconds: ttl })
      if (reply.standing !== 'inForce') this.release(number)
    } catch (error) {
      // A daemon that is away may be back in time. One that does not know the permit will never renew it.
      if (error instanceof RefusedError) return this.release(number)
      if (!(error instanceof FuseboxError)) throw error
    }
  }

  /** @param {bigint} number */
  release (number) {
    clearInterval(this.permits.get(number)?.timer)
    this.permits.delete(number)
  }

  close () {
    for (const number of [...this.permits.keys()]) this.release(number)
  }
}

module.exports = { Holding }
