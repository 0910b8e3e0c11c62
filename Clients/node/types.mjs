#!/usr/bin/env node
// Checks the sources with TypeScript and writes the declarations of what is public to types/.
//
//   node types.mjs [FOLDER]
//
// Members that are marked @internal are left out, and so are files that no public declaration refers to. So the
// published types need no declarations of Node's modules.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import os from 'node:os'
import path from 'node:path'

const here = path.dirname(fileURLToPath(import.meta.url))
const entries = ['index', 'llm-providers'].filter(name => existsSync(path.join(here, 'src', `${name}.js`)))

/** The declarations, as paths with their text. */
export function declarations () {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-types-'))
  try {
    const { status, stdout, error } = spawnSync('tsc', ['-p', here, '--outDir', folder], { encoding: 'utf8' })
    if (error) throw new Error(`tsc does not run: ${error.message}; install node-typescript`)
    if (status !== 0) throw new Error(stdout)
    return reachable(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function reachable (folder) {
  const found = {}
  const waiting = entries.map(name => `${name}.d.ts`)
  for (const name of waiting) {
    if (name in found) continue
    const text = withoutUnusedImports(withoutInternals(readFileSync(path.join(folder, name), 'utf8')))
    found[name] = text
    for (const [, target] of text.matchAll(/(?:from |import\(|require\()["'](\.[^"']+)["']/g)) {
      waiting.push(path.join(path.dirname(name), `${target}.d.ts`))
    }
  }
  for (const name of entries) found[`${name}.d.mts`] = `export * from './${name}.js'\n`
  return found
}

/** Leaves out the members whose comment says @internal. */
function withoutInternals (text) {
  let rest = text
  for (;;) {
    const comment = /^ *\/\*\*(?:(?!\*\/)[\s\S])*?@internal[\s\S]*?\*\/\n/m.exec(rest)
    if (!comment) return rest
    const start = comment.index
    let end = start + comment[0].length
    for (let depth = 0; rest[end] !== ';' || depth > 0; end += 1) {
      if ('{(['.includes(rest[end])) depth += 1
      if ('})]'.includes(rest[end])) depth -= 1
    }
    rest = rest.slice(0, start) + rest.slice(end + 2)
  }
}

/** Files whose types nobody outside needs. */
const internals = /\.\/(exchange|frames|connection|lifetime|requests|wire|acquaintance)'/

/** Leaves out imports, and types that only name others, which nothing refers to any more. */
function withoutUnusedImports (text) {
  const lines = text.split('\n')
  return lines.filter(line => {
    const name = /^import \{ (\w+) \} from/.exec(line)?.[1] ?? /^export type (\w+) = import\(/.exec(line)?.[1]
    if (!name || (/^export type/.test(line) && !internals.test(line))) {
      return true
    }
    return lines.some(other => other !== line && new RegExp(`\\b${name}\\b`).test(other))
  }).join('\n')
}

function main ([folder = path.join(here, 'types')]) {
  rmSync(folder, { recursive: true, force: true })
  for (const [name, text] of Object.entries(declarations())) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
