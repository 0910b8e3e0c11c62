'use strict'

const { InvalidArgumentError } = require('./errors')

/** The nano-dollars of a dollar. */
const nanodollarsPerDollar = 1_000_000_000n

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/**
 * An amount of money as the protocol has it, in nano-dollars. Parts of a nano-dollar are rounded up.
 *
 * @param {bigint | number | string} amount a bigint of nano-dollars, or dollars: a number (its shortest decimal counts)
 *   or a string such as `'0.0012'`
 * @returns {bigint}
 */
function nanodollars (amount) {
  if (typeof amount === 'bigint') return amount
  const parts = decimal.exec(String(amount))
  if (!parts || !(parts[2] || parts[3])) throw new InvalidArgumentError(`cost: '${amount}' is not an amount of dollars`)
  const [, sign, whole, fraction = '', exponent = '0'] = parts
  const digits = BigInt(whole + fraction)
  // The number of decimal places by which the digits are to be shifted to make nano-dollars of them.
  const shift = 9 - fraction.length + Number(exponent)
  if (shift > 40) throw new InvalidArgumentError(`cost: '${amount}' is out of range`)
  if (shift >= 0) return (sign === '-' ? -digits : digits) * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return sign === '-' ? -(digits / divisor) : (digits + divisor - 1n) / divisor
}

/**
 * Nano-dollars as dollars in decimal: `1_200_000n` is `'0.0012'`.
 *
 * @param {bigint} amount
 * @returns {string}
 */
function dollars (amount) {
  const magnitude = amount < 0n ? -amount : amount
  const fraction = String(magnitude % nanodollarsPerDollar).padStart(9, '0').replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${magnitude / nanodollarsPerDollar}${fraction && '.' + fraction}`
}

module.exports = { nanodollars, dollars }
