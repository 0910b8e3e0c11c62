'use strict'

/** The values of an enumeration of the protocol, as names with numbers. */
class Enumeration {
  /**
   * @param {string} name
   * @param {Record<string, number>} values
   */
  constructor (name, values) {
    this.name = name
    /** @type {Record<string, number>} */
    this.values = values
    /**
     * The names by their numbers.
     *
     * @type {Record<number, string>}
     */
    this.names = {}
    for (const [key, number] of Object.entries(values)) this.names[number] = key
  }
}

module.exports = { Enumeration }
