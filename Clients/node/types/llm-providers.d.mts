export * from './llm-providers.js'
