'use strict'

/** @typedef {import('./requests').Request} Request */

const fewest = 64
const highest = 0xffff_ffff

/**
 * The requests that were sent and have no reply yet, by their correlation ids.
 *
 * This is a ring and not a `Map`. A map whose entries come and go makes a new table every so often, and V8 links the old
 * tables to their successors. So every request that had a place in one would stay until the next full collection.
 */
class SentRequests {
  /** @param {number} [last] the id before the first */
  constructor (last = 0) {
    this.last = last
    this.size = 0
    /**
     * A power of two of places; the lowest bits of an id tell its place.
     *
     * @type {Array<Request | null>}
     */
    this.places = new Array(fewest).fill(null)
  }

  /**
   * Gives a request its id, which is never 0.
   *
   * @param {Request} request
   */
  add (request) {
    if (this.size >= this.places.length / 2) this.grow()
    do this.last = this.last === highest ? 1 : this.last + 1
    while (this.places[this.place(this.last)])
    request.correlation = this.last
    this.places[this.place(this.last)] = request
    this.size += 1
    return this.last
  }

  /** @param {number} correlation */
  get (correlation) {
    const request = this.places[this.place(correlation)]
    return request?.correlation === correlation ? request : undefined
  }

  /** @param {number} correlation the id of one of them */
  delete (correlation) {
    this.places[this.place(correlation)] = null
    this.size -= 1
  }

  /** All requests, in the order in which they were sent. */
  values () {
    const age = (/** @type {Request} */ { correlation }) => (correlation - this.last - 1) >>> 0
    return this.places.flatMap(request => request ?? []).sort((a, b) => age(a) - age(b))
  }

  clear () {
    this.places.fill(null)
    this.size = 0
  }

  /** @param {number} correlation */
  place (correlation) { return correlation & (this.places.length - 1) }

  grow () {
    const requests = this.values()
    this.places = new Array(2 * this.places.length).fill(null)
    for (const request of requests) this.places[this.place(request.correlation)] = request
  }
}

module.exports = { SentRequests }
