'use strict'

const { Client, connect } = require('./client')
const { EventStream } = require('./event-stream')
const {
  FuseboxError, UnavailableError, RequestTimeoutError, OutcomeUnknownError, RefusedError, InvalidArgumentError,
  ProtocolError, ClosedError,
} = require('./errors')
const { dollars, nanodollars } = require('./money')
const { CallFailedError, outcomeOfError, outcomeOfStatus } = require('./outcomes')
const { providerAnswer } = require('./provider-answer')
const { AdmissionDeniedError, Permit } = require('./permit')
const { retryTime } = require('./retry-time')
const { readUsage } = require('./usage')

/** @typedef {import('./options').Options} Options */
/** @typedef {import('./client').CallOptions} CallOptions */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./admission').AdmitOptions} AdmitOptions */
/** @typedef {import('./admission').Settling} Settling */
/** @typedef {import('./with-permit').PermitOptions} PermitOptions */
/** @typedef {import('./with-permit').UnsettledCall} UnsettledCall */
/** @typedef {import('./fetch').FetchOptions} FetchOptions */
/** @typedef {import('./sdk-fetch').SDKFetchOptions} SDKFetchOptions */
/** @typedef {import('./permit').Denial} Denial */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./usage').Usage} Usage */
/** @typedef {import('./logger').Logger} Logger */
/** @typedef {import('./protocol/types').MarkScope} MarkScope */
/** @typedef {import('./protocol/types').Commands} Commands */
/** @typedef {import('./protocol/types').CommandName} CommandName */
/** @typedef {import('./protocol/types').FuseboxEvent} FuseboxEvent */
/** @typedef {import('./protocol/types').Topic} Topic */
/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./protocol/types').Candidate} Candidate */

module.exports = {
  connect, Client, EventStream, Permit, AdmissionDeniedError, CallFailedError, FuseboxError, UnavailableError,
  RequestTimeoutError, OutcomeUnknownError, RefusedError, InvalidArgumentError, ProtocolError, ClosedError, dollars,
  nanodollars, outcomeOfError, outcomeOfStatus, providerAnswer, readUsage, retryTime,
}
