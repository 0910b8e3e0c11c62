'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { setTimeout, clearTimeout } = require('node:timers')
const { Acquaintance } = require('./acquaintance')
const { Connection } = require('./connection')
const { headLength, statusName, writeHead } = require('./frames')
const { Writer } = require('./wire')
const { commands, writeRequestSequence } = require('./protocol/commands')
const { Contents, becomeSubstitute, readContents } = require('./spool-file')
const {
  checkFolder, isOwnName, longestFile, partOf, partSuffix, removeFile, suffix, syncFolder,
} = require('./spool-folder')
const { lock, openLocked } = require('./spool-lock')
const { append, beginningRecord, resultRecord, results } = require('./spool-records')

/** @typedef {import('./options').Settings} Settings */
/** @typedef {import('./spool-file').Report} Report */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */
/** @typedef {{ sequence: number, kind: number, reason: string, newSequence: number }} Noted what became of a report */

// Delivers what workers of this user have left in the spool, by the rules of proto-docs/spool.md.

/** Reports that are delivered before the first of their replies is waited for. */
const batchLength = 64
/** How long the replies to one batch may take, in milliseconds. */
const batchTime = 10_000
/** How long a file without its name must have been quiet to be abandoned, in milliseconds. */
const abandonedTime = 10_000
/** Bytes of the longest file that is read. No file of the spool grows beyond that. */
const longestReading = 96 << 20
/** A delivery ends after this number of files in a row that could not be delivered. */
const mostFailures = 3
/** Refusals after which a report is sent again later, under another number. */
const passing = new Set(['busy', 'limitReached', 'storageFailed'])

/**
 * Delivers the files of these folders that are for this daemon, oldest first.
 *
 * @param {Settings} settings
 * @param {string[]} folders
 * @param {() => boolean} isOver whether the client is being closed
 */
async function deliverAll (settings, folders, isOver) {
  for (const folder of folders) {
    let failures = 0
    for (const name of names(folder)) {
      if (failures === mostFailures || isOver()) break
      try {
        if (isOwnName(name)) failures = await deliverFile(settings, folder, name, isOver) ? 0 : failures + 1
        else if (isOwnName(name, partSuffix)) await sweep(folder, name)
      } catch (error) {
        // A file that cannot be looked at is left alone. It is no hindrance to the others.
      }
    }
  }
}

/**
 * What is in a folder that belongs to this user alone.
 *
 * @param {string} folder
 */
function names (folder) {
  try {
    checkFolder(folder)
    return fs.readdirSync(folder).sort()
  } catch (error) {
    return []
  }
}

/**
 * Delivers a file, if nobody else does and it is for this daemon. Returns whether the daemon was there.
 *
 * @param {Settings} settings
 * @param {string} folder
 * @param {string} name
 * @param {() => boolean} isOver
 */
async function deliverFile (settings, folder, name, isOver) {
  const file = path.join(folder, name)
  const descriptor = await openLocked(file)
  if (descriptor === null) return true
  /** @type {Delivery | undefined} */
  let delivery
  try {
    const contents = read(descriptor)
    if (!contents || contents.socket !== settings.path) return true
    delivery = new Delivery(settings, folder, file, descriptor, contents)
    return await delivery.run(isOver)
  } catch (error) {
    // A damaged file is left to a person. `fusebox spool list` shows it. What the disk does not take is tried again.
    return true
  } finally {
    fs.closeSync(delivery?.descriptor ?? descriptor)
  }
}

/**
 * What a file says. Null if it is not one that this program may deliver.
 *
 * @param {number} descriptor
 * @throws {Error} if it is damaged
 */
function read (descriptor) {
  return fs.fstatSync(descriptor).size > longestReading ? null : readContents(fs.readFileSync(descriptor))
}

/**
 * A file that its writer has not named. If it died before it could, a complete file gets its name, and any other is
 * removed. So is one that was to replace a file that is still there: that one holds the reports.
 *
 * @param {string} folder @param {string} name
 */
async function sweep (folder, name) {
  const part = path.join(folder, name)
  // A file that its writer works on is not touched: the writer is about to lock it.
  if (!isAbandoned(fs.lstatSync(part, { throwIfNoEntry: false }))) return
  const descriptor = await openLocked(part)
  if (descriptor === null) return
  try {
    if (!isAbandoned(fs.fstatSync(descriptor))) return
    const file = part.slice(0, -partSuffix.length) + suffix
    if (!fs.existsSync(file) && isComplete(descriptor)) {
      fs.fsyncSync(descriptor)
      fs.renameSync(part, file)
    } else {
      fs.unlinkSync(part)
    }
    syncFolder(folder)
  } catch (error) {
    // The next delivery tries again.
  } finally {
    fs.closeSync(descriptor)
  }
}

/** @param {import('node:fs').Stats | undefined} status */
const isAbandoned = status => status !== undefined && Date.now() - status.mtimeMs >= abandonedTime

/** @param {number} descriptor */
function isComplete (descriptor) {
  try {
    return read(descriptor) !== null
  } catch (error) {
    return false
  }
}

/** The delivery of one file, which is locked. */
class Delivery {
  /**
   * @param {Settings} settings
   * @param {string} folder
   * @param {string} file
   * @param {number} descriptor
   * @param {Contents} contents
   */
  constructor (settings, folder, file, descriptor, contents) {
    this.settings = settings
    this.folder = folder
    this.file = file
    this.descriptor = descriptor
    this.contents = contents
    /** The length of the file up to the last good record. */
    this.end = contents.end
    /** Whether the daemon cannot take some of the reports now. */
    this.waits = false
    this.correlation = 0
    /**
     * Replies that are waited for, by the correlation ids.
     *
     * @type {Map<number, (frame: import('./frames').Frame | null) => void>}
     */
    this.waiting = new Map()
  }

  /**
   * Returns whether the daemon was there. What is left when it is over is delivered another time.
   *
   * @param {() => boolean} isOver
   * @throws {Error} if the file cannot be written; no report is lost then, and none counts twice
   */
  async run (isOver) {
    if (this.contents.waiting.size === 0) {
      this.finish()
      return true
    }
    const found = await this.connect()
    if (!found) return false
    const { connection, hello } = found
    try {
      if (this.end > longestFile) await this.shorten()
      this.begin(hello)
      while (this.contents.waiting.size > 0) {
        if (isOver() || this.waits) return true
        if (!await this.sendBatch(connection, hello)) return false
      }
      this.finish()
      // The daemon forgets the worker. So nothing may be left that could be sent again.
      await this.ask(connection, 0, commands.goodbye.number, new Uint8Array(0))
      return true
    } finally {
      connection.destroy()
    }
  }

  /** Everything has its result. A file without undecided reports goes. */
  finish () {
    if (!this.contents.isUndecided) removeFile(this.folder, this.file)
  }

  /** Writes the file anew, without what was delivered and without the records of earlier deliveries. */
  async shorten () {
    const part = partOf(this.file)
    // Nobody else rewrites the file, which is locked. This is what a crash has left.
    fs.rmSync(part, { force: true })
    const descriptor = fs.openSync(part, 'wx', 0o600)
    try {
      if (!await lock(descriptor)) throw new Error('the file cannot be locked')
      const data = this.contents.shortened
      append(descriptor, 0, [data])
      const contents = new Contents(data)
      fs.renameSync(part, this.file)
      fs.closeSync(this.descriptor)
      this.descriptor = descriptor
      this.contents = contents
      this.end = contents.end
    } catch (error) {
      fs.closeSync(descriptor)
      fs.rmSync(part, { force: true })
      throw error
    }
    syncFolder(this.folder)
  }

  /**
   * Says hello as the worker.
   *
   * @returns {Promise<{ connection: Connection, hello: HelloReply } | null>}
   */
  connect () {
    const { worker, client, highest } = this.contents
    const introduction = { workerHigh: worker.high, workerLow: worker.low, lastSequence: highest, client }
    return new Promise(resolve => {
      /** @type {Connection} */
      const connection = new Connection(this.settings.path, introduction, this.settings.connectTimeout, {
        onHello: hello => resolve({ connection, hello }),
        onFrame: frame => this.waiting.get(frame.correlation)?.(frame),
        onEnd: () => {
          for (const take of [...this.waiting.values()]) take(null)
          resolve(null)
        },
      })
      connection.hold(true)
    })
  }

  /**
   * Notes what must not be sent again, and the beginning, before anything is sent.
   *
   * @param {HelloReply} hello
   */
  begin (hello) {
    const { acquaintance, hasBeginning, waiting } = this.contents
    const mayResend = !acquaintance || Object.assign(new Acquaintance(hello), acquaintance).allowsResending(hello)
    const doubtful = mayResend ? [] : [...waiting.values()].filter(({ mayHaveLeft }) => mayHaveLeft || hasBeginning)
    const reason = 'the daemon does not remember the worker, so the report may have counted'
    const noted = doubtful.map(({ sequence }) => ({ sequence, kind: results.inDoubt, reason, newSequence: 0 }))
    this.append(noted, beginningRecord(new Acquaintance(hello)))
    this.contents.begin(new Acquaintance(hello))
  }

  /**
   * Has results on disk, and what follows them, before anything relies on them.
   *
   * @param {Noted[]} noted @param {Buffer[]} after
   */
  append (noted, ...after) {
    const records = noted.map(one => resultRecord(one.sequence, one.kind, one.reason, one.newSequence))
    this.end = append(this.descriptor, this.end, [...records, ...after])
    for (const { sequence, kind, reason, newSequence } of noted) this.contents.note(sequence, kind, reason, newSequence)
  }

  /**
   * Sends the reports with the lowest numbers and writes down what became of them. Returns whether the daemon answered.
   *
   * @param {Connection} connection @param {HelloReply} hello
   */
  async sendBatch (connection, hello) {
    // The daemon keeps so many replies. A report beyond them could not be sent again.
    const room = hello.keptReplies === 0 ? batchLength : Math.max(hello.keptReplies >> 1, 1)
    const batch = this.contents.first(Math.min(batchLength, room))
    const oldest = batch[0].sequence
    const frames = await Promise.all(batch.map(report => {
      // A permit's number means something in its own epoch only.
      if (report.permitEpoch !== hello.epoch) becomeSubstitute(report)
      return this.ask(connection, oldest, report.command, report.payload, report.sequence)
    }))
    let next = Math.max(this.contents.highest, Number(hello.lastSequence)) + 1
    /** @type {Noted[]} */
    const noted = []
    for (const [index, report] of batch.entries()) {
      const frame = frames[index]
      if (!frame) continue
      const result = this.judge(report, frame, next)
      if (result.newSequence > 0) next += 1
      noted.push(result)
    }
    if (noted.length > 0) this.append(noted)
    return noted.length === batch.length
  }

  /**
   * What a reply means for a report.
   *
   * @param {Report} report @param {import('./frames').Frame} frame
   * @param {number} next the number that a report gets which is to be sent under another
   * @returns {Noted}
   */
  judge ({ sequence, substitute }, frame, next) {
    const status = statusName(frame.detail)
    if (passing.has(status)) this.waits = true
    if (passing.has(status) || status === 'sequenceOutOfOrder') {
      return { sequence, kind: results.renumbered, reason: '', newSequence: next }
    }
    if (status === 'notFound' && substitute) {
      return { sequence, kind: results.substituted, reason: '', newSequence: next }
    }
    if (status === 'ok') return { sequence, kind: results.delivered, reason: '', newSequence: 0 }
    const kind = status === 'outcomeUnknown' ? results.inDoubt : results.refused
    return { sequence, kind, reason: `${status}: ${frame.payload.text()}`, newSequence: 0 }
  }

  /**
   * Sends a request. Null if the connection ends or the reply does not come in time.
   *
   * @param {Connection} connection
   * @param {number} oldest
   * @param {number} command
   * @param {Uint8Array} payload
   * @param {number} [sequence]
   * @returns {Promise<import('./frames').Frame | null>}
   */
  ask (connection, oldest, command, payload, sequence) {
    const writer = new Writer(headLength + payload.length + 16)
    writer.room(headLength)
    if (sequence) writeRequestSequence(writer, { sequence, oldestUnacknowledged: oldest })
    const start = writer.room(payload.length)
    writer.buffer.set(payload, start)
    this.correlation += 1
    const { correlation } = this
    writeHead(writer.buffer, 0, { command, correlation }, writer.offset - headLength)
    return new Promise(resolve => {
      const timer = setTimeout(() => take(null), batchTime)
      const take = (/** @type {import('./frames').Frame | null} */ frame) => {
        clearTimeout(timer)
        this.waiting.delete(correlation)
        resolve(frame)
      }
      this.waiting.set(correlation, take)
      if (connection.hasEnded) take(null)
      else connection.write(writer.take())
    })
  }
}

module.exports = { deliverAll }
