// A process of the stress test of the spool, which is in Clients/python/tests/test_spool_stress.py.
//
//   node spool-stress.mjs leave SOCKET FOLDER FILES REPORTS
//   node spool-stress.mjs deliver SOCKET FOLDER
//
// The payload of the reports that it leaves comes at its input. It prints a line for each file that is kept. A deliverer
// goes on until its input ends.

import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const folders = require('../../src/spool-folder.js')
const { leaveReports } = require('../../src/spool.js')
const { newWorker } = require('../../src/requests.js')
const { settings } = require('../../src/options.js')
const { commands } = require('../../src/protocol/commands.js')
// Files are rewritten often.
folders.longestFile = 500
const { deliverAll } = require('../../src/spool-delivery.js')

const [task, socket, spool, files, count] = process.argv.slice(2)
const own = settings({ socket, spool })

if (task === 'leave') {
  const payload = Buffer.from(fs.readFileSync(0, 'utf8').trim(), 'hex')
  const command = commands['admission.report'].number
  const reports = Array.from(
    { length: Number(count) }, (_, index) => ({ sequence: index + 1, command, payload, mayHaveLeft: false }),
  )
  for (let file = 0; file < Number(files); file += 1) {
    const { failure } = leaveReports(own, { reports, worker: newWorker(), lastSequence: reports.length, acquaintance: null })
    if (failure) throw failure
    fs.writeSync(1, 'kept\n')
  }
} else {
  let isOver = false
  process.stdin.on('end', () => { isOver = true })
  process.stdin.resume()
  while (!isOver) {
    await deliverAll(own, [spool], () => isOver)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
