'use strict'

const { performance } = require('node:perf_hooks')
const { setTimeout, clearTimeout } = require('node:timers')
const { Acquaintance } = require('./acquaintance')
const { Connection } = require('./connection')
const { becomeAnother, giveUpUnacknowledged, takeUnanswered, turnAway } = require('./losses')
const { receive } = require('./replies')
const { newWorker } = require('./requests')
const { continueWaits, takeWaiting } = require('./waiting')

/** @typedef {import('./exchange').Exchange} Exchange */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */
/** @typedef {import('./connection').Ending} Ending */

// The connections of an exchange: when one is made, what a new one begins with, what a lost one leaves.

/**
 * Connects if there is no connection and something asks for one. Attempts wait for the end of the backoff.
 *
 * @param {Exchange} exchange
 */
function schedule (exchange) {
  if (exchange.phase !== 'disconnected' || exchange.retryTimer) return
  if (exchange.backlog.length === 0 && !exchange.holdsPermits() && exchange.watchers.size === 0) return
  const wait = exchange.outage.retryAt - performance.now()
  if (wait <= 0) return connect(exchange)
  exchange.retryTimer = setTimeout(() => {
    exchange.retryTimer = undefined
    schedule(exchange)
  }, Math.ceil(wait))
  exchange.retryTimer.unref()
}

/**
 * Connects without waiting for the end of the backoff.
 *
 * @param {Exchange} exchange
 */
function hurry (exchange) {
  exchange.outage.hurry()
  clearTimeout(exchange.retryTimer)
  exchange.retryTimer = undefined
  schedule(exchange)
}

/** @param {Exchange} exchange */
function connect (exchange) {
  exchange.phase = 'connecting'
  exchange.attempts += 1
  exchange.worker ??= newWorker()
  const introduction = {
    workerHigh: exchange.worker.high, workerLow: exchange.worker.low, lastSequence: exchange.window.next - 1,
    client: exchange.settings.clientName,
  }
  exchange.connection = new Connection(exchange.settings.path, introduction, exchange.settings.connectTimeout, {
    onHello: hello => connected(exchange, hello),
    onFrame: frame => receive(exchange, frame),
    onEnd: ending => exchange.phase === 'open' ? lost(exchange, ending) : connectFailed(exchange, ending),
  })
}

/** @param {Exchange} exchange @param {HelloReply} hello */
function connected (exchange, hello) {
  exchange.phase = 'open'
  exchange.hello = hello
  exchange.silentSince = 0
  exchange.hasToldExcess = false
  exchange.outage.end()
  exchange.settings.logger.info?.(`[Fusebox] connected to ${exchange.settings.path} (${hello.server})`)
  if (exchange.acquaintance && !exchange.acquaintance.allowsResending(hello)) giveUpUnacknowledged(exchange)
  exchange.acquaintance = new Acquaintance(hello)
  continueWaits(exchange)
  exchange.drain()
  exchange.onConnected?.()
  tellWatchers(exchange, null)
}

/** @param {Exchange} exchange @param {Ending | null} ending */
function tellWatchers (exchange, ending) {
  for (const watcher of [...exchange.watchers]) watcher(ending)
}

/** @param {Exchange} exchange @param {Ending} ending */
function connectFailed (exchange, ending) {
  const now = performance.now()
  exchange.phase = 'disconnected'
  exchange.connection = null
  exchange.absence = ending.reason
  exchange.absenceCause = ending.cause
  const grace = exchange.acquaintance?.graceMilliseconds
  const mustReturn = exchange.holdsPermits() || exchange.backlog.some(request => request.hasWaited)
  exchange.outage.attemptFailed(now, {
    isVacant: ending.isVacant,
    hasCallers: exchange.backlog.some(request => request.interest === 'caller'),
    longest: mustReturn && grace ? Math.max(grace / 3, 1) : Infinity,
  })
  tellWatchers(exchange, ending)
  if (!exchange.outage.isExpectedBack && turnAway(exchange)) return hurry(exchange)
  schedule(exchange)
}

/**
 * The open connection is lost.
 *
 * @param {Exchange} exchange @param {Ending} ending
 */
function lost (exchange, ending) {
  const now = performance.now()
  exchange.phase = 'disconnected'
  exchange.connection = null
  exchange.absence = ending.reason
  exchange.absenceCause = ending.cause
  exchange.output.clear()
  exchange.settings.logger.info?.(`[Fusebox] the connection to ${exchange.settings.path} is lost: ${ending.reason}`)
  const again = takeUnanswered(exchange)
  exchange.outage.begin(now, again.some(request => request.losses > 1))
  exchange.backlog = [...again, ...takeWaiting(exchange), ...exchange.backlog]
  if (ending.farewell?.status === 'fenced') becomeAnother(exchange)
  exchange.dropExcessReports()
  schedule(exchange)
  exchange.onRest?.()
}

module.exports = { hurry, schedule }
