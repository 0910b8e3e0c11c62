'use strict'

const { crc32c } = require('./crc32c')
const { ProtocolError } = require('./errors')
const { fileBytes, kinds, magic, resultRecord, results } = require('./spool-records')
const { Reader } = require('./wire')

/** @typedef {import('./spool-records').SpoolAcquaintance} SpoolAcquaintance */

/**
 * A report, and what has become of it.
 *
 * @typedef {import('./spool-records').SpoolReport & { result: number | null, reason: string }} Report
 */

/** The bytes of the length and the checksum before each record. */
const headBytes = 8
const reportNumber = require('./protocol/commands').commands['admission.report'].number

/**
 * What a file of the spool says: its reports, and the result of each.
 *
 * The header and the reports must be complete, because they were on disk before the file got its name. The record that
 * was appended last may be torn: it was not on disk then, and nothing was done that relied on it. Anything else that is
 * wrong is damage.
 */
class Contents {
  /**
   * @param {Buffer} data
   * @throws {ProtocolError} if the file is damaged
   */
  constructor (data) {
    this.worker = { high: 0n, low: 0n }
    this.socket = ''
    this.client = ''
    this.processID = 0
    this.at = 0
    /**
     * What hello returned last.
     *
     * @type {SpoolAcquaintance | null}
     */
    this.acquaintance = null
    /** Whether a delivery has begun: since then, every report may have been sent. */
    this.hasBeginning = false
    /** @type {Report[]} */
    this.reports = []
    /**
     * The reports without a result, by their present numbers, which rise: a new number is above all others.
     *
     * @type {Map<number, Report>}
     */
    this.waiting = new Map()
    this.announced = -1
    /** The highest number in use. */
    this.highest = 0
    /** Where the last good record ends. */
    this.end = magic.length
    while (this.end < data.length) {
      const body = wholeBody(data, this.end)
      if (!body && this.isComplete && isTorn(data, this.end)) break
      if (!body) throw new ProtocolError(`byte ${this.end}: a record is damaged`)
      this.take(new Reader(data, body.start, body.end))
      this.end = body.end
    }
    if (!this.isComplete) throw new ProtocolError(`byte ${this.end}: reports are missing`)
  }

  get isComplete () { return this.announced === this.reports.length }

  /** @param {Reader} r */
  take (r) {
    const kind = r.u8()
    const isFirst = this.announced < 0
    if ((kind === kinds.header) !== isFirst) throw new ProtocolError(`a record of kind ${kind} has no place here`)
    if (kind === kinds.header) this.takeHeader(r)
    else if (kind === kinds.report) this.takeReport(r)
    else if (kind === kinds.beginning) this.begin(readAcquaintance(r))
    else if (kind === kinds.result) this.note(Number(r.u64()), r.u8(), r.text(), Number(r.u64()))
    else throw new ProtocolError(`a record of the kind ${kind} is unknown`)
    if (r.more()) throw new ProtocolError('a record is longer than its fields')
  }

  /** @param {Reader} r */
  takeHeader (r) {
    this.worker = { high: r.u64(), low: r.u64() }
    this.highest = Number(r.u64())
    this.socket = r.text()
    this.client = r.text()
    this.processID = r.u32()
    this.at = r.timestamp()
    this.acquaintance = r.has() ? readAcquaintance(r) : null
    this.announced = r.u32()
  }

  /** @param {Reader} r */
  takeReport (r) {
    const report = {
      sequence: Number(r.u64()), command: r.u16(), payload: r.bytes(), mayHaveLeft: r.bool(),
      permitEpoch: r.has() ? r.u64() : null, substitute: r.has() ? r.bytes() : null,
      /** @type {number | null} */
      result: null, reason: '',
    }
    if (this.isComplete) throw new ProtocolError(`there are more reports than ${this.announced}`)
    const before = this.reports[this.reports.length - 1]?.sequence ?? 0
    if (report.sequence <= before || report.sequence > this.highest) {
      throw new ProtocolError(`report ${report.sequence} is out of order`)
    }
    this.reports.push(report)
    this.waiting.set(report.sequence, report)
  }

  // Deliveries

  /** @param {SpoolAcquaintance} acquaintance */
  begin (acquaintance) {
    this.acquaintance = acquaintance
    this.hasBeginning = true
  }

  /**
   * Notes what became of a report.
   *
   * @param {number} sequence @param {number} kind @param {string} reason @param {number} newSequence
   */
  note (sequence, kind, reason, newSequence) {
    const report = this.waiting.get(sequence)
    if (!report) throw new ProtocolError(`no report ${sequence} waits for a result`)
    const isRenumbered = kind === results.renumbered || kind === results.substituted
    if (kind > results.substituted) throw new ProtocolError(`a result of the kind ${kind} is unknown`)
    if (isRenumbered && newSequence <= this.highest) throw new ProtocolError(`the number ${newSequence} is not new`)
    this.waiting.delete(sequence)
    if (!isRenumbered) {
      report.result = kind
      report.reason = reason
      return
    }
    report.sequence = newSequence
    this.highest = newSequence
    this.waiting.set(newSequence, report)
    if (kind === results.substituted) becomeSubstitute(report)
  }

  /**
   * The first of the reports that are still to be sent, in the order of their numbers.
   *
   * @param {number} count
   */
  first (count) {
    const first = []
    for (const report of this.waiting.values()) if (first.push(report) === count) break
    return first
  }

  /** Whether a person must decide about a report. */
  get isUndecided () { return this.reports.some(({ result }) => result !== null && result !== results.delivered) }

  /** The bytes of an equivalent file without what was delivered. */
  get shortened () {
    const left = this.reports.filter(({ result }) => result !== results.delivered)
      .sort((a, b) => a.sequence - b.sequence)
    const reports = left.map(one => ({ ...one, mayHaveLeft: one.mayHaveLeft || this.hasBeginning }))
    const known = left.flatMap(({ sequence, result, reason }) =>
      result === null ? [] : [resultRecord(sequence, result, reason)])
    return Buffer.concat([fileBytes({ ...this, lastSequence: this.highest }, reports), ...known])
  }
}

/**
 * @param {Reader} r
 * @returns {SpoolAcquaintance}
 */
const readAcquaintance = r => ({ epoch: r.u64(), forgottenWorkers: r.u64(), isKnown: r.bool() })

/**
 * Where the body of a record is. Null if the record is not whole.
 *
 * @param {Buffer} data @param {number} offset
 */
function wholeBody (data, offset) {
  const start = offset + headBytes
  if (start > data.length) return null
  const length = data.readUInt32LE(offset)
  const end = start + length
  // No record is empty: a file system may have made the file longer, and not have written to it.
  if (length === 0 || end > data.length) return null
  return crc32c(data.subarray(start, end)) === data.readUInt32LE(offset + 4) ? { start, end } : null
}

/**
 * Whether the bad record is a torn append: no good one follows it.
 *
 * @param {Buffer} data @param {number} offset
 */
function isTorn (data, offset) {
  for (let start = offset + 1; start < data.length - headBytes; start += 1) if (wholeBody(data, start)) return false
  return true
}

/**
 * What a file of the spool says. Null if another program is to deliver it: it is not of this version.
 *
 * @param {Buffer} data
 * @throws {ProtocolError} if it is damaged
 */
const readContents = data => data.subarray(0, magic.length).equals(magic) ? new Contents(data) : null

/**
 * Turns a settle into the report that is sent in its place.
 *
 * @param {Report} report
 */
function becomeSubstitute (report) {
  if (!report.substitute) return
  report.payload = report.substitute
  report.command = reportNumber
  report.substitute = null
  report.permitEpoch = null
}

module.exports = { Contents, becomeSubstitute, readContents }
