'use strict'

const fs = require('node:fs')
const { crc32c } = require('./crc32c')
const { ProtocolError } = require('./errors')
const { Reader, Writer } = require('./wire')

/** The letters FUSESPL and the version of the format. */
const magic = Buffer.from('FUSESPL\u0001', 'latin1')
const kinds = { header: 1, report: 2, beginning: 3, result: 4 }
/** What became of a report. */
const results = { delivered: 0, refused: 1, inDoubt: 2, renumbered: 3, substituted: 4 }
/** Bytes of the reason why a report is undecided. */
const longestReason = 256
/** A longer file is left to a program that can rewrite it. */
const longestFile = 16 << 20

/** @typedef {{ epoch: bigint, forgottenWorkers: bigint, isKnown: boolean }} SpoolAcquaintance */

/**
 * A report that is still to be delivered.
 *
 * @typedef {object} PendingReport
 * @property {number} sequence its present number
 * @property {number} command
 * @property {Buffer} payload
 * @property {boolean} mayHaveLeft
 * @property {bigint | null} permitEpoch
 * @property {Buffer | null} substitute
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
 * @param {Reader} r
 * @returns {SpoolAcquaintance}
 */
const readAcquaintance = r => ({ epoch: r.u64(), forgottenWorkers: r.u64(), isKnown: r.bool() })

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
 * The records of a file, and where the last good one ends. A record that a crash interrupted is left out.
 *
 * @param {Buffer} data
 */
function * records (data) {
  let offset = magic.length
  while (offset < data.length) {
    const length = data.length - offset >= 8 ? data.readUInt32LE(offset) : Infinity
    const end = offset + 8 + length
    const isWhole = end <= data.length && crc32c(data.subarray(offset + 8, end)) === data.readUInt32LE(offset + 4)
    if (!isWhole && end >= data.length) return
    if (!isWhole) throw new ProtocolError('the file is damaged')
    const fields = new Reader(data, offset + 8, end)
    yield { kind: fields.u8(), fields, end }
    offset = end
  }
}

/**
 * What a file of the spool says. Null if it is not one that this program may deliver.
 *
 * @param {Buffer} data
 */
function readContents (data) {
  if (data.length > longestFile || !data.subarray(0, magic.length).equals(magic)) return null
  const contents = {
    worker: { high: 0n, low: 0n },
    highest: 0,
    socket: '',
    client: '',
    /**
     * What hello returned last.
     *
     * @type {SpoolAcquaintance | null}
     */
    acquaintance: /** @type {SpoolAcquaintance | null} */ (null),
    hasBeginning: false,
    /** @type {PendingReport[]} */
    reports: [],
    /** @type {Map<number, { kind: number, newSequence: number }>} */
    results: new Map(),
    announced: -1,
    end: magic.length,
  }
  for (const { kind, fields: r, end } of records(data)) {
    contents.end = end
    if (kind === kinds.header) {
      contents.worker = { high: r.u64(), low: r.u64() }
      contents.highest = Number(r.u64())
      contents.socket = r.text()
      contents.client = r.text()
      r.u32()
      r.timestamp()
      contents.acquaintance = r.has() ? readAcquaintance(r) : null
      contents.announced = r.u32()
    } else if (kind === kinds.report) {
      contents.reports.push({
        sequence: Number(r.u64()), command: r.u16(), payload: Buffer.from(r.bytes()), mayHaveLeft: r.bool(),
        permitEpoch: r.has() ? r.u64() : null, substitute: r.has() ? Buffer.from(r.bytes()) : null,
      })
    } else if (kind === kinds.beginning) {
      contents.acquaintance = readAcquaintance(r)
      contents.hasBeginning = true
    } else if (kind === kinds.result) {
      const sequence = Number(r.u64())
      const result = r.u8()
      r.text()
      const newSequence = Number(r.u64())
      contents.results.set(sequence, { kind: result, newSequence })
      contents.highest = Math.max(contents.highest, newSequence)
    } else {
      throw new ProtocolError(`a record of the kind ${kind} is unknown`)
    }
  }
  if (contents.announced !== contents.reports.length) throw new ProtocolError('reports are missing')
  return contents
}

/**
 * The reports without a result, by their present numbers, and whether any report is undecided.
 *
 * @param {NonNullable<ReturnType<typeof readContents>>} contents
 */
function standing ({ reports, results: known, hasBeginning }) {
  /** @type {PendingReport[]} */
  const pending = []
  let isUndecided = false
  for (const report of reports) {
    const present = { ...report, mayHaveLeft: report.mayHaveLeft || hasBeginning }
    let result = known.get(present.sequence)
    while (result && (result.kind === results.renumbered || result.kind === results.substituted)) {
      present.sequence = result.newSequence
      if (result.kind === results.substituted) becomeSubstitute(present)
      result = known.get(present.sequence)
    }
    if (!result) pending.push(present)
    else if (result.kind !== results.delivered) isUndecided = true
  }
  return { pending: pending.sort((a, b) => a.sequence - b.sequence), isUndecided }
}

/**
 * @param {PendingReport} report
 */
function becomeSubstitute (report) {
  if (!report.substitute) return
  report.payload = report.substitute
  report.command = reportNumber
  report.substitute = null
  report.permitEpoch = null
}

const reportNumber = require('./protocol/commands').commands['admission.report'].number

/**
 * Appends records to a file and has them on disk when it returns.
 *
 * @param {number} descriptor
 * @param {number} offset where the last good record ends
 * @param {Buffer[]} data
 */
function append (descriptor, offset, data) {
  const bytes = Buffer.concat(data)
  fs.ftruncateSync(descriptor, offset)
  fs.writeSync(descriptor, bytes, 0, bytes.length, offset)
  fs.fsyncSync(descriptor)
  return offset + bytes.length
}

module.exports = {
  append, becomeSubstitute, beginningRecord, kinds, magic, readContents, record, resultRecord, results, standing,
  writeAcquaintance,
}
