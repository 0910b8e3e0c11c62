'use strict'

const { close, isOwed, isUnanswered } = require('./lifetime')
const { leaveReports } = require('./spool')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./spool').Left} Left */

// What the daemon has not answered when a client ends, by `close` or with its process, is left in the spool.

/**
 * The exchanges that are open. One with something under way is held by its socket or by a timer; an idle one has nothing
 * to leave, and may be collected.
 *
 * @type {Set<WeakRef<Exchange>>}
 */
const open = new Set()
/** @type {FinalizationRegistry<WeakRef<Exchange>>} */
const collected = new FinalizationRegistry(remove)

/**
 * Has an exchange leave what is unanswered if the process ends before `leave`. The process has one listener for all of
 * them, while there are any.
 *
 * @param {Exchange} exchange
 */
function leaveAtExit (exchange) {
  const reference = new WeakRef(exchange)
  collected.register(exchange, reference)
  if (open.size === 0) process.on('exit', leaveAll)
  open.add(reference)
}

/** @param {WeakRef<Exchange>} reference */
function remove (reference) {
  if (open.delete(reference) && open.size === 0) process.off('exit', leaveAll)
}

/**
 * Ends an exchange and leaves its reports.
 *
 * @param {Exchange} exchange
 * @throws {Error} if the spool does not take them
 */
function leave (exchange) {
  for (const reference of open) if (reference.deref() === exchange) remove(reference)
  put(exchange, close(exchange, isOwed))
}

/** The process ends: nobody can be told any more, and nothing can be waited for. */
function leaveAll () {
  for (const reference of open) {
    const exchange = reference.deref()
    if (!exchange) continue
    const left = close(exchange, isUnanswered)
    try {
      put(exchange, left)
    } catch (error) {
      drop(exchange, left, ` ${/** @type {Error} */ (error).message}`)
    }
  }
}

/** @param {Exchange} exchange @param {Left} left */
function put (exchange, left) {
  const count = left.reports.length
  if (count === 0) return
  if (exchange.settings.spool === false) return drop(exchange, left, '')
  const files = leaveReports(exchange.settings, left)
  exchange.settings.logger.warn?.(`[Fusebox] what the daemon has not answered (${count}) is in ${files.join(', ')}`)
}

/** @param {Exchange} exchange @param {Left} left @param {string} reason */
function drop (exchange, { reports }, reason) {
  exchange.droppedReports += reports.length
  exchange.settings.logger.warn?.(`[Fusebox] the daemon has not answered; reports are lost (${reports.length})${reason}`)
}

module.exports = { leave, leaveAtExit }
