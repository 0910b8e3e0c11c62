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
 * @throws {Error} if the spool does not take all of them
 */
function leave (exchange) {
  for (const reference of open) if (reference.deref() === exchange) remove(reference)
  const failure = put(exchange, close(exchange, isOwed))
  if (failure) throw failure
}

/** The process ends: nobody can be told any more, and nothing can be waited for. */
function leaveAll () {
  for (const reference of open) {
    const exchange = reference.deref()
    if (!exchange) continue
    try {
      put(exchange, close(exchange, isUnanswered))
    } catch (error) {
      // A logger has thrown. The other clients of the process leave their reports all the same.
    }
  }
}

/**
 * Puts reports into the spool. Returns why some of them are lost.
 *
 * @param {Exchange} exchange @param {Left} left @returns {Error | null}
 */
function put (exchange, left) {
  const { settings } = exchange
  const { files, count, failure } = left.reports.length > 0 && settings.spool !== false
    ? leaveReports(settings, left)
    : { files: [], count: 0, failure: null }
  if (count > 0) settings.logger.warn?.(`[Fusebox] what the daemon has not answered (${count}) is in ${files.join(', ')}`)
  const lost = left.reports.length - count
  if (lost > 0) {
    exchange.droppedReports += lost
    const reason = failure ? `: ${failure.message}` : ''
    settings.logger.warn?.(`[Fusebox] the daemon has not answered; reports are lost (${lost})${reason}`)
  }
  return failure
}

module.exports = { leave, leaveAtExit }
