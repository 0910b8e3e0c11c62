'use strict'

const { setImmediate, setTimeout } = require('node:timers')

/**
 * A timer for what waits for bytes from a socket. After the event loop was blocked, timers come before the bytes that
 * have arrived meanwhile. So the bytes are read first, and then it is seen whether the deadline still matters.
 *
 * @param {() => void} expire
 * @param {number} milliseconds
 * @param {() => boolean} isWaiting
 */
function afterReading (expire, milliseconds, isWaiting) {
  return setTimeout(() => setImmediate(() => { if (isWaiting()) expire() }), milliseconds)
}

module.exports = { afterReading }
