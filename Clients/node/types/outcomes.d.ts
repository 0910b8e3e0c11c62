export type Outcome = import('./protocol/types').Outcome;
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
};
/**
 * An error that says how the call of `withPermit` went. A body throws it where the error at hand does not tell.
 */
export class CallFailedError extends FuseboxError {
    /**
     * @param {Outcome} outcome
     * @param {{ retryAfter?: number | null, usage?: Usage | null, message?: string, cause?: unknown }} options
     */
    constructor(outcome: Outcome, { retryAfter, usage, message, cause }?: {
        retryAfter?: number | null;
        usage?: Usage | null;
        message?: string;
        cause?: unknown;
    });
    outcome: import("./protocol/types").Outcome;
    retryAfter: number | null;
    usage: import("./usage").Usage | null;
}
/** @param {number} milliseconds */
export function bounded(milliseconds: number): number;
/**
 * What an error, or the body of an answer, calls the error.
 *
 * @param {any} value
 */
export function errorCode(value: any): any;
/**
 * Whether another provider may do better.
 *
 * @param {Outcome} outcome
 */
export function isOfProvider(outcome: Outcome): boolean;
/**
 * The outcome of an error, by what the errors of SDKs and of `fetch` have in common. The first that applies counts:
 *
 * | error | outcome |
 * |---|---|
 * | a `CallFailedError` | what it says |
 * | another error of this package | `abandoned` |
 * | with `status`, `statusCode`, `response.status` or `$metadata.httpStatusCode` | that of the status and the headers |
 * | an `AbortError`, or any error after the signal was aborted | `abandoned` |
 * | any other: timeout, no connection | `failure` |
 *
 * @param {unknown} thrown
 * @param {AbortSignal} [signal]
 * @returns {CallOutcome}
 */
export function outcomeOfError(thrown: unknown, signal?: AbortSignal | undefined): CallOutcome;
/**
 * The outcome of an answer, by its status and headers.
 *
 * @param {number} status
 * @param {unknown} [headers] a `Headers`, a `Map`, or an object
 * @param {unknown} [code] what the body calls the error
 * @returns {CallOutcome}
 */
export function outcomeOfStatus(status: number, headers?: unknown, code?: unknown): CallOutcome;
/**
 * How long the provider takes no calls, in milliseconds: from `retry-after-ms`, else `retry-after`, else from the rate
 * limits of which nothing remains, the longest. Null if the headers do not say.
 *
 * @param {unknown} headers
 * @returns {number | null}
 */
export function retryAfter(headers: unknown): number | null;
/** @param {Outcome} outcome */
export function takesRetryAfter(outcome: Outcome): boolean;
import { FuseboxError } from "./errors";
