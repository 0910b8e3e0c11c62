export type Form = {
    name: string;
    marks: string[];
    parts: Array<{
        members: string[];
        counts: string;
        within: string | null;
    }>;
    absent: string[];
    total: string | null;
    cost: string | null;
};
/**
 * What a call has used. What is left out is not known.
 */
export type Usage = {
    /**
     * the model that answered
     */
    model?: string | null | undefined;
    /**
     * dollars as a number or a string, or a bigint of nano-dollars
     */
    cost?: string | number | bigint | null | undefined;
    /**
     * tokens sent, neither read from a cache nor written to one
     */
    inputTokens?: number | null | undefined;
    /**
     * tokens sent and read from a cache
     */
    cachedInputTokens?: number | null | undefined;
    /**
     * tokens sent and written to a cache
     */
    cacheWriteTokens?: number | null | undefined;
    /**
     * tokens received, without reasoning
     */
    outputTokens?: number | null | undefined;
    /**
     * tokens of reasoning
     */
    reasoningTokens?: number | null | undefined;
};
/**
 * The usage that a provider has told: its usage object, or an answer or an event of a stream that has one.
 *
 * Chat completions, embeddings and responses of OpenAI and of those that follow them are understood, and so are
 * messages of Anthropic, Gemini, Bedrock converse, OpenRouter and Ollama. An object whose usage is null tells nothing.
 *
 * @param {any} document
 * @returns {Usage & { call?: string }} `call` is the name of the call at the provider
 * @throws {InvalidArgumentError} if no usage is found, or a number is out of range
 */
export function readUsage(document: any): Usage & {
    call?: string;
};
/**
 * The usage in a document, as `readUsage` reads it; undefined if there is none. A document whose usage is null, and one
 * that is null, tell nothing: the usage is empty.
 *
 * @param {any} document
 * @returns {(Usage & { call?: string }) | undefined}
 */
export function findUsage(document: any): (Usage & {
    call?: string | undefined;
}) | undefined;
/**
 * Adds what a later report of the same call tells to what is known. What the report leaves out stays.
 *
 * @param {Usage} known
 * @param {Usage} later
 */
export function updateUsage(known: Usage, later: Usage): void;
/**
 * A usage as the wire has it.
 *
 * @param {Usage | null | undefined} usage
 * @returns {import('./protocol/types').CallUsage | null}
 */
export function sentUsage(usage: Usage | null | undefined): import('./protocol/types').CallUsage | null;
/** @param {Usage} usage @returns {import('./protocol/types').TokenUsage} */
export function sentTokens(usage: Usage): import('./protocol/types').TokenUsage;
/**
 * @typedef {object} Form
 * @property {string} name
 * @property {string[]} marks
 * @property {Array<{ members: string[], counts: string, within: string | null }>} parts
 * @property {string[]} absent
 * @property {string | null} total
 * @property {string | null} cost
 */
/**
 * What a call has used. What is left out is not known.
 *
 * @typedef {object} Usage
 * @property {string | null} [model] the model that answered
 * @property {bigint | number | string | null} [cost] dollars as a number or a string, or a bigint of nano-dollars
 * @property {number | null} [inputTokens] tokens sent, neither read from a cache nor written to one
 * @property {number | null} [cachedInputTokens] tokens sent and read from a cache
 * @property {number | null} [cacheWriteTokens] tokens sent and written to a cache
 * @property {number | null} [outputTokens] tokens received, without reasoning
 * @property {number | null} [reasoningTokens] tokens of reasoning
 */
/**
 * The members of `Usage` by the kinds that they count.
 *
 * @type {Record<string, keyof Usage>}
 */
declare const members: Record<string, keyof Usage>;
export {};
