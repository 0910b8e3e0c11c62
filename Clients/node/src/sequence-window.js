'use strict'

/**
 * The sequence numbers of a worker: the next one, and those without a reply. Like the worker id, it outlives
 * connections.
 */
class SequenceWindow {
  constructor () {
    /** The lowest number without a reply. If every number has its reply, the next number. */
    this.oldestUnacknowledged = 1
    this.next = 1
    /**
     * Numbers above the oldest that have their reply.
     *
     * @type {Set<number>}
     */
    this.closed = new Set()
  }

  /** Whether every number has its reply. */
  get isQuiet () { return this.oldestUnacknowledged === this.next }

  /**
   * Whether a number may be sent, for the first time or again, if the daemon keeps at most `kept` replies. 0: any may.
   *
   * @param {number} sequence @param {number} kept
   */
  hasRoom (sequence, kept) { return kept === 0 || sequence < this.oldestUnacknowledged + kept }

  /** Issues the next number. */
  issue () { return this.next++ }

  /**
   * Closes a number: its reply has come, or its request is given up.
   *
   * @param {number} sequence
   */
  close (sequence) {
    if (sequence < this.oldestUnacknowledged || sequence >= this.next) return
    if (sequence > this.oldestUnacknowledged) return void this.closed.add(sequence)
    do this.oldestUnacknowledged += 1
    while (this.closed.delete(this.oldestUnacknowledged))
  }
}

module.exports = { SequenceWindow }
