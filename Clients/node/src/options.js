'use strict'

const { InvalidArgumentError } = require('./errors')

/** The most reports that a client may be told to keep. */
const mostKept = 32_768

/**
 * How a client behaves. Times are in milliseconds.
 *
 * @typedef {object} Options
 * @property {string} [socket] the path of the daemon's socket; by default `$FUSEBOX_SOCKET`, else
 *   `/run/fusebox/fusebox.sock`
 * @property {string} [clientName] the client's name in the daemon's log; at most 64 bytes of it are sent
 * @property {number} [connectTimeout] how long connecting may take, 1,000 by default
 * @property {number} [requestTimeout] how long a call may take, reconnecting and resending included, 1,000 by default
 * @property {number} [operatorTimeout] how long a snapshot or an import may take, 60,000 by default
 * @property {number} [restartPatience] how long calls wait for a daemon that may be restarting, from the loss of the
 *   connection; 0 by default. Calls that fail open never wait
 * @property {number} [backoffMinimum] how long the client waits after a failed attempt to connect, 50 by default; the
 *   time doubles with each further failure
 * @property {number} [backoffMaximum] the bound of that time, 5,000 by default
 * @property {'closed' | 'open'} [failurePolicy] what calls do while no daemon answers. `closed` (the default): they
 *   reject with `UnavailableError`. `open`: decisions permit the call and say so in `isAssumed`, and reports are kept
 *   and sent when the daemon is back
 * @property {boolean} [keepsReports] whether a client that fails closed keeps its reports too while the daemon is away.
 *   Settles of `withPermit` are always kept
 * @property {number} [queueLimit] how many reports are kept at most, 4,096 by default and 32,768 at most; then the
 *   oldest is dropped and counted
 * @property {string | boolean} [spool] where reports are left that could not be delivered before the client was closed:
 *   a folder; true (the default) is the user's spool, false is none
 * @property {import('./logger').Logger} [logger] hears of connections that come and go, and of what is lost: `console`,
 *   or anything with `info` and `warn`; by default nobody
 */

/** @typedef {Required<Options> & { path: string }} Settings */

/** @type {Omit<Settings, 'path'>} */
const defaults = {
  socket: '',
  clientName: 'fusebox-client',
  connectTimeout: 1_000,
  requestTimeout: 1_000,
  operatorTimeout: 60_000,
  restartPatience: 0,
  backoffMinimum: 50,
  backoffMaximum: 5_000,
  failurePolicy: 'closed',
  keepsReports: false,
  queueLimit: 4_096,
  spool: true,
  logger: {},
}

/**
 * The options with the defaults.
 *
 * @param {Options} options @returns {Settings}
 */
function settings (options) {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError(`options: ${described(options)} is not an object such as { socket: '/path' }`)
  }
  for (const name of Object.keys(options)) {
    if (!(name in defaults)) throw new InvalidArgumentError(`there is no option '${name}'`)
  }
  const told = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  /** @type {Settings} */
  const all = Object.assign({ path: '' }, defaults, told)
  for (const [name, types] of Object.entries(kinds)) {
    const value = all[/** @type {keyof Options} */ (name)]
    if (types.includes(typeof value)) continue
    throw new InvalidArgumentError(`${name}: ${described(value)} is no ${types.join(' or ')}`)
  }
  for (const name of ['connectTimeout', 'requestTimeout', 'operatorTimeout']) checkTime(all, name, 1)
  for (const name of ['restartPatience', 'backoffMinimum', 'backoffMaximum']) checkTime(all, name, 0)
  if (!['closed', 'open'].includes(all.failurePolicy)) {
    throw new InvalidArgumentError(`failurePolicy: '${all.failurePolicy}' is neither 'closed' nor 'open'`)
  }
  if (!Number.isInteger(all.queueLimit) || all.queueLimit < 0 || all.queueLimit > mostKept) {
    throw new InvalidArgumentError(`queueLimit: ${all.queueLimit} is not a whole number from 0 to ${mostKept}`)
  }
  all.clientName = cut(all.clientName, 64)
  all.path = all.socket || process.env.FUSEBOX_SOCKET || '/run/fusebox/fusebox.sock'
  return all
}

/** What the options are that are no numbers. */
const kinds = {
  socket: ['string'], clientName: ['string'], keepsReports: ['boolean'], spool: ['string', 'boolean'],
  logger: ['object', 'function'],
}

/**
 * A value in a message.
 *
 * @param {unknown} value
 */
const described = value => typeof value === 'string' ? `'${value}'` : String(value)

/** @param {any} all @param {string} name @param {number} least */
function checkTime (all, name, least) {
  // Timers take no longer time than this.
  if (typeof all[name] !== 'number' || !(all[name] >= least) || all[name] > 0x7fffffff) {
    throw new InvalidArgumentError(`${name}: ${all[name]} is not a number of milliseconds from ${least} to 2147483647`)
  }
}

/**
 * A text of at most so many bytes, cut at the end of a character.
 *
 * @param {string} text @param {number} length
 */
function cut (text, length) {
  const characters = [...text]
  while (Buffer.byteLength(characters.join('')) > length) characters.pop()
  return characters.join('')
}

module.exports = { settings }
