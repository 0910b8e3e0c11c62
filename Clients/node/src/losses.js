'use strict'

const { OutcomeUnknownError } = require('./errors')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./requests').Request} Request */

/**
 * Lost connections after which a request that nobody waits for is not sent again. It may be what crashes the daemon.
 */
const mostLosses = 8

/**
 * Takes the requests of a lost connection that go to the next one, in their order, and ends the others.
 *
 * What follows for a request when its connection is lost:
 *
 * | request | frame sent | what follows |
 * |---|---|---|
 * | read | yes or no | it is sent again |
 * | sequenced | yes | it is sent again with its number, before anything else, in the order of numbers |
 * | sequenced | no | it is sent in its turn; if nobody waits for it any more, it is dropped |
 * | other | yes | `OutcomeUnknownError` |
 * | other | no | it is sent again |
 *
 * @param {Exchange} exchange
 */
function takeUnanswered (exchange) {
  const unanswered = [...exchange.sent.values()]
  exchange.sent.clear()
  /** @type {Request[]} */
  const again = []
  for (const request of unanswered) {
    request.losses += 1
    request.state = 'queued'
    request.mayHaveArrived ||= request.command.isSequenced
    const error = endingAfterLoss(exchange, request)
    if (error) exchange.end(request, error)
    else again.push(request)
  }
  // What has no number keeps its place behind those that have one.
  return again.sort((a, b) => (a.sequence || Infinity) - (b.sequence || Infinity) || 0)
}

/**
 * Why a request of a lost connection ends; null if it goes to the next.
 *
 * @param {Exchange} exchange @param {Request} request
 */
function endingAfterLoss (exchange, request) {
  const { command, interest, losses } = request
  if (request.mayHaveArrived) {
    return interest !== 'caller' && losses > mostLosses ? new OutcomeUnknownError(command.name) : null
  }
  if (interest === 'nobody') return exchange.unavailable()
  if (command.effect !== 'read') return new OutcomeUnknownError(command.name)
  return losses > (exchange.settings.restartPatience > 0 ? mostLosses : 1) ? exchange.unavailable() : null
}

module.exports = { takeUnanswered }
