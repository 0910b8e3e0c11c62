'use strict'

const { Client, connect } = require('./client')
const { EventStream } = require('./event-stream')
const errors = require('./errors')
const { dollars, nanodollars } = require('./money')
const { CallFailedError, outcomeOfError, outcomeOfStatus } = require('./outcomes')
const { AdmissionDeniedError, Permit } = require('./permit')
const { retryTime } = require('./retry-time')
const { readUsage } = require('./usage')

module.exports = {
  connect, Client, EventStream, Permit, AdmissionDeniedError, CallFailedError, ...errors, dollars, nanodollars, outcomeOfError,
  outcomeOfStatus, readUsage, retryTime,
}
