export type Outcome = import('./protocol/types').Outcome;
export type MarkScope = import('./protocol/types').MarkScope;
export type Usage = import('./usage').Usage;
/**
 * How a call went.
 */
export type CallOutcome = {
    outcome: Outcome;
    /**
     * how long the provider takes no calls, in milliseconds, if it said so
     */
    retryAfter?: number | null | undefined;
    /**
     * what the call used although it failed
     */
    usage?: import("./usage").Usage | null | undefined;
    /**
     * how much of the call's route the outcome marks, if it marks: by default the
     * whole route, with `unauthorized` the deployment, or the provider if the call names none. A 403, where the key may not
     * use this model, is told as `route`
     */
    markScope?: import("./protocol/types").MarkScope | null | undefined;
};
/**
 * An error that says how the call of `withPermit` went. A body throws it where the error at hand does not tell.
 */
export class CallFailedError extends FuseboxError {
    /**
     * @param {Outcome} outcome
     * @param {Omit<CallOutcome, 'outcome'> & { message?: string, cause?: unknown }} options
     */
    constructor(outcome: Outcome, { retryAfter, usage, markScope, message, cause }?: Omit<CallOutcome, 'outcome'> & {
        message?: string;
        cause?: unknown;
    });
    outcome: import("./protocol/types").Outcome;
    retryAfter: number | null;
    usage: import("./usage").Usage | null;
    markScope: import("./protocol/types").MarkScope | null;
}
/** @param {number} milliseconds */
export function bounded(milliseconds: number): number;
/**
 * @param {unknown} outcome
 * @throws {InvalidArgumentError} if it is none
 */
export function checkOutcome(outcome: unknown): void;
import { isOfProvider } from "./provider-answer";
/**
 * Whether an aborted signal is one of `AbortSignal.timeout`.
 *
 * @param {AbortSignal} signal
 */
export function isTimeout(signal: AbortSignal): boolean;
/**
 * The outcome of an error, by what the errors of SDKs and of `fetch` have in common. The first that applies counts:
 *
 * | error | outcome |
 * |---|---|
 * | a `CallFailedError` | what it says |
 * | another error of this package | `abandoned` |
 * | with `status`, `statusCode`, `response.status` or `$metadata.httpStatusCode` | that of the status and the headers |
 * | of a URL that cannot be parsed, itself or as its cause | `rejected`: nothing was sent |
 * | an `AbortError`, or any error after the signal was aborted | `abandoned` |
 * | … by `AbortSignal.timeout` | `failure`: the provider took too long |
 * | any other, such as one in the middle of a stream | that of the words by which it is called |
 * | … that no word of the table names: timeout, no connection | `failure` |
 *
 * @param {unknown} thrown
 * @param {AbortSignal} [signal]
 * @returns {CallOutcome}
 */
export function outcomeOfError(thrown: unknown, signal?: AbortSignal | undefined): CallOutcome;
/**
 * The outcome of an answer, by its status, its headers and its error.
 *
 * @param {number} status
 * @param {unknown} [headers] a `Headers`, a `Map`, or an object
 * @param {unknown} [body] the body as parsed JSON, or the word by which it calls the error
 * @returns {CallOutcome}
 */
export function outcomeOfStatus(status: number, headers?: unknown, body?: unknown): CallOutcome;
import { takesRetryAfter } from "./provider-answer";
import { Outcome } from "./protocol/enumerations";
import { FuseboxError } from "./errors";
export { isOfProvider, takesRetryAfter };
