'use strict'

const fs = require('node:fs')
const { crc32c } = require('./crc32c')
const { Writer } = require('./wire')

/** The letters FUSESPL and the version of the format. */
const magic = Buffer.from('FUSESPL\u0001', 'latin1')
const kinds = { header: 1, report: 2, beginning: 3, result: 4 }
/** What became of a report. */
const results = { delivered: 0, refused: 1, inDoubt: 2, renumbered: 3, substituted: 4 }
/** Bytes of the reason why a report is undecided. */
const longestReason = 256

/** @typedef {{ epoch: bigint, forgottenWorkers: bigint, isKnown: boolean }} SpoolAcquaintance */

/**
 * The header of a file: the worker that left the reports, and the daemon that they are for.
 *
 * @typedef {object} SpoolHeader
 * @property {{ high: bigint, low: bigint }} worker
 * @property {number} lastSequence the highest number that the worker has used
 * @property {string} socket
 * @property {string} client
 * @property {number} processID
 * @property {number} at
 * @property {SpoolAcquaintance | null} acquaintance what hello returned last
 */

/**
 * A report as a file has it.
 *
 * @typedef {object} SpoolReport
 * @property {number} sequence its present number
 * @property {number} command
 * @property {Uint8Array} payload
 * @property {boolean} mayHaveLeft
 * @property {bigint | null} permitEpoch
 * @property {Uint8Array | null} substitute
 */

/**
 * A record: its length, its checksum, its kind and its fields.
 *
 * @param {number} kind
 * @param {(w: Writer) => void} fields
 */
function record (kind, fields) {
  const writer = new Writer()
  writer.room(8)
  writer.u8(kind, 'kind')
  fields(writer)
  const data = writer.take()
  data.writeUInt32LE(data.length - 8, 0)
  data.writeUInt32LE(crc32c(data.subarray(8)), 4)
  return data
}

/**
 * @param {Writer} w
 * @param {SpoolAcquaintance} acquaintance
 */
function writeAcquaintance (w, { epoch, forgottenWorkers, isKnown }) {
  w.u64(epoch, 'epoch')
  w.u64(forgottenWorkers, 'forgottenWorkers')
  w.bool(isKnown, 'isKnown')
}

/**
 * The bytes of a file with these reports.
 *
 * @param {SpoolHeader} header @param {SpoolReport[]} reports
 */
const fileBytes = (header, reports) =>
  Buffer.concat([magic, headerRecord(header, reports.length), ...reports.map(reportRecord)])

/** @param {SpoolHeader} header @param {number} count */
const headerRecord = ({ worker, lastSequence, socket, client, processID, at, acquaintance }, count) =>
  record(kinds.header, w => {
    w.u64(worker.high, 'workerHigh')
    w.u64(worker.low, 'workerLow')
    w.u64(lastSequence, 'lastSequence')
    w.text(socket, 'socket')
    w.text(client, 'client')
    w.u32(processID, 'processID')
    w.timestamp(at, 'at')
    if (w.has(acquaintance) && acquaintance) writeAcquaintance(w, acquaintance)
    w.u32(count, 'reports')
  })

/** @param {SpoolReport} report */
const reportRecord = ({ sequence, command, payload, mayHaveLeft, permitEpoch, substitute }) =>
  record(kinds.report, w => {
    w.u64(sequence, 'sequence')
    w.u16(command, 'command')
    w.bytes(payload, 'payload')
    w.bool(mayHaveLeft, 'mayHaveLeft')
    if (w.has(permitEpoch) && permitEpoch !== null) w.u64(permitEpoch, 'permitEpoch')
    if (w.has(substitute) && substitute) w.bytes(substitute, 'substitute')
  })

/**
 * The delivery has begun: from here on every report may have been sent.
 *
 * @param {SpoolAcquaintance} acquaintance
 */
const beginningRecord = acquaintance => record(kinds.beginning, w => writeAcquaintance(w, acquaintance))

/**
 * @param {number} sequence
 * @param {number} kind
 * @param {string} [reason]
 * @param {number} [newSequence]
 */
const resultRecord = (sequence, kind, reason = '', newSequence = 0) => record(kinds.result, w => {
  w.u64(sequence, 'sequence')
  w.u8(kind, 'kind')
  w.text(cut(reason), 'reason')
  w.u64(newSequence, 'newSequence')
})

/**
 * @param {string} reason
 */
function cut (reason) {
  const characters = [...reason]
  while (Buffer.byteLength(characters.join('')) > longestReason) characters.pop()
  return characters.join('')
}

/**
 * Writes records to a file from an offset on, and has them on disk when it returns. What stood there is cut off.
 *
 * @param {number} descriptor
 * @param {number} offset where the last good record ends
 * @param {Buffer[]} data
 * @returns {number} where the last record ends now
 * @throws {Error} if the disk does not take all of it
 */
function append (descriptor, offset, data) {
  const bytes = Buffer.concat(data)
  fs.ftruncateSync(descriptor, offset)
  let written = 0
  // A disk that is nearly full takes a part first, and refuses the rest then.
  while (written < bytes.length) {
    written += fs.writeSync(descriptor, bytes, written, bytes.length - written, offset + written)
  }
  fs.fsyncSync(descriptor)
  return offset + bytes.length
}

module.exports = { append, beginningRecord, fileBytes, kinds, magic, resultRecord, results }
