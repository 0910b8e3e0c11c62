'use strict'

const { newWorker } = require('./requests')
const { longestFile, spoolFolders, writeFile } = require('./spool-folder')
const { fileBytes } = require('./spool-records')

/** @typedef {import('./options').Settings} Settings */
/** @typedef {import('./lifetime').LeftReport} LeftReport */

// Reports that could not be delivered before their client was closed. The next client of this user delivers them: one
// in any language, or `fusebox spool deliver`. The format is described in proto-docs/spool.md.

/** Reports that are put into one file. */
const fileReports = 65_536
/** Bytes of a file that its header may take. */
const headerBytes = 4_096

/**
 * What a client leaves.
 *
 * @typedef {object} Left
 * @property {LeftReport[]} reports in the order in which they are to be sent
 * @property {{ high: bigint, low: bigint }} worker
 * @property {number} lastSequence
 * @property {import('./acquaintance').Acquaintance | null} acquaintance
 */

/**
 * Leaves reports in the spool, as far as it takes them.
 *
 * This blocks for as long as the disk takes: the process may be about to end.
 *
 * @param {Settings} settings
 * @param {Left} left
 */
function leaveReports (settings, left) {
  const outcome = {
    /** @type {string[]} */
    files: [],
    /** The number of reports in them. */
    count: 0,
    /**
     * Why the others are lost. Null: all are in the files.
     *
     * @type {Error | null}
     */
    failure: null,
  }
  const folders = spoolFolders(settings)
  for (const [rank, portion] of portions(left).entries()) {
    try {
      outcome.files.push(writeFile(folders, fileData(settings, portion), rank))
      outcome.count += portion.reports.length
    } catch (error) {
      outcome.failure = /** @type {Error} */ (error)
    }
  }
  return outcome
}

/**
 * The reports by files. Those that may have been sent stay in the first file, which is the worker's own. A further file
 * belongs to a new worker, who numbers its reports from 1.
 *
 * @param {Left} left
 * @returns {Left[]}
 */
function portions (left) {
  const sent = left.reports.filter(report => report.mayHaveLeft)
  /** @type {Left} */
  let portion = { ...left, reports: sent }
  const all = [portion]
  let bytes = sent.reduce((sum, report) => sum + recordLength(report), headerBytes)
  for (const report of left.reports) {
    if (report.mayHaveLeft) continue
    const length = recordLength(report)
    if (portion.reports.length >= fileReports || bytes + length > longestFile) {
      portion = { reports: [], worker: newWorker(), lastSequence: 0, acquaintance: null }
      all.push(portion)
      bytes = headerBytes
    }
    bytes += length
    const isOwn = all.length === 1
    if (!isOwn) portion.lastSequence += 1
    portion.reports.push(isOwn ? report : { ...report, sequence: portion.lastSequence })
  }
  all[0].reports.sort((a, b) => a.sequence - b.sequence)
  return all
}

/**
 * An upper bound on the bytes of a report in a file.
 *
 * @param {LeftReport} report
 */
const recordLength = ({ payload, substitute }) => payload.length + (substitute?.payload.length ?? 0) + 64

/** @param {Settings} settings @param {Left} left */
const fileData = (settings, { reports, worker, lastSequence, acquaintance }) => fileBytes({
  worker, lastSequence, acquaintance, socket: settings.path, client: settings.clientName, processID: process.pid,
  at: Date.now(),
}, reports.map(({ substitute, ...report }) =>
  ({ ...report, permitEpoch: substitute?.epoch ?? null, substitute: substitute?.payload ?? null })))

module.exports = { leaveReports }
