// A process that leaves or delivers reports, and is killed before one of its steps on the disk.
//
//   node spool-process.mjs leave|deliver SOCKET FOLDER STEP LONGEST
//
// The reports that it leaves come as JSON at its input. It rewrites files that are longer than LONGEST. It prints the
// number of its steps if it is not killed.

import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [task, socket, spool, last, longest] = process.argv.slice(2)
require('../../src/spool-folder.js').longestFile = Number(longest)
const { leaveReports } = require('../../src/spool.js')
const { deliverAll } = require('../../src/spool-delivery.js')
const { newWorker } = require('../../src/requests.js')
const { settings } = require('../../src/options.js')

let steps = 0

for (const name of ['openSync', 'ftruncateSync', 'writeSync', 'fsyncSync', 'renameSync', 'unlinkSync', 'rmSync']) {
  const original = fs[name]
  fs[name] = (...words) => {
    steps += 1
    if (steps === Number(last)) {
      // A crash in the middle of a write leaves a part of it.
      if (name === 'writeSync') original(words[0], words[1], words[2], words[3] >> 1, words[4])
      process.kill(process.pid, 'SIGKILL')
    }
    return original(...words)
  }
}

const own = settings({ socket, spool })
if (task === 'deliver') {
  await deliverAll(own, [spool], () => false)
} else {
  const reports = JSON.parse(fs.readFileSync(0, 'utf8'))
  steps = 0
  const { failure } = leaveReports(own, {
    reports: reports.map(report => ({ ...report, payload: Buffer.from(report.payload, 'hex') })),
    worker: newWorker(), lastSequence: reports.length, acquaintance: null,
  })
  if (failure) throw failure
}
fs.writeFileSync(1, String(steps))
