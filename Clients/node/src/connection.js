'use strict'

const fs = require('node:fs')
const net = require('node:net')
const { clearTimeout } = require('node:timers')
const { ProtocolError, RefusedError, permissionDenied } = require('./errors')
const { FrameReader, closesConnection, headLength, statusName, writeHead } = require('./frames')
const { afterReading } = require('./timers')
const { Writer } = require('./wire')
const { commands } = require('./protocol/commands')
const { highestVersion, kinds, lowestVersion, magic } = require('./protocol/constants')

/** @typedef {import('./frames').Frame} Frame */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */

/**
 * What a client tells in hello.
 *
 * @typedef {object} Introduction
 * @property {bigint} workerHigh
 * @property {bigint} workerLow
 * @property {number} lastSequence
 * @property {string} client
 */

/**
 * Why there is no connection any more, or none was made.
 *
 * @typedef {object} Ending
 * @property {string} reason
 * @property {boolean} isVacant whether the kernel said that nobody listens
 * @property {RefusedError | null} farewell what the daemon gave as its reason
 * @property {unknown} [cause]
 */

/**
 * @typedef {object} Handlers
 * @property {(hello: HelloReply) => void} onHello
 * @property {(frame: Frame) => void} onFrame
 * @property {(ending: Ending) => void} onEnd called once
 */

/**
 * One connection: it opens the socket, says hello, and takes the bytes apart into frames.
 *
 * It never keeps the process alive. What waits for a reply does that.
 */
class Connection {
  /**
   * @param {string} path
   * @param {Introduction} introduction
   * @param {number} timeout how long connecting and hello may take together, in milliseconds
   * @param {Handlers} handlers
   */
  constructor (path, introduction, timeout, handlers) {
    this.handlers = handlers
    this.path = path
    this.hasHello = false
    this.hasEnded = false
    /** @type {RefusedError | null} */
    this.farewell = null
    /** @type {unknown} */
    this.cause = undefined
    this.reader = new FrameReader()
    this.timer = afterReading(() => this.end('it did not answer hello in time'), timeout, () => !this.hasHello)
    this.timer.unref()
    this.socket = net.createConnection({ path })
    this.socket.unref()
    this.socket.on('connect', () => this.socket.write(helloFrame(introduction)))
    this.socket.on('data', chunk => this.receive(chunk))
    this.socket.on('error', error => { this.cause = error })
    this.socket.on('close', () => this.end(this.closeReason()))
  }

  /** @param {Buffer} bytes */
  write (bytes) { this.socket.write(bytes) }

  /**
   * Whether the connection keeps the process alive.
   *
   * @param {boolean} isHeld
   */
  hold (isHeld) {
    if (isHeld) this.socket.ref()
    else this.socket.unref()
  }

  /** Ends the connection without a word to the handlers. */
  destroy () {
    this.hasEnded = true
    clearTimeout(this.timer)
    this.socket.destroy()
  }

  /** @param {string} reason */
  end (reason) {
    if (this.hasEnded) return
    this.destroy()
    const code = /** @type {any} */ (this.cause)?.code
    const isVacant = !this.hasHello && (code === 'ECONNREFUSED' || code === 'ENOENT')
    this.handlers.onEnd({ reason, isVacant, farewell: this.farewell, cause: this.farewell ?? this.cause })
  }

  closeReason () {
    if (this.farewell) return `it closed the connection: ${this.farewell.reason}`
    const error = /** @type {any} */ (this.cause)
    if (error?.code === 'ENOENT') return 'there is no socket'
    if (error?.code === 'ECONNREFUSED') {
      return isSocket(this.path) ? 'nobody listens on the socket' : 'this is not a socket'
    }
    if (error?.code === 'EACCES') return permissionDenied
    return error ? String(error.message) : 'the connection was closed'
  }

  /** @param {Buffer} chunk */
  receive (chunk) {
    try {
      for (const frame of this.reader.push(chunk)) {
        if (this.hasEnded) return
        if (this.hasHello) this.take(frame)
        else this.takeHello(frame)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.cause = error
      this.end(error.message)
    }
  }

  /** @param {Frame} frame */
  take (frame) {
    if (frame.kind === kinds.reply && closesConnection(frame.detail)) {
      this.farewell = refusal(frame, 'the connection')
    } else {
      this.handlers.onFrame(frame)
    }
  }

  /** @param {Frame} frame */
  takeHello (frame) {
    if (frame.kind !== kinds.reply) throw new ProtocolError('its first frame is not a reply')
    if (frame.detail !== 0) {
      this.farewell = refusal(frame, 'hello')
      return
    }
    if (frame.command !== commands.hello.number) throw new ProtocolError('its first frame does not answer hello')
    const hello = commands.hello.readReply(frame.payload)
    if (hello.version < lowestVersion || hello.version > highestVersion) {
      throw new ProtocolError(`it chose version ${hello.version}`)
    }
    this.hasHello = true
    clearTimeout(this.timer)
    this.handlers.onHello(hello)
  }
}

/** @param {string} path */
function isSocket (path) {
  try {
    return fs.statSync(path, { throwIfNoEntry: false })?.isSocket() ?? true
  } catch (error) {
    return true
  }
}

/**
 * A refusal as an error.
 *
 * @param {Frame} frame @param {string} command
 */
function refusal (frame, command) {
  return new RefusedError(statusName(frame.detail), frame.payload.text(), command)
}

/** @param {Introduction} introduction */
function helloFrame (introduction) {
  const writer = new Writer()
  writer.room(headLength)
  commands.hello.write(writer, { magic, lowestVersion, highestVersion, ...introduction })
  writeHead(writer.buffer, 0, { command: commands.hello.number, correlation: 0 }, writer.offset - headLength)
  return writer.take()
}

module.exports = { Connection, refusal }
