// What is committed is what the generator makes of this daemon's protocol.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import test from 'node:test'
import { modules } from '../generate.mjs'
import { fusebox } from './support/programs.mjs'

test('the codec is generated from the protocol as it is', () => {
  const protocol = JSON.parse(
    execFileSync(fusebox, ['protocol', '--format', 'json'], { encoding: 'utf8', maxBuffer: 1 << 26 }),
  )
  const folder = fileURLToPath(new URL('../src/protocol', import.meta.url))
  const generated = modules(protocol)
  assert.deepEqual(readdirSync(folder).sort(), Object.keys(generated).sort())
  for (const [name, text] of Object.entries(generated)) {
    assert.equal(readFileSync(path.join(folder, name), 'utf8'), text, `${name}: run generate.mjs`)
  }
})
