// Usage objects of the main APIs, as in proto-docs/prices.md.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test from 'node:test'

const { Report, readUsage, findUsage, sentUsage } = createRequire(import.meta.url)('../src/usage.js')

const cases = [
  ['OpenAI chat', {
    id: 'chatcmpl-1', model: 'gpt-4o-2024', usage: {
      prompt_tokens: 2006, completion_tokens: 300, total_tokens: 2306, prompt_tokens_details: { cached_tokens: 1920 },
      completion_tokens_details: { reasoning_tokens: 100 },
    },
  }, {
    model: 'gpt-4o-2024', call: 'chatcmpl-1', inputTokens: 86, cachedInputTokens: 1920, outputTokens: 200,
    reasoningTokens: 100,
  }],
  ['reasoning beside the completion', {
    prompt_tokens: 10, completion_tokens: 20, total_tokens: 35, completion_tokens_details: { reasoning_tokens: 5 },
  }, { inputTokens: 10, outputTokens: 20, reasoningTokens: 5 }],
  ['embeddings', { usage: { prompt_tokens: 8, total_tokens: 8 } }, { inputTokens: 8, outputTokens: 0 }],
  [
    'DeepSeek', { prompt_tokens: 10, prompt_cache_hit_tokens: 4, completion_tokens: 1 },
    { inputTokens: 6, cachedInputTokens: 4, outputTokens: 1 },
  ],
  [
    'OpenRouter', { usage: { prompt_tokens: 1, completion_tokens: 2, cost: 0.00014 } },
    { inputTokens: 1, outputTokens: 2, cost: 140_000n },
  ],
  ['OpenAI responses', {
    response: { id: 'r', model: 'o3', usage: {
      input_tokens: 75, input_tokens_details: { cached_tokens: 5 }, output_tokens: 1186,
      output_tokens_details: { reasoning_tokens: 1024 }, total_tokens: 1261,
    } },
  }, { model: 'o3', call: 'r', inputTokens: 70, cachedInputTokens: 5, outputTokens: 162, reasoningTokens: 1024 }],
  ['Anthropic', { input_tokens: 3, cache_read_input_tokens: 9, cache_creation_input_tokens: 4, output_tokens: 5 },
    { inputTokens: 3, cachedInputTokens: 9, cacheWriteTokens: 4, outputTokens: 5 }],
  ['Anthropic with thinking', {
    input_tokens: 21, cache_read_input_tokens: 1024, cache_creation_input_tokens: 188_086, output_tokens: 393,
    output_tokens_details: { thinking_tokens: 200 },
  }, { inputTokens: 21, cachedInputTokens: 1024, cacheWriteTokens: 188_086, outputTokens: 193, reasoningTokens: 200 }],
  ['Gemini', { modelVersion: 'gemini-2.5', usageMetadata: {
    promptTokenCount: 10, cachedContentTokenCount: 4, toolUsePromptTokenCount: 2, thoughtsTokenCount: 7,
    totalTokenCount: 19,
  } },
    { model: 'gemini-2.5', inputTokens: 8, cachedInputTokens: 4, outputTokens: 0, reasoningTokens: 7 }],
  [
    'Bedrock', { usage: { inputTokens: 30, outputTokens: 628, cacheReadInputTokens: 1 } },
    { inputTokens: 30, outputTokens: 628, cachedInputTokens: 1 },
  ],
  [
    'Ollama', { model: 'llama', prompt_eval_count: 26, eval_count: 298 },
    { model: 'llama', inputTokens: 26, outputTokens: 298 },
  ],
]

for (const [name, document, expected] of cases) {
  test(`usage of ${name} is understood`, () => assert.deepEqual(readUsage(document), expected))
}

test('an object without usage is an error, one whose usage is null tells nothing', () => {
  assert.throws(() => readUsage({ a: 1 }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  assert.equal(findUsage({ a: 1 }), undefined)
  assert.deepEqual(readUsage({ id: 'x', usage: null }), { call: 'x' })
  assert.ok(findUsage({ id: 'x', usage: null }).isEmpty)
})

test('numbers out of range are refused', () => {
  for (const prompt_tokens of [-1, 1.5, 2 ** 32, '7']) {
    assert.throws(() => readUsage({ prompt_tokens }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  }
  assert.throws(() => readUsage({ prompt_tokens: 1, cost: -1 }), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
})

const streams = [
  [
    'the last numbers count', [
      { message: { id: 'm', model: 'claude', usage: { input_tokens: 25, cache_read_input_tokens: 4, output_tokens: 1 } } },
      { usage: { output_tokens: 50, output_tokens_details: { thinking_tokens: 30 } } },
    ], { model: 'claude', inputTokens: 25, cachedInputTokens: 4, outputTokens: 20, reasoningTokens: 30 },
  ],
  [
    'details that only one event tells stay', [
      { usage: { prompt_tokens: 2006, prompt_tokens_details: { cached_tokens: 1920 } } },
      { usage: { prompt_tokens: 2006, completion_tokens: 300, prompt_tokens_details: null } },
    ], { inputTokens: 86, cachedInputTokens: 1920, outputTokens: 300 },
  ],
  [
    'what Gemini leaves out stays', [
      { usageMetadata: { promptTokenCount: 10, cachedContentTokenCount: 8, totalTokenCount: 10 } },
      { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 300, totalTokenCount: 310 } },
      { usageMetadata: { promptTokenCount: 10, totalTokenCount: 310 } },
    ], { inputTokens: 2, cachedInputTokens: 8, outputTokens: 300 },
  ],
  [
    'parts of another prompt do not stay', [
      { prompt_tokens: 2006, prompt_tokens_details: { cached_tokens: 1920 }, completion_tokens: 5 },
      { prompt_tokens: 100, completion_tokens: 7 },
    ], { inputTokens: 100, outputTokens: 7 },
  ],
]

for (const [what, events, expected] of streams) {
  test(`in a stream ${what}`, () => {
    const report = new Report()
    for (const event of events) report.update(findUsage(event))
    assert.deepEqual(report.usage, expected)
  })
}

test('a cost is exact to a nano-dollar, and parts of one are rounded up', () => {
  const cost = value => sentUsage({ cost: value }).cost
  assert.equal(cost('0.0012'), 1_200_000n)
  assert.equal(cost(0.1 + 0.2), 300_000_001n)
  assert.equal(cost(1e-7), 100n)
  assert.equal(cost(7n), 7n)
  assert.equal(cost('0.0000000001'), 1n)
  for (const wrong of ['x', '', -1, 1_000_001, NaN, Infinity]) {
    assert.throws(() => cost(wrong), { code: 'ERR_FUSEBOX_INVALID_ARGUMENT' })
  }
})
