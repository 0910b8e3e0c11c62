'use strict'

const { InvalidArgumentError, ProtocolError } = require('./errors')
const { limits } = require('./protocol/constants')

/** @typedef {import('./enumeration').Enumeration} Enumeration */

const invalid = (/** @type {string} */ path, /** @type {string} */ what) => new InvalidArgumentError(`${path}: ${what}`)

/** Bytes that a name must not contain. */
const controls = /[\u0000-\u001f\u007f]/
/** A half of a surrogate pair without the other half. It has no form in UTF-8. */
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Writes values as the protocol has them. Throws `InvalidArgumentError` for a value that is out of range. */
class Writer {
  constructor (length = 256) {
    this.buffer = Buffer.allocUnsafe(length)
    this.offset = 0
  }

  /** The bytes that were written. They are a copy. */
  take () {
    return Buffer.from(this.buffer.subarray(0, this.offset))
  }

  reset () {
    this.offset = 0
  }

  /**
   * Makes room for so many bytes and returns where they begin.
   *
   * @param {number} length
   */
  room (length) {
    const start = this.offset
    this.offset += length
    if (this.offset > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.offset, 2 * this.buffer.length))
      this.buffer.copy(larger, 0, 0, start)
      this.buffer = larger
    }
    return start
  }

  /** @param {number} value @param {number} most @param {string} path */
  checked (value, most, path) {
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw invalid(path, `${value} is not a whole number from 0 to ${most}`)
    }
    return value
  }

  /** @param {bigint | number} value @param {bigint} least @param {bigint} most @param {string} path */
  checkedBig (value, least, most, path) {
    const big = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined
    if (big === undefined || big < least || big > most) {
      throw invalid(path, `${value} is not a whole number from ${least} to ${most}`)
    }
    return big
  }

  /** @param {number} value @param {string} path */
  u8 (value, path) {
    const start = this.room(1)
    this.buffer[start] = this.checked(value, 0xff, path)
  }

  /** @param {number} value @param {string} path */
  u16 (value, path) {
    const start = this.room(2)
    this.buffer.writeUInt16LE(this.checked(value, 0xffff, path), start)
  }

  /** @param {number} value @param {string} path */
  u32 (value, path) {
    const start = this.room(4)
    this.buffer.writeUInt32LE(this.checked(value, 0xffffffff, path), start)
  }

  /** @param {bigint | number} value @param {string} path */
  u64 (value, path) {
    const start = this.room(8)
    this.buffer.writeBigUInt64LE(this.checkedBig(value, 0n, 0xffffffffffffffffn, path), start)
  }

  /** @param {bigint | number} value @param {string} path */
  i64 (value, path) {
    const start = this.room(8)
    this.buffer.writeBigInt64LE(this.checkedBig(value, -0x8000000000000000n, 0x7fffffffffffffffn, path), start)
  }

  /** @param {bigint | number} value @param {string} path */
  money (value, path) {
    if (typeof value !== 'bigint') throw invalid(path, 'money is a bigint of nano-dollars')
    this.i64(value, path)
  }

  /** @param {number} value @param {string} path */
  timestamp (value, path) {
    if (!Number.isSafeInteger(value)) throw invalid(path, `${value} is not a whole number of milliseconds`)
    this.i64(value, path)
  }

  /** @param {number} value @param {string} path */
  f64 (value, path) {
    if (!Number.isFinite(value)) throw invalid(path, `${value} is not a finite number`)
    const start = this.room(8)
    this.buffer.writeDoubleLE(value, start)
  }

  /**
   * A value that is left out is false.
   *
   * @param {boolean | null | undefined} value @param {string} path
   */
  bool (value, path) {
    if (value != null && typeof value !== 'boolean') throw invalid(path, `${value} is not a boolean`)
    this.u8(value ? 1 : 0, path)
  }

  /** @param {string} value @param {string} path */
  name (value, path) {
    const length = this.textLength(value, path)
    if (length < 1 || length > limits.nameLength) {
      throw invalid(path, `a name has 1 to ${limits.nameLength} bytes, not ${length}`)
    }
    if (controls.test(value)) throw invalid(path, 'a name contains no control characters')
    this.u8(length, path)
    const start = this.room(length)
    this.buffer.write(value, start, 'utf8')
  }

  /** @param {string} value @param {string} path */
  text (value, path) {
    const length = this.textLength(value, path)
    if (length > limits.textLength) throw invalid(path, `a text has at most ${limits.textLength} bytes, not ${length}`)
    this.u16(length, path)
    const start = this.room(length)
    this.buffer.write(value, start, 'utf8')
  }

  /** @param {string} value @param {string} path */
  textLength (value, path) {
    if (typeof value !== 'string') throw invalid(path, `${value} is not a string`)
    if (loneSurrogate.test(value)) throw invalid(path, 'the string contains half a surrogate pair')
    return Buffer.byteLength(value, 'utf8')
  }

  /** @param {Uint8Array} value @param {string} path */
  bytes (value, path) {
    if (!(value instanceof Uint8Array)) throw invalid(path, 'it is not a Uint8Array')
    if (value.length > limits.chunkLength) {
      throw invalid(path, `it has ${value.length} bytes; ${limits.chunkLength} are possible`)
    }
    this.u32(value.length, path)
    const start = this.room(value.length)
    this.buffer.set(value, start)
  }

  /**
   * A presence byte. Returns whether the value follows.
   *
   * @param {unknown} value
   */
  has (value) {
    const isPresent = value !== null && value !== undefined
    this.u8(isPresent ? 1 : 0, '')
    return isPresent
  }

  /**
   * The count of a list, and its elements. A list that is left out is empty.
   *
   * @template T
   * @param {T[] | null | undefined} values
   * @param {number} most
   * @param {string} path
   * @returns {T[]}
   */
  list (values, most, path) {
    const list = values ?? []
    if (!Array.isArray(list)) throw invalid(path, 'it is not an array')
    if (list.length > Math.min(most, 0xffff)) throw invalid(path, `it has ${list.length} entries; ${most} are possible`)
    this.u16(list.length, path)
    return list
  }

  /** @param {Enumeration} enumeration @param {string | number} value @param {string} path */
  enumeration (enumeration, value, path) {
    const number = typeof value === 'number' ? value : enumeration.values[value]
    if (number === undefined) {
      throw invalid(path, `${value} is not one of ${Object.keys(enumeration.values).join(', ')}`)
    }
    this.u8(number, path)
  }

  /** Begins an open record. Returns where its length is. */
  open () { return this.room(2) }

  /** @param {number} start */
  close (start) { this.buffer.writeUInt16LE(this.offset - start - 2, start) }
}

/** Reads values as the protocol has them. Throws `ProtocolError` for bytes that cannot be read. */
class Reader {
  /** @param {Buffer} buffer @param {number} [start] @param {number} [end] */
  constructor (buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.offset = start
    this.end = end
  }

  /** Whether bytes follow, in the record that is being read. */
  more () { return this.offset < this.end }

  /**
   * Takes so many bytes and returns where they begin.
   *
   * @param {number} length
   */
  take (length) {
    const start = this.offset
    if (length > this.end - start) throw new ProtocolError('the payload ends inside a field')
    this.offset += length
    return start
  }

  u8 () { return this.buffer[this.take(1)] }
  u16 () { return this.buffer.readUInt16LE(this.take(2)) }
  u32 () { return this.buffer.readUInt32LE(this.take(4)) }
  u64 () { return this.buffer.readBigUInt64LE(this.take(8)) }
  i64 () { return this.buffer.readBigInt64LE(this.take(8)) }
  money () { return this.i64() }
  timestamp () { return Number(this.i64()) }
  f64 () { return this.buffer.readDoubleLE(this.take(8)) }

  bool () {
    const byte = this.u8()
    if (byte > 1) throw new ProtocolError(`${byte} is not a bool`)
    return byte === 1
  }

  has () { return this.bool() }
  name () { return this.string(this.u8()) }
  text () { return this.string(this.u16()) }

  /** @param {number} length */
  string (length) {
    const start = this.take(length)
    return this.buffer.toString('utf8', start, start + length)
  }


  bytes () {
    const length = this.u32()
    const start = this.take(length)
    return new Uint8Array(this.buffer.subarray(start, start + length))
  }

  /**
   * @template T
   * @param {() => T} element
   * @returns {T[]}
   */
  list (element) {
    const count = this.u16()
    const list = []
    for (let index = 0; index < count; index += 1) list.push(element())
    return list
  }

  /**
   * The name of a value; of one that is not known, its number.
   *
   * @param {Enumeration} enumeration
   */
  enumeration (enumeration) {
    const number = this.u8()
    return enumeration.names[number] ?? number
  }

  /** Begins an open record. Returns the end of what surrounds it. */
  open () {
    const length = this.u16()
    const outer = this.end
    const start = this.take(length)
    this.offset = start
    this.end = start + length
    return outer
  }

  /**
   * Passes over what a newer daemon has added to the record.
   *
   * @param {number} outer
   */
  close (outer) {
    this.offset = this.end
    this.end = outer
  }
}

module.exports = { Writer, Reader }
