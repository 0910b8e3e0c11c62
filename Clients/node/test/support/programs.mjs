// The daemon and the command line tool that the tests run.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const repository = fileURLToPath(new URL('../../../../', import.meta.url))

function program (variable, name) {
  const found = process.env[variable] ?? path.join(repository, '.build', 'debug', name)
  if (!existsSync(found)) throw new Error(`${found} does not exist; build it, or set ${variable}`)
  return found
}

export const fusebox = program('FUSEBOX_TOOL', 'fusebox')
export const fuseboxd = program('FUSEBOX_DAEMON', 'fuseboxd')
