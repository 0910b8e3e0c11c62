// The package as others get it: packed, installed offline into a clean folder, used by import, require and TypeScript,
// and its examples run against a real daemon.

import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { declarations } from '../types.mjs'
import { Daemon, until } from './support/daemon.mjs'
import { startProvider } from './support/provider.mjs'

const home = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-package-'))

before(() => {
  const quiet = { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }
  const offline = ['--offline', '--no-audit', '--no-fund', '--loglevel=error', '--cache', path.join(folder, 'cache')]
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder, ...offline, home], quiet),
  )
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n')
  execFileSync('npm', ['install', ...offline, path.join(folder, filename)], quiet)
  cpSync(path.join(home, 'examples'), path.join(folder, 'examples'), { recursive: true })
})

after(() => rmSync(folder, { recursive: true }))

const files = (root, under = '') => readdirSync(path.join(root, under), { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? files(root, path.join(under, entry.name)) : [path.join(under, entry.name)])

/** Has TypeScript check a program in the clean folder. */
const typecheck = (name, module, resolution) => spawnSync('tsc', [
  '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--module', module, '--moduleResolution',
  resolution, name,
], { cwd: folder, encoding: 'utf8' })

/** Starts a program in the clean folder. */
function run (daemon, file, environment = {}) {
  const process = spawn(globalThis.process.execPath, [path.join(folder, file)], {
    cwd: folder, stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...globalThis.process.env, FUSEBOX_SOCKET: daemon.socket, FUSEBOX_SPOOL: daemon.spool, ...environment },
  })
  const found = { process, out: '', ended: once(process, 'close') }
  process.stdout.on('data', text => { found.out += text })
  return found
}

test('the package has the sources, the types and the licence, and no dependency', () => {
  const packed = path.join(folder, 'node_modules', 'fusebox-client')
  const names = files(packed)
  for (const name of [
    'LICENSE', 'README.md', 'package.json', 'src/index.js', 'src/index.mjs', 'types/index.d.ts',
  ]) assert.ok(names.includes(name), name)
  assert.ok(names.every(name => !/^(test|check|examples)/.test(name)))
  const {
    dependencies, optionalDependencies, peerDependencies,
  } = JSON.parse(readFileSync(path.join(packed, 'package.json'), 'utf8'))
  assert.deepEqual([dependencies, optionalDependencies, peerDependencies], [undefined, undefined, undefined])
  assert.deepEqual(
    readdirSync(path.join(folder, 'node_modules')).filter(name => !name.startsWith('.')), ['fusebox-client'],
  )
})

for (const [entry, least] of [['fusebox-client', 15], ['fusebox-client/llm-providers', 10]]) {
  test(`import and require give the same classes, ${entry}`, () => {
    writeFileSync(path.join(folder, 'both.mjs'), `
      import { createRequire } from 'node:module'
      import * as imported from '${entry}'
      const required = createRequire(import.meta.url)('${entry}')
      const names = new Set([...Object.keys(required), ...Object.keys(imported).filter(name => name !== 'default')])
      for (const name of names) if (required[name] !== imported[name]) throw new Error(name)
      console.log(names.size)
    `)
    assert.ok(Number(execFileSync(process.execPath, ['both.mjs'], { cwd: folder, encoding: 'utf8' })) >= least)
  })
}

test('the committed declarations are those of the sources', () => {
  const committed = path.join(home, 'types')
  const generated = declarations()
  assert.deepEqual(files(committed).sort(), Object.keys(generated).sort())
  for (const [name, text] of Object.entries(generated)) {
    assert.equal(readFileSync(path.join(committed, name), 'utf8'), text, `${name}: run types.mjs`)
  }
})

const program = `
  import { connect, Client, AdmissionDeniedError, type CallOutcome, type Usage } from 'fusebox-client'
  export async function ask (): Promise<string> {
    const client: Client = await connect({ failurePolicy: 'open', requestTimeout: 500 })
    const { entries } = await client.call('breaker.list', { cursor: 0 })
    const names: string[] = entries.map(entry => entry.name)
    for await (const account of client.list('ledger.models', { provider: 'openai' })) names.push(account.model)
    const { spend }: { spend: bigint } = await client.call('ledger.total')
    for await (const event of client.events(['breaker'])) {
      if (event.name === 'breakerTransition') names.push(event.fields.name)
    }
    const usage: Usage = { cost: spend, inputTokens: 1 }
    const outcome: CallOutcome = { outcome: 'success', usage }
    await client.settle(await client.admit('openai'), outcome)
    const response: Response = await client.fetch(['openai'], permit => permit.provider)
    const opened = async (model: string): Promise<AsyncIterable<{ text: string }>> => { throw new Error(model) }
    for await (const chunk of client.stream('openai/m', { tokens: 9 }, permit => opened(permit.model ?? ''))) {
      names.push(chunk.text)
    }
    await client.report('openai', { outcome: 'unauthorized', markScope: 'route' })
    try {
      return await client.withPermit('openai/gpt-4o', { tags: ['a'], cost: '0.01' }, async permit => {
        permit.usage(await response.json())
        return permit.provider
      })
    } catch (error) {
      if (error instanceof AdmissionDeniedError) return error.reasons[0].candidate.provider
      throw error
    }
  }
`
const wrong = `
  import { connect } from 'fusebox-client'
  connect().then(async client => {
    await client.call('breaker.lst', { cursor: 0 })
    await client.settle(await client.admit('openai'), 'sucess')
    client.list('ping')
    for await (const entry of client.list('breaker.list')) entry.nme
    await connect({ failurePolicy: 'maybe' })
    client.exchange
  })
`

for (const [module, resolution] of [['commonjs', 'node'], ['node16', 'node16']]) {
  test(`TypeScript programs compile without @types/node, modules ${module}`, () => {
    const compile = (name, text) => {
      writeFileSync(path.join(folder, name), text)
      return typecheck(name, module, resolution)
    }
    for (const ending of module === 'node16' ? ['mts', 'cts'] : ['ts']) {
      const right = compile(`right.${ending}`, program)
      assert.equal(right.status, 0, right.stdout)
      const { status, stdout } = compile(`wrong.${ending}`, wrong)
      assert.notEqual(status, 0)
      assert.equal(stdout.match(/error TS/g).length, 6, stdout)
    }
  })
}

test('example: ask the first provider that may be called', async t => {
  const daemon = await Daemon.start(t)
  const { out, ended } = await finished(run(daemon, 'examples/ask.mjs'))
  assert.deepEqual(await ended, [0, null])
  assert.equal(out, 'claude-sonnet-4 says: they melt\n')
  const client = await daemon.connect()
  assert.deepEqual((await client.call('exhaustion.list', { cursor: 0n })).entries.map(mark => mark.provider), ['openai'])
  const { account } = await client.call('ledger.account', { scope: { tag: 'team:docs' } })
  assert.deepEqual([account.usage.inputTokens, account.usage.outputTokens], [12n, 34n])
})

async function finished (program) {
  await program.ended
  return program
}

/** The block of a page that has these words, as a program with what it takes for given. */
function block (page, words, ...rest) {
  const blocks = [...readFileSync(path.join(home, page), 'utf8').matchAll(/^ *```js\n([^]*?)^ *```$/gm)]
  const found = blocks.map(([, text]) => text).filter(text => text.includes(words))
  assert.equal(found.length, 1, `${found.length} blocks of ${page} have the words ${words}`)
  const connects = "import { connect } from 'fusebox-client'\nconst client = await connect()\n"
  const text = [found[0].includes('import ') ? '' : connects, ...found, ...rest].join('\n')
  writeFileSync(path.join(folder, 'block.mjs'), `${text}\nawait client.close()\n`)
  return 'block.mjs'
}

/** Puts what is not hoisted before a program. */
const prepend = (file, text) =>
  writeFileSync(path.join(folder, file), text + readFileSync(path.join(folder, file), 'utf8'))

const provider = `
  async function call (provider, model, prompt) {
    if (provider === 'openai') throw Object.assign(new Error('slow down'), { status: 503 })
    return { text: model + ' says: they melt', usage: { input_tokens: 12, output_tokens: 34 } }
  }
`
const ask = provider.replace('call (', 'ask (')
const sdk = `
  const openai = { chat: { completions: { async create ({ model, stream_options: options }) {
    const chunks = ['they ', 'melt'].map(content => ({ choices: [{ delta: { content } }] }))
    return (async function * () {
      yield * chunks
      if (options.include_usage) yield { choices: [], usage: { prompt_tokens: 12, completion_tokens: 34 } }
    })()
  } } } }
  const messages = []
`

const makers = `
  class OpenAI {
    constructor ({ fetch }) { this.fetch = fetch }
    async ask () {
      const refuse = { method: 'POST', body: '{"model":"m"}' }
      await client.call('exhaustion.mark', { provider: 'openai', model: 'm', resetAfterMilliseconds: 60_000 })
      return (await this.fetch('https://api.openai.com/v1/chat/completions', refuse)).status
    }
  }
`

test('the examples of the pages run as they stand', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const output = async provider => (await client.call('ledger.provider', { provider })).account?.usage.outputTokens
  const printed = async file => {
    const { out, ended } = await finished(run(daemon, file))
    assert.deepEqual(await ended, [0, null])
    return out
  }
  const main = block('../../README.md', 'fusebox-client', provider, "console.log(await ask('How do fuses work?'))")
  assert.equal(await printed(main), 'claude-sonnet-4 says: they melt\n')
  assert.deepEqual([await output('openai'), await output('anthropic')], [0n, 34n])
  const first = block('README.md', 'const candidates', ask, 'console.log(answer)')
  assert.equal(await printed(first), 'claude-sonnet-4 says: they melt\n')
  const streamed = block('README.md', 'client.stream')
  prepend(streamed, sdk)
  assert.equal(await printed(streamed), 'they melt')
  assert.deepEqual([await output('openai'), await output('anthropic')], [34n, 68n])
  const sdks = block('README.md', 'new OpenAI', 'console.log(await openai.ask())')
  prepend(sdks, makers)
  assert.equal(await printed(sdks), '429\n')
  await client.call('breaker.reset', { name: 'openai', mustBeKnown: true })
  const waiting = block('README.md', 'priority: 5', ask.replace("'openai'", "'nobody'"), 'console.log(answer.text)')
  assert.equal(await printed(waiting), 'gpt-4o says: they melt\n')
})

test('example: a server that answers with a provider\'s stream', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect()
  const provider = await startProvider(t)
  const totals = async () => (await client.call('admission.permits', { cursor: 0n })).totals
  /** Starts the server before providers that answer like this. Checks what a reader gets. */
  const serve = async (path, settles, check) => {
    const before = (await totals()).settled
    const url = provider + path
    const server = run(daemon, 'examples/server.mjs', { OPENAI_URL: url, GROQ_URL: url, PORT: '0' })
    t.after(() => server.process.kill('SIGKILL'))
    await until(() => /listening on \d+\n/.test(server.out))
    await check(`http://127.0.0.1:${/listening on (\d+)/.exec(server.out)[1]}`)
    await until(async () => (await totals()).settled === before + BigInt(settles))
    server.process.kill('SIGTERM')
    assert.deepEqual(await server.ended, [0, null])
  }
  const question = { method: 'POST', body: 'How do fuses work?', headers: { 'x-user': '42' } }
  await serve('/stream', 1, async url => assert.match(await (await fetch(url, question)).text(), /\[DONE\]/))
  await serve('/endless', 1, async url => {
    const reader = (await fetch(url, question)).body.getReader()
    await reader.read()
    await reader.cancel()
  })
  await serve('/silent', 1, async url => {
    const controller = new AbortController()
    const answer = fetch(url, { ...question, signal: controller.signal })
    await until(async () => (await totals()).outstanding === 1n)
    controller.abort()
    await assert.rejects(answer, { name: 'AbortError' })
  })
  // Both providers are asked, and marked.
  await serve('/throttled', 2, async url => assert.equal((await fetch(url, question)).status, 429))
  await serve('/ok', 0, async url => {
    const denied = await fetch(url, question)
    assert.equal(denied.status, 429)
    assert.ok(Number(denied.headers.get('retry-after')) > 0)
    assert.match(await denied.text(), /openai\/gpt-4o: exhausted, groq/)
  })
  const { account } = await client.call('ledger.account', { scope: { tag: 'user:42' } })
  assert.equal(account.usage.outputTokens, 201n)
  assert.equal((await client.call('breaker.get', { name: 'openai' })).status.consecutiveFailures, 0)
})

test('example: a watcher that comes back after a restart', async t => {
  const daemon = await Daemon.start(t)
  const client = await daemon.connect({ restartPatience: 60_000 })
  const watcher = run(daemon, 'examples/watch.cjs')
  t.after(() => watcher.process.kill('SIGKILL'))
  let count = 0
  const mark = async expected => {
    await until(async () => {
      await client.call('exhaustion.mark', { provider: `p${count += 1}`, resetAfterMilliseconds: 60_000 })
      return watcher.out.includes(expected)
    })
  }
  await mark('exhausted')
  await daemon.restart()
  await until(() => watcher.out.includes('connected again'))
  watcher.out = ''
  await mark('exhausted')
})

test('TypeScript programs compile against the drop-in for llm-providers', () => {
  writeFileSync(path.join(folder, 'library.ts'), `
    import {
      CircuitBreakerManager, CreditLedger, ExhaustionRegistry, configure, quotaHooks, ready,
      type CircuitBreakerManagerSnapshot, type CreditLedgerSnapshot, type DepletionTier, type ExhaustionEntry,
      type LedgerEvent, type RateLimitCheck,
    } from 'fusebox-client/llm-providers'
    class OpenError extends Error {
      constructor (readonly provider: string, readonly retryAfterSec = 0) { super(provider) }
    }
    export const isUrgent = (event: LedgerEvent): boolean =>
      event.type === 'depletion_projected' && event.tier === ('depletion_emergency' as DepletionTier)
    export const entry = (registry: ExhaustionRegistry): ExhaustionEntry | undefined => registry.getEntry('openai')
    export const hooks = { onQuotaDenied: quotaHooks.onQuotaDenied }
    export function states (manager: CircuitBreakerManager, ledger: CreditLedger) {
      const breakers: CircuitBreakerManagerSnapshot = manager.snapshot()
      const spent: CreditLedgerSnapshot = ledger.snapshot()
      const check: RateLimitCheck = ledger.checkRateLimit('openai', 'rpm')
      return [breakers, spent.spendHistory?.length, check.allowed]
    }
    export async function work (): Promise<number> {
      configure({ socket: '/tmp/socket', logger: console, CircuitBreakerOpenError: OpenError })
      await ready
      const manager = new CircuitBreakerManager({ failureThreshold: 3 })
      const answer: string = await manager.execute('openai', async () => 'answer')
      const registry = new ExhaustionRegistry()
      registry.markExhausted('openai', 1_000)
      const ledger = new CreditLedger({ budgets: [{ provider: 'openai', monthlyBudget: 5, rateLimits: { rpm: 60 } }] })
      ledger.on(event => { if (event.type === 'threshold_crossed') console.log(event.tier) })
      ledger.record('openai', 'gpt-4o', 0.01, answer.length, 1)
      return ledger.remainingBalance('openai') ?? manager.getBreaker('openai').getState().consecutiveFailures
    }
  `)
  for (const [module, resolution] of [['commonjs', 'node'], ['node16', 'node16']]) {
    const { status, stdout } = typecheck('library.ts', module, resolution)
    assert.equal(status, 0, stdout)
  }
})
