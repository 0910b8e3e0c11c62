'use strict'

/** What all errors of this package are. `code` tells them apart; `message` is a sentence for a person. */
class FuseboxError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ cause?: unknown }} [options]
   */
  constructor (code, message, options) {
    super(message)
    if (options && 'cause' in options) this.cause = options.cause
    this.name = new.target.name
    /** Which error it is: `ERR_FUSEBOX_…`. */
    this.code = code
  }
}

/**
 * Why there is no connection, if the kernel does not let this user connect.
 *
 * @internal
 */
const permissionDenied = 'permission denied'

/** No daemon answers on the socket. Nothing has changed. */
class UnavailableError extends FuseboxError {
  /** @param {string} path @param {string} reason @param {unknown} [cause] */
  constructor (path, reason, cause) {
    const advice = reason === permissionDenied
      ? 'members of the socket\'s group may connect, from their next login on'
      : 'is fuseboxd running, and is $FUSEBOX_SOCKET right?'
    super('ERR_FUSEBOX_UNAVAILABLE', `no daemon answers at ${path}: ${reason}; ${advice}`, { cause })
    /** The path of the socket. */
    this.path = path
  }
}

/**
 * The reply did not come in time. A request that changes state may have been carried out: at most once, even if the
 * client sends it again.
 */
class RequestTimeoutError extends FuseboxError {
  /** @param {string} command */
  constructor (command) {
    super('ERR_FUSEBOX_TIMEOUT', `the daemon did not answer ${command} in time; allow more time with requestTimeout`)
  }
}

/**
 * The request may have been carried out, and there is no way to find out: the daemon has forgotten this worker, or its
 * state was restored from elsewhere. A lost connection alone does not cause this error.
 */
class OutcomeUnknownError extends FuseboxError {
  /** @param {string} command */
  constructor (command) {
    super('ERR_FUSEBOX_OUTCOME_UNKNOWN',
      `the connection to the daemon was lost, and it does not remember this client, so ${command} may have counted`)
  }
}

/** The daemon refused the request. Nothing has changed. */
class RefusedError extends FuseboxError {
  /** @param {string} status @param {string} reason @param {string} command */
  constructor (status, reason, command) {
    super('ERR_FUSEBOX_REFUSED', `the daemon refused ${command} (${status}): ${reason}`)
    /** The status by its name in the protocol: `outOfRange`, `notPermitted`, `busy` and so on. */
    this.status = status
    /** The daemon's sentence. */
    this.reason = reason
  }
}

/** An argument cannot be sent: it is no valid name, or a number is out of range. Nothing was sent. */
class InvalidArgumentError extends FuseboxError {
  /** @param {string} message */
  constructor (message) {
    super('ERR_FUSEBOX_INVALID_ARGUMENT', message)
  }
}

/** The peer does not speak this protocol, or no version that this client knows. */
class ProtocolError extends FuseboxError {
  /** @param {string} message */
  constructor (message) {
    super('ERR_FUSEBOX_PROTOCOL', `the peer does not speak this protocol: ${message}`)
  }
}

/** The client is closed. */
class ClosedError extends FuseboxError {
  constructor () {
    super('ERR_FUSEBOX_CLOSED', 'the client has been closed; connect a new one')
  }
}

module.exports = {
  FuseboxError, UnavailableError, RequestTimeoutError, OutcomeUnknownError, RefusedError, InvalidArgumentError,
  ProtocolError, ClosedError, permissionDenied,
}
