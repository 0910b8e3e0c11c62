'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { randomBytes } = require('node:crypto')
const { newWorker } = require('./requests')
const { kinds, magic, record, writeAcquaintance } = require('./spool-file')

/** @typedef {import('./options').Settings} Settings */
/** @typedef {import('./lifetime').LeftReport} LeftReport */

// Reports that could not be delivered before their client was closed. The next client of this user delivers them: one
// in Swift, or `fusebox spool deliver`. The format is described in proto-docs/spool.md.

const mostFiles = 8_192
const mostBytes = 64 << 20
/** Bytes, and reports, that are put into one file. */
const fileBytes = 16 << 20
const fileReports = 65_536

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
 * Leaves reports in the spool. Returns the files.
 *
 * This blocks for as long as the disk takes: the process may be about to end.
 *
 * @param {Settings} settings
 * @param {Left} left
 * @returns {string[]}
 */
function leaveReports (settings, left) {
  const folder = openFolder(spoolFolders(settings))
  let { files, bytes } = contents(folder)
  return portions(left).map((portion, index) => {
    const data = fileData(settings, portion)
    files += 1
    bytes += data.length
    if (files > mostFiles || bytes > mostBytes) {
      throw new Error(`the spool ${folder} is full; deliver it with \`fusebox spool deliver\``)
    }
    return writeFile(folder, data, index)
  })
}

/**
 * The folders of a client's spool, the best first.
 *
 * @param {Settings} settings
 */
function spoolFolders ({ spool }) {
  if (spool === false) return []
  return typeof spool === 'string' ? [spool] : standardFolders()
}

function standardFolders () {
  if (process.env.FUSEBOX_SPOOL) return [process.env.FUSEBOX_SPOOL]
  const state = process.env.XDG_STATE_HOME || (process.env.HOME && path.join(process.env.HOME, '.local', 'state'))
  const own = state ? [path.join(state, 'fusebox', 'spool')] : []
  return [...own, `/var/tmp/fusebox-spool-${os.userInfo().uid}`]
}

/**
 * The first folder that is there or can be made, and that nobody else can write to.
 *
 * @param {string[]} folders
 */
function openFolder (folders) {
  let failure
  for (const folder of folders) {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
      const { uid, mode } = fs.lstatSync(folder)
      if (uid !== os.userInfo().uid || (mode & 0o7777) !== 0o700) {
        throw new Error(`${folder} is not this user's alone (mode 0700)`)
      }
      return folder
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** @param {string} folder */
function contents (folder) {
  let files = 0
  let bytes = 0
  for (const name of fs.readdirSync(folder)) {
    const { size } = fs.lstatSync(path.join(folder, name))
    files += 1
    bytes += size
  }
  return { files, bytes }
}

/**
 * The reports by files. Those that may have been sent stay in the first file, which is the worker's own. A further file
 * belongs to a new worker, who numbers its reports from 1.
 *
 * @param {Left} left
 * @returns {Left[]}
 */
function portions (left) {
  /** @type {Left} */
  let portion = { ...left, reports: [] }
  const all = [portion]
  let bytes = 0
  for (const report of left.reports) {
    const length = report.payload.length + (report.substitute?.payload.length ?? 0) + 64
    const isFull = portion.reports.length === fileReports || bytes + length > fileBytes
    if (isFull && !report.mayHaveLeft) {
      portion = { reports: [], worker: newWorker(), lastSequence: 0, acquaintance: null }
      all.push(portion)
      bytes = 0
    }
    bytes += length
    const sequence = all.length === 1 ? report.sequence : portion.lastSequence + 1
    portion.reports.push({ ...report, sequence })
    portion.lastSequence = Math.max(portion.lastSequence, sequence)
  }
  return all
}

/** @param {Settings} settings @param {Left} left */
function fileData (settings, { reports, worker, lastSequence, acquaintance }) {
  const header = record(kinds.header, w => {
    w.u64(worker.high, 'workerHigh')
    w.u64(worker.low, 'workerLow')
    w.u64(lastSequence, 'lastSequence')
    w.text(settings.path, 'socket')
    w.text(settings.clientName, 'client')
    w.u32(process.pid, 'processID')
    w.timestamp(Date.now(), 'at')
    if (w.has(acquaintance) && acquaintance) writeAcquaintance(w, acquaintance)
    w.u32(reports.length, 'reports')
  })
  return Buffer.concat([magic, header, ...reports.map(({ sequence, command, payload, mayHaveLeft, substitute }) =>
    record(kinds.report, w => {
      w.u64(sequence, 'sequence')
      w.u16(command, 'command')
      w.bytes(payload, 'payload')
      w.bool(mayHaveLeft, 'mayHaveLeft')
      if (w.has(substitute) && substitute) w.u64(substitute.epoch, 'permitEpoch')
      if (w.has(substitute) && substitute) w.bytes(substitute.payload, 'substitute')
    }))])
}

/**
 * Writes a file so that it is there completely or not at all.
 *
 * @param {string} folder @param {Buffer} data @param {number} index
 */
function writeFile (folder, data, index) {
  const moment = String(Date.now() + index).padStart(13, '0')
  const name = path.join(folder, `${moment}-${randomBytes(8).toString('hex')}`)
  const file = `${name}.spool`
  const part = `${name}.part`
  const descriptor = fs.openSync(part, 'wx', 0o600)
  try {
    fs.writeSync(descriptor, data)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  fs.renameSync(part, file)
  const directory = fs.openSync(folder, 'r')
  fs.fsyncSync(directory)
  fs.closeSync(directory)
  return file
}

module.exports = { leaveReports, spoolFolders }
