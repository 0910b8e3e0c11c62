'use strict'

const { headLength, writeHead } = require('./frames')
const { Writer } = require('./wire')

/** @typedef {import('./requests').Request} Request */
/** @typedef {import('./sequence-window').SequenceWindow} SequenceWindow */

/** The bytes of the two sequence numbers. */
const sequenceLength = 16

/**
 * The bytes of a request's frame after the head.
 *
 * @param {Request} request
 */
const frameLength = ({ command, payload }) => payload.length + (command.isSequenced ? sequenceLength : 0)

/** Frames that wait to be sent. What is written in one turn of the event loop goes out as one piece. */
class Output {
  /** @param {(bytes: Buffer) => void} send */
  constructor (send) {
    this.send = send
    this.writer = new Writer(4096)
    /**
     * The requests whose frames wait.
     *
     * @type {Set<Request>}
     */
    this.waiting = new Set()
    this.isFlushing = false
  }

  /**
   * Writes a request's frame. Issues its number here, so that numbers are sent in their order.
   *
   * @param {Request} request @param {SequenceWindow} window
   */
  write (request, window) {
    const { command, payload, correlation } = request
    const length = frameLength(request)
    const start = this.writer.room(headLength + length)
    const { buffer } = this.writer
    writeHead(buffer, start, { command: command.number, correlation }, length)
    let offset = start + headLength
    if (command.isSequenced) {
      request.sequence ||= window.issue()
      writeNumber(buffer, offset, request.sequence)
      writeNumber(buffer, offset + 8, window.oldestUnacknowledged)
      offset += sequenceLength
    }
    payload.copy(buffer, offset)
    this.waiting.add(request)
    if (this.isFlushing) return
    this.isFlushing = true
    process.nextTick(() => this.flush())
  }

  flush () {
    this.isFlushing = false
    if (this.writer.offset > 0) this.send(this.writer.take())
    this.clear()
  }

  /** Nothing waits any more: it was sent, or the connection is lost. */
  clear () {
    this.writer.reset()
    this.waiting.clear()
  }
}

/**
 * A number of 64 bits that a double holds exactly.
 *
 * @param {Buffer} buffer @param {number} offset @param {number} value
 */
function writeNumber (buffer, offset, value) {
  buffer.writeUInt32LE(value >>> 0, offset)
  buffer.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4)
}

module.exports = { Output, frameLength }
