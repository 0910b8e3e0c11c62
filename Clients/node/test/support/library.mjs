// The drop-in for llm-providers with a daemon of its own behind it.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { Daemon } from './daemon.mjs'

export const library = createRequire(import.meta.url)('../../src/llm-providers.js')

/** Starts a daemon for the objects of this test, and a client that sees it as another worker. */
export async function start (t, { profile = 'llm-providers', ...options } = {}) {
  const daemon = new Daemon(['--profile', profile])
  await daemon.run()
  const warnings = []
  const logger = { warn: text => warnings.push(text), info () {} }
  // What is not told stays as it was, and so for the next test.
  library.configure({
    socket: daemon.socket, spool: daemon.spool, requestTimeout: 10_000, logger, CircuitBreakerOpenError: undefined,
    ...options,
  })
  t.after(async () => {
    await library.close()
    await daemon.remove()
  })
  await library.ready
  const other = await daemon.connect()
  return { daemon, other, warnings, logger }
}

export const fail = async () => { throw new Error('boom') }
export const succeed = async () => 'ok'

/** Compares the members that are expected. */
export const like = (state, expected) => assert.deepEqual(
  Object.fromEntries(Object.keys(expected).map(key => [key, state[key]])), expected,
)

/** Draws what Math.random is to give. */
export const draw = (t, value) => t.mock.method(Math, 'random', () => value)
