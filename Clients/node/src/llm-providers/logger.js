'use strict'

/**
 * The library's logger, as far as it is used.
 *
 * @typedef {{ info?: (...words: any[]) => void, warn?: (...words: any[]) => void }} Logger
 */

module.exports = {}
