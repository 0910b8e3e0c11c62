'use strict'

/**
 * What logs: `console`, or anything with these members. `info` hears of connections, `warn` of what was lost or
 * refused.
 *
 * @typedef {{ info?: (...words: any[]) => void, warn?: (...words: any[]) => void }} Logger
 */

module.exports = {}
