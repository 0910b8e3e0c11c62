'use strict'

const { ProtocolError } = require('./errors')
const { Reader } = require('./wire')
const { kinds, limits, statuses } = require('./protocol/constants')

/** The bytes of a frame before its payload: the length and the header. */
const headLength = 12
/** The part of them that the length counts. */
const headerLength = 8

/**
 * A frame that was received.
 *
 * @typedef {object} Frame
 * @property {number} command
 * @property {number} kind
 * @property {number} detail
 * @property {number} correlation
 * @property {Reader} payload
 */

/**
 * Writes the head of a frame.
 *
 * @param {Buffer} buffer
 * @param {number} start where the frame begins
 * @param {{ command: number, kind?: number, detail?: number, correlation: number }} header
 * @param {number} payloadLength
 */
function writeHead (buffer, start, { command, kind = kinds.request, detail = 0, correlation }, payloadLength) {
  buffer.writeUInt32LE(headerLength + payloadLength, start)
  buffer.writeUInt16LE(command, start + 4)
  buffer[start + 6] = kind
  buffer[start + 7] = detail
  buffer.writeUInt32LE(correlation, start + 8)
}

/** Takes a stream of bytes apart into frames. */
class FrameReader {
  constructor () {
    /** Bytes of a frame that is not complete yet. */
    this.rest = Buffer.alloc(0)
  }

  /**
   * The frames that are complete now.
   *
   * @param {Buffer} chunk
   * @returns {Generator<Frame, void, void>}
   */
  * push (chunk) {
    let buffer = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    let start = 0
    try {
      while (buffer.length - start >= 4) {
        const length = buffer.readUInt32LE(start)
        if (length < headerLength || length > limits.frameLength) {
          throw new ProtocolError(`a frame has a length of ${length}`)
        }
        const end = start + 4 + length
        if (end > buffer.length) break
        const frame = {
          command: buffer.readUInt16LE(start + 4),
          kind: buffer[start + 6],
          detail: buffer[start + 7],
          correlation: buffer.readUInt32LE(start + 8),
          payload: new Reader(buffer, start + headLength, end),
        }
        start = end
        yield frame
      }
    } finally {
      this.rest = start < buffer.length ? buffer.subarray(start) : Buffer.alloc(0)
    }
  }
}

/**
 * The name of a status.
 *
 * @param {number} status
 */
const statusName = status => statuses[status]?.name ?? `unknown(${status})`

/**
 * Whether a refusal with this status ends the connection.
 *
 * @param {number} status
 */
const closesConnection = status => statuses[status]?.closesConnection ?? false

module.exports = { FrameReader, writeHead, headLength, headerLength, statusName, closesConnection }
