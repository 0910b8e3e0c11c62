export type Outcome = import('./protocol/types').Outcome;
export type MarkScope = import('./protocol/types').MarkScope;
/**
 * What remains of a rate limit.
 */
export type Remaining = {
    /**
     * what the limit counts
     */
    limit: string;
    /**
     * how much is left
     */
    count: number;
    /**
     * the time until it is reset, in milliseconds; null: it was not told
     */
    resetAfter: number | null;
};
/**
 * What an answer of a provider tells.
 */
export type ProviderAnswer = {
    /**
     * how the call went
     */
    outcome: Outcome;
    /**
     * how much of the call's route the outcome marks, if it marks; null: as the
     * outcome does by itself
     */
    markScope: MarkScope | null;
    /**
     * how long the provider takes no calls, in milliseconds; null: it did not say. With
     * `success` the next call would be denied
     */
    retryAfter: number | null;
    /**
     * what remains of the rate limits that the headers tell
     */
    remaining: Remaining[];
};
/**
 * Whether another provider may do better.
 *
 * @param {Outcome} outcome
 */
export function isOfProvider(outcome: Outcome): boolean;
/**
 * What an answer of a provider tells of its call, by the table that all clients share; see `proto-docs/outcomes.md`.
 *
 * @param {number | null | undefined} status the status; null: there is none, as in the middle of a stream
 * @param {unknown} [headers] a `Headers`, a `Map` with names in small letters, or an object
 * @param {unknown} [body] the body as parsed JSON, if it tells an error
 * @param {{ words?: unknown[], now?: number }} options what an exception calls the error; the wall clock's time
 * @returns {ProviderAnswer}
 */
export function providerAnswer(status: number | null | undefined, headers?: unknown, body?: unknown, { words, now }?: {
    words?: unknown[];
    now?: number;
}): ProviderAnswer;
/** @param {Outcome} outcome */
export function takesRetryAfter(outcome: Outcome): boolean;
/**
 * Whether something other than null and false stands where errors are told.
 *
 * @param {unknown} document
 */
export function tellsError(document: unknown): boolean;
