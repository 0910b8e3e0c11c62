'use strict'

/** The polynomial of CRC-32C (Castagnoli), its bits reversed. */
const polynomial = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
  return value
})

/**
 * The CRC-32C of some bytes.
 *
 * @param {Uint8Array} bytes @returns {number}
 */
function crc32c (bytes) {
  let value = 0xffffffff
  for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 0xff]
  return (value ^ 0xffffffff) >>> 0
}

module.exports = { crc32c }
