// The ring of requests without a reply, beside a Map.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test from 'node:test'

const { SentRequests } = createRequire(import.meta.url)('../src/sent-requests.js')

test('it holds what a map would, in the order of sending, also after the highest id', () => {
  const sent = new SentRequests(0xffff_ffff - 500)
  const model = new Map()
  let random = 42
  const draw = most => {
    random = Math.imul(random, 1_664_525) + 1_013_904_223 >>> 0
    return Math.floor(random / 2 ** 32 * most)
  }
  let mostHeld = 0
  for (let step = 0; step < 20_000; step += 1) {
    // It grows to hundreds and shrinks again. Old ones stay, so that places are taken when their turn comes.
    if (draw(10) < (step % 4_000 < 2_000 ? 6 : 4)) {
      const request = { name: step }
      const correlation = sent.add(request)
      assert.ok(correlation > 0 && correlation <= 0xffff_ffff && !model.has(correlation))
      model.set(correlation, request)
    } else if (model.size > 0) {
      const ids = [...model.keys()]
      const correlation = ids[draw(10) === 0 ? draw(ids.length) : ids.length - 1]
      assert.equal(sent.get(correlation), model.get(correlation))
      sent.delete(correlation)
      model.delete(correlation)
      assert.equal(sent.get(correlation), undefined)
    }
    assert.equal(sent.size, model.size)
    mostHeld = Math.max(mostHeld, model.size)
    if (step % 500 === 0) assert.deepEqual(sent.values(), [...model.values()])
  }
  assert.ok(mostHeld > 200)
  sent.clear()
  assert.deepEqual([sent.size, sent.values()], [0, []])
})
