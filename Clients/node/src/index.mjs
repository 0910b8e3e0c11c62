// One implementation serves `import` and `require`, so that both share their classes.

import client from './index.js'

export const {
  connect, Client, EventStream, Permit, AdmissionDeniedError, CallFailedError, FuseboxError, UnavailableError,
  RequestTimeoutError, OutcomeUnknownError, RefusedError, InvalidArgumentError, ProtocolError, ClosedError, dollars,
  nanodollars, outcomeOfError, outcomeOfStatus, providerAnswer, readUsage, retryTime,
} = client
