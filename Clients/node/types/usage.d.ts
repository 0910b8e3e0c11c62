export type Form = {
    name: string;
    /**
     * members by which the form is recognised
     */
    marks: string[];
    /**
     * members that no object of this form has
     */
    foreign: string[];
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
 * What the members of usage objects of one form count.
 */
export type FormCounts = {
    form: Form;
    /**
     * the number of each part of the form
     */
    numbers: Array<number | undefined>;
    /**
     * the number of all tokens
     */
    total: number | undefined;
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
 * What a document tells of usage; undefined if nothing is found. A document whose usage is null, and one that is null,
 * tell nothing: the report is empty.
 *
 * @param {any} document
 * @returns {Report | undefined}
 */
export function findUsage(document: any): Report | undefined;
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
 * What the members of usage objects of one form count.
 *
 * @typedef {object} FormCounts
 * @property {Form} form
 * @property {Array<number | undefined>} numbers the number of each part of the form
 * @property {number | undefined} total the number of all tokens
 */
/** What documents about one call tell of its usage. */
export class Report {
    /** @type {string | null} the name of the call at the provider */
    call: string | null;
    /** @type {string | null} */
    model: string | null;
    /** @type {bigint | null} nano-dollars */
    cost: bigint | null;
    /** @type {FormCounts[]} */
    counts: FormCounts[];
    /**
     * Takes what a later report of the same call tells. What that leaves out stays.
     *
     * @param {Report} later
     */
    update(later: Report): void;
    /**
     * The usage that is known by now. The kinds of tokens are taken apart here: one event of a stream may tell a whole, and
     * another one the part of it that was cached.
     *
     * @returns {Usage}
     */
    get usage(): Usage;
    /** Whether neither cost nor tokens were told. */
    get isEmpty(): boolean;
}
/**
 * @typedef {object} Form
 * @property {string} name
 * @property {string[]} marks members by which the form is recognised
 * @property {string[]} foreign members that no object of this form has
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
