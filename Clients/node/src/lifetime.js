'use strict'

const { setTimeout, clearTimeout } = require('node:timers')
const { performance } = require('node:perf_hooks')
const { schedule } = require('./connecting')
const { ClosedError } = require('./errors')
const { kept, newWorker } = require('./requests')
const { commands } = require('./protocol/commands')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./requests').Request} Request */
/** @typedef {import('./connection').Ending} Ending */

// The beginning and the end of an exchange.

/**
 * Makes the first connection. It waits for a daemon that starts as calls wait for one that restarts.
 *
 * @param {Exchange} exchange
 * @returns {Promise<void>}
 */
function connectFirst (exchange) {
  exchange.outage.begin(performance.now())
  return new Promise((resolve, reject) => {
    // The process stays alive as long as there is an attempt.
    const timer = setTimeout(() => {}, 0x7fffffff)
    /** @param {Ending | null} ending */
    const watcher = ending => {
      if (ending && exchange.phase === 'disconnected' && exchange.outage.isExpectedBack) return
      exchange.watchers.delete(watcher)
      clearTimeout(timer)
      if (ending) reject(exchange.unavailable())
      else resolve()
    }
    exchange.watchers.add(watcher)
    schedule(exchange)
  })
}

/**
 * Waits until everything is answered and says goodbye, in at most so many milliseconds. Nothing is waited for without a
 * connection.
 *
 * @param {Exchange} exchange @param {number} time
 */
async function finish (exchange, time) {
  const end = performance.now() + time
  while (exchange.isBusy && (exchange.phase === 'open' || exchange.phase === 'connecting')) {
    const wait = end - performance.now()
    if (wait <= 0) return
    await rest(exchange, wait)
  }
  if (exchange.phase !== 'open') return
  // The daemon closes the connection after it. Without its reply the worker is forgotten after the grace.
  await exchange.request(commands.goodbye, {}, { timeout: Math.max(end - performance.now(), 1) }).catch(() => {})
}

/**
 * Waits until nothing is under way or the connection is lost.
 *
 * @param {Exchange} exchange @param {number} time
 */
async function rest (exchange, time) {
  /** @type {import('node:timers').Timer | undefined} */
  let timer
  await new Promise(resolve => {
    timer = setTimeout(resolve, time)
    exchange.onRest = () => resolve(undefined)
  })
  clearTimeout(timer)
  exchange.onRest = null
}

/**
 * A report without a reply.
 *
 * @typedef {object} LeftReport
 * @property {number} sequence
 * @property {number} command
 * @property {Buffer} payload
 * @property {boolean} mayHaveLeft whether the daemon may have counted it
 * @property {import('./requests').Substitute | undefined} substitute
 */

/**
 * Ends all requests and the connection. Returns the reports that somebody else delivers.
 *
 * @param {Exchange} exchange @param {(request: Request) => boolean} isLeft which of the requests they are
 */
function close (exchange, isLeft) {
  const reports = takeReports(exchange, isLeft)
  const left = {
    reports,
    worker: exchange.worker ?? newWorker(),
    lastSequence: exchange.window.next - 1,
    acquaintance: exchange.acquaintance,
  }
  exchange.phase = 'closed'
  clearTimeout(exchange.retryTimer)
  exchange.connection?.destroy()
  exchange.connection = null
  const requests = [...exchange.sent.values(), ...exchange.backlog, ...exchange.tickets.values()]
  exchange.sent.clear()
  exchange.tickets.clear()
  exchange.backlog = []
  for (const request of requests) exchange.end(request, new ClosedError())
  return left
}

/**
 * Takes reports without a reply. Each has a number afterwards.
 *
 * @param {Exchange} exchange @param {(request: Request) => boolean} isLeft @returns {LeftReport[]}
 */
function takeReports (exchange, isLeft) {
  const requests = [...exchange.sent.values(), ...exchange.backlog].filter(isLeft)
  const numbered = requests.filter(request => request.sequence > 0).sort((a, b) => a.sequence - b.sequence)
  const waiting = requests.filter(request => request.sequence === 0)
  return [...numbered, ...waiting].map(request => {
    const sequence = request.sequence || exchange.window.issue()
    const { command: { number: command }, payload, substitute } = request
    const report = { sequence, command, payload, substitute, mayHaveLeft: mayHaveLeft(exchange, request) }
    if (request.interest === 'caller') {
      request.settle('client')
      request.resolve(kept)
    }
    // It is not dropped: somebody else delivers it.
    request.interest = 'nobody'
    return report
  })
}

/**
 * Whether bytes of a request may have reached the daemon.
 *
 * @param {Exchange} exchange @param {Request} request
 */
const mayHaveLeft = (exchange, request) =>
  request.mayHaveArrived || (request.state === 'sent' && !exchange.output.waiting.has(request))

/**
 * Whether a request is a report that may not have counted, and whose caller relies on it.
 *
 * @param {Request} request
 */
function isOwed (request) {
  if (request.command.report === null) return false
  if (request.isReport || request.interest === 'client') return true
  // The caller was told that the report counts at most once. So it may still be counted.
  return request.interest === 'nobody' && (request.mayHaveArrived || request.state === 'sent')
}

/**
 * Whether a request is a report that may not have counted, when its process ends. A caller that still waits has not been
 * told that it failed, and never will be.
 *
 * @param {Request} request
 */
const isUnanswered = request => isOwed(request) || (request.command.report !== null && request.interest === 'caller')

module.exports = { close, connectFirst, finish, isOwed, isUnanswered }
