// A real daemon in a temporary folder.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, openSync, closeSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { once } from 'node:events'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fusebox, fuseboxd } from './programs.mjs'

const require = createRequire(import.meta.url)
export const { connect } = require('../../src/index.js')

export class Daemon {
  /** Starts a daemon and waits until it listens. It ends with the test. */
  static async start (t, ...flags) {
    const daemon = new Daemon(flags)
    t.after(() => daemon.remove())
    await daemon.run()
    return daemon
  }

  constructor (flags = []) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-node-'))
    this.socket = path.join(this.folder, 'socket')
    this.data = path.join(this.folder, 'data')
    this.spool = path.join(this.folder, 'spool')
    this.log = path.join(this.folder, 'log')
    this.flags = flags
    this.process = null
    this.clients = []
  }

  async run () {
    const log = openSync(this.log, 'a')
    const process = spawn(
      fuseboxd, ['--socket', this.socket, '--data', this.data, ...this.flags], { stdio: ['ignore', 'ignore', log] },
    )
    closeSync(log)
    this.process = process
    this.ended = once(process, 'exit')
    await until(() => this.answers(), () => `the daemon does not listen: ${readFileSync(this.log, 'utf8')}`)
  }

  answers () {
    return new Promise((resolve, reject) => {
      if (this.process.exitCode !== null) {
        return reject(new Error(`the daemon has ended: ${readFileSync(this.log, 'utf8')}`))
      }
      const socket = net.createConnection(this.socket)
      socket.on('connect', () => { socket.destroy(); resolve(true) })
      socket.on('error', () => resolve(false))
    })
  }

  /** Ends the daemon, by default like a crash. */
  async kill (signal = 'SIGKILL') {
    if (!this.process) return
    this.process.kill(signal)
    await this.ended
    this.process = null
  }

  async restart (signal) {
    await this.kill(signal)
    await this.run()
  }

  async connect (options = {}) {
    const client = await connect({ socket: this.socket, spool: this.spool, requestTimeout: 10_000, ...options })
    this.clients.push(client)
    return client
  }

  /** Runs the command line tool. Returns what it prints. */
  async tool (...command) {
    const process = spawn(fusebox, command, {
      env: {
        ...globalThis.process.env, FUSEBOX_SOCKET: this.socket, FUSEBOX_SPOOL: this.spool,
      }, stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let error = ''
    process.stdout.on('data', text => { out += text })
    process.stderr.on('data', text => { error += text })
    const [status] = await once(process, 'close')
    if (status !== 0) throw new Error(`fusebox ${command.join(' ')}: ${status}\n${out}${error}`)
    return out
  }

  async remove () {
    await Promise.all(this.clients.map(client => client.close()))
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits until a condition holds. */
export async function until (condition, message = () => 'the condition does not come true', patience = 60_000) {
  const end = Date.now() + patience
  while (!await condition()) {
    if (Date.now() > end) throw new Error(message())
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
