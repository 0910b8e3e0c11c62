'use strict'

const { performance } = require('node:perf_hooks')
const { Request, encode } = require('./requests')
const { commands } = require('./protocol/commands')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./requests').Request} PendingRequest */
/** @typedef {import('./frames').Frame} Frame */
/** @typedef {import('./protocol/types').TicketEntry} TicketEntry */

// Calls that wait for their turn: tickets, the pushes that end their waits, withdrawals.
//
// An admission that may wait stays under way after its reply if that is a ticket. The end of the wait is pushed:
//
// | input | what follows |
// |---|---|
// | a push with a permit, or with the end of the time | the request ends with it |
// | any other push | the request is sent again without a wait, and the daemon tells why |
// | a push for a ticket whose request is under way, for the first time or again | nothing: the reply tells what counts |
// | the connection is lost | the request is sent again, and continues the wait of its ticket |
// | the daemon is away | the request waits for its return, where the client fails closed |
// | the caller gives up | the wait is withdrawn, also after a lost connection |
// | a permit that nobody waits for | it is given back |

/**
 * Takes the reply to an admission that may wait. Returns whether it is a ticket.
 *
 * @param {Exchange} exchange @param {PendingRequest} request @param {bigint | null} told
 */
function takeTicket (exchange, request, told) {
  const ticket = told === null ? null : Number(told)
  if (ticket === null) return false
  exchange.closeNumber(request)
  request.state = 'waiting'
  request.mayHaveArrived = false
  request.hasWaited = true
  request.resumes = 0
  request.ticket = ticket
  exchange.tickets.set(ticket, request)
  if (request.interest !== 'caller') stopWaiting(exchange, request)
  return true
}

/**
 * Takes the push that ends a wait.
 *
 * @param {Exchange} exchange @param {TicketEntry} entry
 */
function takePush (exchange, entry) {
  const ticket = Number(entry.ticket)
  const request = exchange.tickets.get(ticket)
  if (!request) {
    if (!isAskedFor(exchange, ticket)) giveBack(exchange, entry.admission)
    return
  }
  exchange.tickets.delete(ticket)
  if (entry.standing === 'granted' || entry.standing === 'expired' || request.interest !== 'caller') {
    return exchange.take(request, entry.admission)
  }
  request.hasWaited = false
  writeAgain(request, 0)
  exchange.enqueue(request)
}

/**
 * Whether the reply to a request under way tells what became of a ticket. A request that is sent again may begin a new
 * wait with the same ticket. The daemon sends that reply behind the push.
 *
 * @param {Exchange} exchange @param {number} ticket
 */
function isAskedFor (exchange, ticket) {
  return [...exchange.sent.values(), ...exchange.backlog].some(request =>
    isWithdrawal(request)
      ? request.ticket === ticket
      : isAdmission(request) && (request.sequence === ticket || request.resumes === ticket))
}

/**
 * Gives back the permit in a reply that nobody waits for any more.
 *
 * @param {Exchange} exchange @param {PendingRequest} request @param {any} reply
 */
function giveBackUnwanted (exchange, request, reply) {
  if (isAdmission(request)) giveBack(exchange, reply)
  else if (isWithdrawal(request)) giveBack(exchange, reply.admission)
}

/** @param {Exchange} exchange @param {{ permit?: bigint | null }} admission */
function giveBack (exchange, { permit }) {
  if (permit == null) return
  const settle = commands['admission.settle']
  const fields = { permit, outcome: 'cancelled', usage: null, retryAfterMilliseconds: null }
  const request = new Request(settle, encode(settle, fields), { isReport: true })
  request.interest = 'client'
  exchange.enqueue(request)
}

/**
 * The caller of a waiting request has given up.
 *
 * @param {Exchange} exchange @param {PendingRequest} request
 */
function stopWaiting (exchange, request) {
  exchange.tickets.delete(request.ticket)
  request.state = 'done'
  withdraw(exchange, request.ticket)
  exchange.drain()
}

/**
 * Ends a wait that nobody is interested in. The reply tells whether its permit was granted before.
 *
 * @param {Exchange} exchange @param {number} ticket
 */
function withdraw (exchange, ticket) {
  if (exchange.phase === 'closed') return
  const command = commands['admission.withdraw']
  const request = new Request(command, encode(command, { ticket: BigInt(ticket) }), {})
  request.interest = 'nobody'
  request.ticket = ticket
  exchange.enqueue(request)
}

/**
 * Takes the waiting requests of a lost connection. They continue their waits on the next one.
 *
 * @param {Exchange} exchange
 */
function takeWaiting (exchange) {
  const again = [...exchange.tickets.values()].sort((a, b) => a.ticket - b.ticket)
  exchange.tickets.clear()
  for (const request of again) {
    request.state = 'queued'
    request.resumes = request.ticket
  }
  return again
}

/**
 * There is a connection again. What is sent for the first time waits for the rest of its time.
 *
 * @param {Exchange} exchange
 */
function continueWaits (exchange) {
  const now = performance.now()
  for (const request of exchange.backlog) {
    if (!request.wait || request.sequence > 0 || request.wait.fields.waitMilliseconds === 0) continue
    writeAgain(request, Math.max(1, Math.floor(request.wait.until - now)))
  }
}

/** @param {PendingRequest} request @param {number} waitMilliseconds */
function writeAgain (request, waitMilliseconds) {
  if (!request.wait) return
  const resumes = waitMilliseconds === 0 ? 0 : request.resumes
  request.wait.fields = { ...request.wait.fields, waitMilliseconds, resumes: BigInt(resumes) }
  request.payload = encode(request.command, request.wait.fields)
}

/**
 * The end of a wait in a frame; null for a push that only newer clients know.
 *
 * @param {Frame} frame @returns {TicketEntry | null}
 */
function pushed ({ command, payload }) {
  return command === commands['admission.tickets'].number ? commands['admission.withdraw'].readReply(payload) : null
}

/** @param {PendingRequest} request */
const isAdmission = request => request.command === commands['admission.admit']

/**
 * Whether a request ends a wait that nobody is interested in.
 *
 * @param {PendingRequest} request
 */
const isWithdrawal = request => request.command === commands['admission.withdraw'] && request.interest === 'nobody'

module.exports = {
  continueWaits, giveBackUnwanted, isWithdrawal, pushed, stopWaiting, takePush, takeTicket, takeWaiting, withdraw,
}
