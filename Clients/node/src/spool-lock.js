'use strict'

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')

// The locks of the spool: a process that works on a file holds its flock(2). Node has no call for it, so the program of
// that name locks the descriptor that both have. The lock stays until this process closes it.

/** How long the program may take, in milliseconds, where a process that ends waits for it. */
const longestWait = 1_000

/**
 * Whether a file or folder belongs to this user, and no other user has access.
 *
 * @param {import('node:fs').Stats} status
 */
const isPrivate = ({ uid, mode }) => uid === process.geteuid() && (mode & 0o077) === 0

/**
 * Opens a file and locks it. Null if it is not a file of this user alone, another process works on it, or has just
 * removed it.
 *
 * @param {string} file
 */
async function openLocked (file) {
  const descriptor = open(file)
  if (descriptor === null) return null
  if (await lock(descriptor) && isOwnFile(descriptor) && refersTo(file, descriptor)) return descriptor
  fs.closeSync(descriptor)
  return null
}

/** @param {string} file */
function open (file) {
  try {
    return fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
  } catch (error) {
    return null
  }
}

/** @param {number} descriptor */
function isOwnFile (descriptor) {
  const status = fs.fstatSync(descriptor)
  return status.isFile() && isPrivate(status) && status.nlink === 1
}

/**
 * Locks a file. Returns whether this process has the lock.
 *
 * @param {number} descriptor
 * @returns {Promise<boolean>}
 */
function lock (descriptor) {
  return new Promise(resolve => {
    try {
      const child = spawn('flock', words, { stdio: ['ignore', 'ignore', 'ignore', descriptor] })
      child.on('error', () => resolve(false))
      child.on('exit', status => resolve(status === 0))
    } catch (error) {
      resolve(false)
    }
  })
}

/**
 * Locks a file without returning to the event loop: the process may be about to end.
 *
 * @param {number} descriptor
 */
function lockNow (descriptor) {
  spawnSync('flock', words, { stdio: ['ignore', 'ignore', 'ignore', descriptor], timeout: longestWait })
}

const words = ['-n', '-x', '3']

/**
 * Whether the name still refers to this file. Another process may have delivered it meanwhile.
 *
 * @param {string} file
 * @param {number} descriptor
 */
function refersTo (file, descriptor) {
  const named = fs.lstatSync(file, { throwIfNoEntry: false })
  return named !== undefined && named.ino === fs.fstatSync(descriptor).ino
}

module.exports = { isPrivate, lock, lockNow, openLocked, refersTo }
