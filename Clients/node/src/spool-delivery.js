'use strict'

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { setTimeout, clearTimeout } = require('node:timers')
const { Acquaintance } = require('./acquaintance')
const { Connection } = require('./connection')
const { headLength, statusName, writeHead } = require('./frames')
const { Writer } = require('./wire')
const { commands, writeRequestSequence } = require('./protocol/commands')
const {
  append, becomeSubstitute, beginningRecord, readContents, resultRecord, results, standing,
} = require('./spool-file')
const { checkFolder, isOwnName, isPrivate, partSuffix, suffix, syncFolder } = require('./spool-folder')

/** @typedef {import('./options').Settings} Settings */
/** @typedef {import('./spool-file').PendingReport} PendingReport */
/** @typedef {import('./protocol/types').HelloReply} HelloReply */

// Delivers what workers of this user have left in the spool, by the rules of proto-docs/spool.md.

/** Reports that are delivered before the first of their replies is waited for. */
const batchLength = 64
/** How long the replies to one batch may take, in milliseconds. */
const batchTime = 10_000
/** How long a file without its name must have been quiet to be abandoned, in milliseconds. */
const abandonedTime = 10_000
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
      if (isOwnName(name)) failures = await deliverFile(settings, folder, name, isOver) ? 0 : failures + 1
      else if (isOwnName(name, partSuffix)) await sweep(folder, name)
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
  try {
    const contents = readContents(fs.readFileSync(descriptor))
    if (!contents || contents.socket !== settings.path) return true
    return await new Delivery(settings, folder, file, descriptor, contents).run(isOver)
  } catch (error) {
    // A damaged file is left to a person. `fusebox spool list` shows it.
    return true
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * A file that its writer has not named. If it died before it could, a complete file gets its name, and any other is
 * removed.
 *
 * @param {string} folder @param {string} name
 */
async function sweep (folder, name) {
  const file = path.join(folder, name)
  const descriptor = await openLocked(file)
  if (descriptor === null) return
  try {
    if (Date.now() - fs.fstatSync(descriptor).mtimeMs < abandonedTime) return
    if (isComplete(fs.readFileSync(descriptor))) {
      fs.fsyncSync(descriptor)
      fs.renameSync(file, file.slice(0, -partSuffix.length) + suffix)
    } else {
      fs.unlinkSync(file)
    }
    syncFolder(folder)
  } catch (error) {
    // The next delivery tries again.
  } finally {
    fs.closeSync(descriptor)
  }
}

/** @param {Buffer} data */
function isComplete (data) {
  try {
    return readContents(data) !== null
  } catch (error) {
    return false
  }
}

/**
 * Opens a file and locks it. Null if it is not this user's alone, another process works on it, or has just removed it.
 *
 * @param {string} file
 */
async function openLocked (file) {
  const descriptor = open(file)
  if (descriptor === null) return null
  if (await lock(descriptor) && refersTo(file, descriptor)) return descriptor
  fs.closeSync(descriptor)
  return null
}

/** @param {string} file */
function open (file) {
  try {
    const status = fs.lstatSync(file)
    if (!isPrivate(status) || status.nlink !== 1) return null
    return fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  } catch (error) {
    return null
  }
}

/**
 * Locks a file as flock(2) does. Node has no call for it, so the program of that name locks the descriptor that both
 * have. Returns whether this process has the lock.
 *
 * @param {number} descriptor
 * @returns {Promise<boolean>}
 */
function lock (descriptor) {
  return new Promise(resolve => {
    const process = spawn('flock', ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
    process.on('error', () => resolve(false))
    process.on('exit', status => resolve(status === 0))
  })
}

/**
 * Whether the name still refers to this file. Another process may have delivered it meanwhile.
 *
 * @param {string} file
 * @param {number} descriptor
 */
function refersTo (file, descriptor) {
  try {
    return fs.lstatSync(file).ino === fs.fstatSync(descriptor).ino
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
   * @param {NonNullable<ReturnType<typeof readContents>>} contents
   */
  constructor (settings, folder, file, descriptor, contents) {
    this.settings = settings
    this.folder = folder
    this.file = file
    this.descriptor = descriptor
    this.contents = contents
    this.end = contents.end
    this.highest = contents.highest
    const { pending, isUndecided } = standing(contents)
    this.pending = pending
    this.isUndecided = isUndecided
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
   */
  async run (isOver) {
    if (this.pending.length === 0) {
      this.finish()
      return true
    }
    const connection = await this.connect()
    if (!connection) return false
    try {
      while (this.pending.length > 0) {
        if (isOver() || !await this.sendBatch(connection)) return false
      }
      this.finish()
      // The daemon forgets the worker. So nothing may be left that could be sent again.
      await this.ask(connection, 0, commands.goodbye.number, Buffer.alloc(0))
      return true
    } finally {
      connection.destroy()
    }
  }

  /** Everything has its result. A file without undecided reports goes. */
  finish () {
    if (this.isUndecided) return
    fs.unlinkSync(this.file)
    syncFolder(this.folder)
  }

  /**
   * Says hello as the worker. Notes what must not be sent again, and the beginning, before anything is sent.
   *
   * @returns {Promise<Connection | null>}
   */
  connect () {
    const { worker, client } = this.contents
    const introduction = { workerHigh: worker.high, workerLow: worker.low, lastSequence: this.highest, client }
    return new Promise(resolve => {
      const connection = new Connection(this.settings.path, introduction, this.settings.connectTimeout, {
        onHello: hello => {
          this.begin(hello)
          resolve(connection)
        },
        onFrame: frame => this.waiting.get(frame.correlation)?.(frame),
        onEnd: () => {
          for (const take of this.waiting.values()) take(null)
          resolve(null)
        },
      })
      connection.hold(true)
    })
  }

  /**
   * @param {HelloReply} hello
   */
  begin (hello) {
    const { acquaintance } = this.contents
    const mayResend = !acquaintance || Object.assign(new Acquaintance(hello), acquaintance).allowsResending(hello)
    const isInDoubt = (/** @type {PendingReport} */ report) => !mayResend && report.mayHaveLeft
    const doubtful = this.pending.filter(isInDoubt)
    this.isUndecided ||= doubtful.length > 0
    this.pending = this.pending.filter(report => !isInDoubt(report))
    const reason = 'the daemon does not remember the worker, so the report may have counted'
    const noted = doubtful.map(({ sequence }) => resultRecord(sequence, results.inDoubt, reason))
    this.end = append(this.descriptor, this.end, [...noted, beginningRecord(new Acquaintance(hello))])
    for (const report of this.pending) if (report.permitEpoch !== hello.epoch) becomeSubstitute(report)
  }

  /**
   * Sends the reports with the lowest numbers and writes down what became of them. Returns whether to go on.
   *
   * @param {Connection} connection
   */
  async sendBatch (connection) {
    const batch = this.pending.slice(0, batchLength)
    const oldest = batch[0].sequence
    const frames = await Promise.all(batch.map(
      ({ command, payload, sequence }) => this.ask(connection, oldest, command, payload, sequence),
    ))
    let isWhole = true
    const noted = batch.flatMap((report, index) => {
      const frame = frames[index]
      if (!frame) {
        isWhole = false
        return []
      }
      const status = statusName(frame.detail)
      if (passing.has(status)) isWhole = false
      return this.note(report, status, frame.detail === 0 ? '' : frame.payload.text())
    })
    if (noted.length > 0) this.end = append(this.descriptor, this.end, noted)
    return isWhole
  }

  /**
   * What a reply means for a report. The report leaves the pending ones, or gets another number.
   *
   * @param {PendingReport} report
   * @param {string} status
   * @param {string} reason
   */
  note (report, status, reason) {
    const { sequence } = report
    if (status === 'sequenceOutOfOrder' || passing.has(status)) return this.renumber(report, results.renumbered)
    if (status === 'notFound' && report.substitute) return this.renumber(report, results.substituted)
    this.pending = this.pending.filter(other => other !== report)
    if (status === 'ok') return [resultRecord(sequence, results.delivered)]
    this.isUndecided = true
    const kind = status === 'outcomeUnknown' ? results.inDoubt : results.refused
    return [resultRecord(sequence, kind, `${status}: ${reason}`)]
  }

  /**
   * @param {PendingReport} report
   * @param {number} kind
   */
  renumber (report, kind) {
    const { sequence } = report
    this.highest += 1
    report.sequence = this.highest
    if (kind === results.substituted) becomeSubstitute(report)
    this.pending = [...this.pending.filter(other => other !== report), report]
    return [resultRecord(sequence, kind, '', this.highest)]
  }

  /**
   * Sends a request. Null if the connection ends or the reply does not come in time.
   *
   * @param {Connection} connection
   * @param {number} oldest
   * @param {number} command
   * @param {Buffer} payload
   * @param {number} [sequence]
   * @returns {Promise<import('./frames').Frame | null>}
   */
  ask (connection, oldest, command, payload, sequence) {
    const writer = new Writer(headLength + payload.length + 16)
    writer.room(headLength)
    if (sequence) writeRequestSequence(writer, { sequence, oldestUnacknowledged: oldest })
    payload.copy(writer.buffer, writer.room(payload.length))
    const correlation = this.waiting.size + 1
    writeHead(writer.buffer, 0, { command, correlation }, writer.offset - headLength)
    return new Promise(resolve => {
      const timer = setTimeout(() => take(null), batchTime)
      const take = (/** @type {import('./frames').Frame | null} */ frame) => {
        clearTimeout(timer)
        resolve(frame)
      }
      this.waiting.set(correlation, take)
      if (connection.hasEnded) take(null)
      else connection.write(writer.take())
    })
  }
}

module.exports = { deliverAll }
