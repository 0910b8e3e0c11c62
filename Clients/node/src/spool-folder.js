'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { randomBytes } = require('node:crypto')
const { append } = require('./spool-records')
const { isPrivate, lockNow, refersTo } = require('./spool-lock')

/** @typedef {import('./options').Settings} Settings */

// A user's spool: the folders in which it may be, and the files in them. The rules are in proto-docs/spool.md.

const suffix = '.spool'
/** A file that its writer has not named yet. */
const partSuffix = '.part'
const mostFiles = 8_192
const mostBytes = 64 << 20
/** Bytes that are put into one file. A longer one is rewritten before its next delivery. */
const longestFile = 16 << 20

/**
 * The folders of a client's spool, the best first.
 *
 * @param {Settings} settings
 * @returns {string[]}
 */
function spoolFolders ({ spool }) {
  if (spool === false) return []
  if (typeof spool === 'string') return [spool]
  const { FUSEBOX_SPOOL: chosen, XDG_STATE_HOME: state, HOME: home } = process.env
  if (chosen) return [chosen]
  const everybodys = `/var/tmp/fusebox-spool-${process.geteuid()}`
  if (state?.startsWith('/')) return [path.join(state, 'fusebox', 'spool'), everybodys]
  if (home?.startsWith('/') && isOwnFolder(home)) return [path.join(home, '.local/state/fusebox/spool'), everybodys]
  return [everybodys]
}

/**
 * Whether a home is there and this user's. A missing one is not made, and another user's is not used.
 *
 * @param {string} folder
 */
function isOwnFolder (folder) {
  const status = fs.statSync(folder, { throwIfNoEntry: false })
  return status !== undefined && status.isDirectory() && status.uid === process.geteuid()
}

/**
 * Checks that a folder is there, and that it is this user's alone.
 *
 * @param {string} folder
 * @throws {Error} if it is not
 */
function checkFolder (folder) {
  const status = fs.lstatSync(folder)
  if (status.isDirectory() && isPrivate(status)) return
  throw new Error(`${folder} is not a folder of this user alone (mode 0700)`)
}

/**
 * Makes a folder and those above it if they are missing, but nothing in another user's folder.
 *
 * @param {string} folder
 * @throws {Error} if it cannot be made, or is not this user's alone
 */
function makeFolder (folder) {
  if (!fs.existsSync(folder)) makeMissing(folder)
  checkFolder(folder)
}

/** @param {string} folder */
function makeMissing (folder) {
  const parent = path.dirname(folder)
  const status = fs.statSync(parent, { throwIfNoEntry: false })
  if (!status) {
    makeMissing(parent)
  } else if (status.uid !== process.geteuid() && (status.mode & 0o1002) !== 0o1002) {
    // The environment may name another user's home. /var/tmp is open to all users.
    throw new Error(`${parent} is another user's folder`)
  }
  try {
    fs.mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process has made it meanwhile.
    if (/** @type {any} */ (error).code === 'EEXIST') return
    throw error
  }
  syncFolder(parent)
}

/** @param {string} folder */
function syncFolder (folder) {
  const descriptor = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * Whether a name has the form that the spool gives: milliseconds, and random digits.
 *
 * @param {string} name @param {string} [end]
 */
const isOwnName = (name, end = suffix) => name.endsWith(end) && /^\d{13}-[0-9a-f]{16}$/.test(name.slice(0, -end.length))

/**
 * Checks the limits on the files and bytes of a folder. Other processes may write and deliver files meanwhile.
 *
 * @param {string} folder @param {number} length the bytes of another file
 * @throws {Error} if it would exceed one
 */
function checkRoom (folder, length) {
  if (length > longestFile) throw new Error(`reports of ${length} bytes are longer than a file of the spool`)
  let files = 0
  let bytes = length
  for (const name of fs.readdirSync(folder)) {
    if (!isOwnName(name) && !isOwnName(name, partSuffix)) continue
    const status = fs.lstatSync(path.join(folder, name), { throwIfNoEntry: false })
    if (!status) continue
    files += 1
    bytes += status.size
  }
  if (files < mostFiles && bytes <= mostBytes) return
  throw new Error(`the spool ${folder} is full; deliver it with \`fusebox spool deliver\``)
}

/**
 * Writes a file to the first folder that can be used. It is there completely or not at all, and on disk when this
 * returns.
 *
 * @param {string[]} folders the best first @param {Buffer} data
 * @param {number} rank files of one client, in their order
 * @returns {string} its path
 * @throws {Error} why the last of the folders did not take it
 */
function writeFile (folders, data, rank) {
  let failure
  for (const folder of folders) {
    try {
      makeFolder(folder)
      checkRoom(folder, data.length)
      return write(folder, data, rank)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

/** @param {string} folder @param {Buffer} data @param {number} rank */
function write (folder, data, rank) {
  const moment = String(Date.now() + rank).padStart(13, '0')
  const name = path.join(folder, `${moment}-${randomBytes(8).toString('hex')}`)
  const part = name + partSuffix
  const file = name + suffix
  const descriptor = fs.openSync(part, 'wx', 0o600)
  try {
    // Without a lock it must be done within ten seconds: a client may then take the writer for dead.
    lockNow(descriptor)
    append(descriptor, 0, [data])
    nameFile(part, file, descriptor)
    syncFolder(folder)
  } catch (error) {
    // The caller is told that the reports are not kept. So they must not be delivered.
    for (const left of [part, file]) fs.rmSync(left, { force: true })
    throw error
  } finally {
    fs.closeSync(descriptor)
  }
  return file
}

/**
 * Gives a file its name. Another process may have done it, if this one has no lock and was slow.
 *
 * @param {string} part @param {string} file @param {number} descriptor
 */
function nameFile (part, file, descriptor) {
  try {
    fs.renameSync(part, file)
  } catch (error) {
    if (!refersTo(file, descriptor)) throw error
  }
}

/**
 * The name under which a file is rewritten. Only a process with the lock of the file itself does that.
 *
 * @param {string} file
 */
const partOf = file => file.slice(0, -suffix.length) + partSuffix

/**
 * Removes a file that this process has locked. What is left of a rewriting goes first: as soon as the file is gone, it
 * would be taken for a file that its writer could not name.
 *
 * @param {string} folder @param {string} file
 */
function removeFile (folder, file) {
  if (fs.existsSync(partOf(file))) {
    fs.rmSync(partOf(file), { force: true })
    syncFolder(folder)
  }
  fs.unlinkSync(file)
  syncFolder(folder)
}

module.exports = {
  checkFolder, isOwnName, longestFile, partOf, partSuffix, removeFile, spoolFolders, suffix, syncFolder, writeFile,
}
