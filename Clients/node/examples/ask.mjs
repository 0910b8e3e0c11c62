// Asks the first provider that may be called now; if it fails, the next one.

import { connect } from 'fusebox-client'

const client = await connect() // $FUSEBOX_SOCKET, else /run/fusebox/fusebox.sock

async function ask (prompt) {
  const candidates = ['openai/gpt-4o', 'anthropic/claude-sonnet-4']
  return client.withPermit(candidates, { tags: ['team:docs'], cost: 0.01 }, async permit => {
    const answer = await call(permit.provider, permit.model, prompt)
    permit.usage(answer.usage)
    return answer.text
  })
}

/** Stands for an SDK. Its errors have `status` and `headers`, as those of the main SDKs have. */
async function call (provider, model, prompt) {
  if (provider === 'openai') {
    throw Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after': '20' } })
  }
  return { text: `${model} says: they melt`, usage: { input_tokens: 12, output_tokens: 34 } }
}

console.log(await ask('How do fuses work?'))
await client.close()
