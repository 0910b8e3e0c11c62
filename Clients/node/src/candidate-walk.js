'use strict'

const { candidateList } = require('./candidates')
const { isOfProvider } = require('./outcomes')

/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./permit').Permit} Permit */

/** The candidates that are left after each call of one `withPermit`, `stream` or `fetch`. */
class CandidateWalk {
  /**
   * @param {CandidateLike | CandidateLike[]} candidates
   * @param {{ attempts?: number, signal?: AbortSignal }} rules
   */
  constructor (candidates, { attempts = Infinity, signal }) {
    /** @type {Candidate[]} */
    this.left = candidateList(candidates)
    this.attempts = attempts
    this.signal = signal
  }

  /**
   * Whether another candidate is to be tried after a call by a permit has ended.
   *
   * @param {Permit} permit @param {CallOutcome} ended how it has ended
   */
  goesOn (permit, ended) {
    this.attempts -= 1
    this.left = this.left.filter(candidate => !sharesFailure(candidate, permit, ended))
    return isOfProvider(ended.outcome) && !this.signal?.aborted && this.attempts > 0 && this.left.length > 0
  }
}

/**
 * Whether a candidate is no use after a call by a permit has failed: it has the same key, and the same model if the
 * failure is of one model.
 *
 * @param {Candidate} candidate @param {Permit} permit @param {CallOutcome} ended
 */
const sharesFailure = (candidate, permit, ended) =>
  candidate.provider === permit.provider && candidate.deployment === permit.deployment &&
  (!isOfOneModel(ended) || candidate.model === permit.model)

/**
 * Whether an outcome says nothing of the other models of the same key: a quota that is used up, and a model that the key
 * may not use.
 *
 * @param {CallOutcome} ended
 */
const isOfOneModel = ({ outcome, markScope }) =>
  outcome === 'quotaExhausted' || (outcome === 'unauthorized' && (markScope === 'route' || markScope === 'model'))

module.exports = { CandidateWalk }
