'use strict'

const { refusal } = require('./connection')
const { ProtocolError } = require('./errors')
const { statusName } = require('./frames')
const { beginAnew } = require('./losses')
const { becomeSubstitute } = require('./requests')
const { pushed, takePush, takeTicket } = require('./waiting')
const { kinds } = require('./protocol/constants')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./requests').Request} Request */
/** @typedef {import('./frames').Frame} Frame */

// What the daemon sends: replies to requests, and pushes that end waits.

/** @param {Exchange} exchange @param {Frame} frame */
function receive (exchange, frame) {
  exchange.silentSince = 0
  if (frame.kind === kinds.push) return receivePush(exchange, frame)
  if (frame.kind !== kinds.reply) throw new ProtocolError(`a frame of the kind ${frame.kind} came`)
  const request = exchange.sent.get(frame.correlation)
  if (!request) throw new ProtocolError('a reply came that answers no request')
  if (request.command.number !== frame.command) {
    throw new ProtocolError(`${request.command.name} got the reply of ${frame.command}`)
  }
  exchange.sent.delete(frame.correlation)
  if (request.sequence && frame.detail === 0 && exchange.acquaintance) exchange.acquaintance.isKnown = true
  const status = statusName(frame.detail)
  if (status === 'sequenceOutOfOrder' && request.mayHaveArrived) beginAnew(exchange, request)
  else if (status === 'notFound' && request.substitute) sendSubstitute(exchange, request)
  else if (frame.detail !== 0) exchange.end(request, refusal(frame, request.command.name))
  else answer(exchange, request, frame)
  exchange.drain()
  if (exchange.onRest && !exchange.isBusy) exchange.onRest()
}

/** @param {Exchange} exchange @param {Frame} frame */
function receivePush (exchange, frame) {
  const entry = pushed(frame)
  if (entry) takePush(exchange, entry)
  exchange.drain()
}

/**
 * A reply that cannot be read is an error of this request alone, because its frame is whole.
 *
 * @param {Exchange} exchange @param {Request} request @param {Frame} frame
 */
function answer (exchange, request, frame) {
  let reply
  try {
    reply = request.command.readReply(frame.payload)
  } catch (error) {
    return exchange.end(request, error)
  }
  if (!request.wait || !takeTicket(exchange, request, reply.ticket)) exchange.take(request, reply)
}

/**
 * Reports the call of a permit that the daemon does not know, even if nobody waits any more.
 *
 * @param {Exchange} exchange @param {Request} request
 */
function sendSubstitute (exchange, request) {
  exchange.closeNumber(request)
  becomeSubstitute(request)
  request.mayHaveArrived = false
  if (request.interest === 'nobody') request.interest = 'client'
  exchange.enqueue(request)
}

module.exports = { receive }
