'use strict'

const { OutcomeUnknownError, RequestTimeoutError } = require('./errors')
const { SequenceWindow } = require('./sequence-window')
const { isWithdrawal } = require('./waiting')

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
 * | a withdrawal of a wait | yes or no | it is sent again |
 * | other | yes | `OutcomeUnknownError` |
 * | other | no | it is sent again |
 *
 * `waiting.js` has what follows for a request that waits for its turn.
 *
 * @param {Exchange} exchange
 */
function takeUnanswered (exchange) {
  const unanswered = exchange.sent.values()
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
  if (isWithdrawal(request)) return losses > mostLosses ? new OutcomeUnknownError(command.name) : null
  if (request.mayHaveArrived) {
    return interest !== 'caller' && losses > mostLosses ? new OutcomeUnknownError(command.name) : null
  }
  if (interest === 'nobody') return exchange.unavailable()
  if (command.effect !== 'read') return new OutcomeUnknownError(command.name)
  return losses > (exchange.settings.restartPatience > 0 ? mostLosses : 1) ? exchange.unavailable() : null
}

/**
 * Ends what does not wait for an absent daemon. Returns whether requests came meanwhile that get their own attempt.
 *
 * @param {Exchange} exchange
 */
function turnAway (exchange) {
  const { asksAgain } = exchange.outage
  const isTurnedAway = (/** @type {Request} */ request) =>
    !request.isReport && !request.mayHaveArrived && !waitsForReturn(exchange, request)
  const cameMeanwhile = (/** @type {Request} */ request) =>
    isTurnedAway(request) && request.attemptsBefore === exchange.attempts
  const stays = (/** @type {Request} */ request) => !isTurnedAway(request) || (asksAgain && cameMeanwhile(request))
  const ended = exchange.backlog.filter(request => !stays(request))
  exchange.backlog = exchange.backlog.filter(stays)
  for (const request of ended) exchange.end(request, exchange.unavailable())
  for (const request of exchange.backlog) {
    if (request.interest !== 'caller') continue
    if (request.isReport) exchange.keep(request)
    // The failure policy answers the caller. The request stays until the daemon has answered it.
    else if (exchange.failsOpen) exchange.fail(request, new RequestTimeoutError(request.command.name))
  }
  exchange.dropExcessReports()
  return asksAgain && exchange.backlog.some(cameMeanwhile)
}

/**
 * Whether a request waits for a daemon that is away, however long that takes.
 *
 * @param {Exchange} exchange @param {Request} request
 */
const waitsForReturn = (exchange, request) =>
  request.interest === 'client' || isWithdrawal(request) || (request.hasWaited && !exchange.failsOpen)

/**
 * Ends the requests that may have arrived at a daemon that has forgotten them.
 *
 * @param {Exchange} exchange
 */
function giveUpUnacknowledged (exchange) {
  const ended = exchange.backlog.filter(request => request.mayHaveArrived)
  exchange.backlog = exchange.backlog.filter(request => !request.mayHaveArrived)
  for (const request of ended) exchange.end(request, new OutcomeUnknownError(request.command.name))
}

/**
 * Chooses a new worker id, because another process has taken this one over.
 *
 * @param {Exchange} exchange
 */
function becomeAnother (exchange) {
  giveUpUnacknowledged(exchange)
  exchange.worker = null
  if (exchange.acquaintance) exchange.acquaintance.isKnown = false
  exchange.window = new SequenceWindow()
  // Tickets are numbers of the old worker, which has lost its places.
  exchange.backlog = exchange.backlog.filter(request => !isWithdrawal(request))
  for (const request of exchange.backlog) request.sequence = request.resumes = 0
}

/**
 * Sends a request again under a new number. The daemon keeps no reply to its number, although it was not
 * acknowledged, and has seen a higher one. So the daemon refused the request when it first came, and nothing has
 * changed.
 *
 * @param {Exchange} exchange @param {Request} request
 */
function beginAnew (exchange, request) {
  exchange.closeNumber(request)
  request.mayHaveArrived = false
  if (request.interest === 'nobody') exchange.end(request, new OutcomeUnknownError(request.command.name))
  else exchange.enqueue(request)
}

module.exports = { becomeAnother, beginAnew, giveUpUnacknowledged, takeUnanswered, turnAway }
