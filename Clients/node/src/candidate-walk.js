'use strict'

const { candidateList } = require('./candidates')
const { isOfProvider } = require('./outcomes')

/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./protocol/types').Outcome} Outcome */
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
   * @param {Permit} permit @param {Outcome} outcome
   */
  goesOn (permit, outcome) {
    this.attempts -= 1
    this.left = this.left.filter(candidate => !sharesFailure(candidate, permit, outcome))
    return isOfProvider(outcome) && !this.signal?.aborted && this.attempts > 0 && this.left.length > 0
  }
}

/**
 * Whether a candidate is no use after a call by a permit has failed: it has the same key, and after a used-up quota the
 * same model.
 *
 * @param {Candidate} candidate @param {Permit} permit @param {Outcome} outcome
 */
const sharesFailure = (candidate, permit, outcome) =>
  candidate.provider === permit.provider && candidate.deployment === permit.deployment &&
  (outcome !== 'quotaExhausted' || candidate.model === permit.model)

module.exports = { CandidateWalk }
