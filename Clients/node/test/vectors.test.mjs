// Every example frame of the protocol, decoded and encoded.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync, mkdtempSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fusebox } from './support/programs.mjs'

const require = createRequire(import.meta.url)
const { Reader, Writer } = require('../src/wire.js')
const { writeHead, headLength, FrameReader } = require('../src/frames.js')
const { commands, readRequestSequence, writeRequestSequence } = require('../src/protocol/commands.js')
const { events, readEventEnvelope, writeEventEnvelope } = require('../src/protocol/events.js')
const { kinds } = require('../src/protocol/constants.js')
const { dollars } = require('../src/money.js')

const protocol = JSON.parse(
  execFileSync(fusebox, ['protocol', '--format', 'json'], { encoding: 'utf8', maxBuffer: 1 << 26 }),
)
const types = new Map(protocol.types.map(type => [type.name, type]))
const byNumber = new Map(Object.values(commands).map(command => [command.number, command]))

/** A decoded value as the vectors spell it. */
function spelled (type, value) {
  if (type.endsWith('?')) return value === null ? null : spelled(type.slice(0, -1).replace(/^\((.*)\)$/, '$1'), value)
  const list = /^list of (?:at most \d+ )?(.+)$/.exec(type)
  if (list) return value.map(element => spelled(list[1], element))
  switch (type) {
    case 'u64': case 'i64': case 'timestamp': return String(value)
    case 'money': return dollars(value)
    case 'bytes': return Buffer.from(value).toString('hex')
  }
  const declared = types.get(type)
  return declared?.fields ? record(declared.fields, value) : value
}

const record = (fields, value) => Object.fromEntries(fields.map(({ name, type }) => [name, spelled(type, value[name])]))

/** What reads and writes the fields of a frame, and their declaration. */
function codec ({ command: number, kind, detail }) {
  if (kind === 'event') {
    const event = events[number]
    return { ...event, fields: protocol.events.find(event => event.number === number).fields }
  }
  if (kind === 'push') {
    const { readReply: read, writeReply: write } = commands['admission.withdraw']
    return { read, write, fields: types.get('TicketEntry').fields }
  }
  if (detail !== 0) {
    return {
      fields: [{ name: 'message', type: 'text' }],
      read: reader => ({ message: reader.text() }),
      write: (writer, value) => writer.text(value.message, 'message'),
    }
  }
  const command = byNumber.get(number)
  const declared = protocol.commands.find(command => command.number === number)
  if (kind === 'request') return { read: command.read, write: command.write, fields: declared.request }
  return { read: command.readReply, write: command.writeReply, fields: declared.reply }
}

function * vectors () {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fusebox-vectors-'))
  try {
    execFileSync(fusebox, ['protocol', '--format', 'vectors', folder])
    for (const file of readdirSync(folder)) yield [file, JSON.parse(readFileSync(path.join(folder, file), 'utf8'))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('every vector decodes to its fields and encodes to its bytes', () => {
  let count = 0
  for (const [, { vectors: list }] of vectors()) {
    for (const vector of list) {
      const bytes = Buffer.from(vector.hex, 'hex')
      const frames = [...new FrameReader().push(bytes)]
      assert.equal(frames.length, 1, vector.name)
      const [frame] = frames
      const header = { command: frame.command, kind: frame.kind, detail: frame.detail, correlation: frame.correlation }
      assert.deepEqual(header, {
        command: vector.command, kind: kinds[vector.kind], detail: vector.detail, correlation: vector.correlation,
      }, vector.name)
      const { read, write, fields } = codec(vector)
      const writer = new Writer(1)
      writer.room(headLength)
      if (vector.sequence) {
        const sequence = readRequestSequence(frame.payload)
        assert.deepEqual(record(protocol.prefixes.RequestSequence, sequence), vector.sequence, vector.name)
        writeRequestSequence(writer, sequence)
      }
      if (vector.envelope) {
        const envelope = readEventEnvelope(frame.payload)
        assert.deepEqual(record(protocol.prefixes.EventEnvelope, envelope), vector.envelope, vector.name)
        writeEventEnvelope(writer, envelope)
      }
      const value = read(frame.payload)
      assert.equal(frame.payload.more(), false, vector.name)
      assert.deepEqual(record(fields, value), vector.fields, vector.name)
      write(writer, value)
      writeHead(writer.buffer, 0, header, writer.offset - headLength)
      assert.equal(writer.take().toString('hex'), vector.hex, vector.name)
      count += 1
    }
  }
  assert.ok(count > 500, `${count} vectors`)
})

test('frames are found whatever the pieces are in which they arrive', () => {
  for (const [file, { vectors: list }] of vectors()) {
    if (file !== 'conversation.json') continue
    const bytes = Buffer.from(list.map(vector => vector.hex).join(''), 'hex')
    for (const size of [1, 3, 7, 64, bytes.length]) {
      const reader = new FrameReader()
      const found = []
      for (let start = 0; start < bytes.length; start += size) {
        for (const frame of reader.push(bytes.subarray(start, start + size))) found.push(frame.command)
      }
      assert.deepEqual(found, list.map(vector => vector.command))
    }
  }
})

test('a reader passes over what a newer daemon adds to a record, and reads an unknown value as its number', () => {
  const { readBreakerEntry } = require('../src/protocol/records.js')
  const writer = new Writer()
  const { writeBreakerEntry } = require('../src/protocol/records.js')
  const status = {
    state: 77, consecutiveFailures: 0, failureThreshold: 5, share: 1, totalFailures: 0n, totalSuccesses: 0n,
    totalRequests: 0n, lastFailure: null, lastSuccess: null, lastRequest: null, nextAttempt: null, episode: 3,
    openedBy: null, resetTimeoutMilliseconds: 30_000n, failedRecoveries: 0, rates: null,
    minWorkers: 1, failedWorkers: 0, isHeldByWorkers: false,
  }
  const entry = { name: 'a', deployment: null, model: null, status }
  writeBreakerEntry(writer, entry)
  const bytes = writer.take()
  const grown = Buffer.concat([bytes, Buffer.from([1, 2, 3]), Buffer.from([9])])
  grown.writeUInt16LE(bytes.length - 2 + 3, 0)
  const reader = new Reader(grown)
  assert.deepEqual(readBreakerEntry(reader), entry)
  assert.equal(reader.u8(), 9)
})

test('values out of range are not written', () => {
  const { writeCandidate } = require('../src/protocol/records.js')
  for (const provider of ['', 'x'.repeat(128), 'a\nb', '\ud800', 7, undefined]) {
    assert.throws(() => writeCandidate(new Writer(), { provider }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  }
  const writer = new Writer()
  assert.throws(() => writer.u32(2 ** 32, 'n'), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  assert.throws(() => writer.i64(2 ** 53, 'n'), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  assert.throws(() => writer.money(1, 'n'), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  assert.throws(() => writer.f64(NaN, 'n'), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
})
