export type Client = import('./client').Client;
export type Permit = import('./permit').Permit;
export type CandidateLike = import('./candidates').CandidateLike;
export type CallOutcome = import('./outcomes').CallOutcome;
/**
 * A call whose permit could not be settled.
 */
export type UnsettledCall = {
    permit: Permit;
    outcome: CallOutcome;
    error: FuseboxError;
};
/**
 * The rules that a call is made by.
 */
export type CallRules = {
    /**
     * how long the permit is renewed at most, in milliseconds: an hour by default
     */
    maxAge?: number | undefined;
    /**
     * how many calls are made at most, each by another route: 16 by default
     */
    attempts?: number | undefined;
    /**
     * aborted before the body begins: a wait is withdrawn, the permit is given back and the
     * call rejects with the signal's reason. The body finds it in `permit.signal`. A call that ends after it was aborted
     * counts as abandoned; by `AbortSignal.timeout`, and without `wait`, as a failure of the provider
     */
    signal?: AbortSignal | undefined;
    /**
     * what an error of the body means, instead of `outcomeOfError`
     */
    outcome?: ((error: unknown) => CallOutcome) | undefined;
    /**
     * called when the daemon refused the settle, or the usage was
     * out of range
     */
    onUnsettled?: ((call: UnsettledCall) => void) | undefined;
};
export type PermitOptions = import('./admission').AdmitOptions & CallRules;
/**
 * Makes a call under a permit; `Client.withPermit` documents it.
 *
 * Every permit is settled exactly once. A settle that fails does not affect what the caller gets. If the daemon is
 * away, the settle is kept under either failure policy, and sent when the client is connected again. Once a call has
 * failed, its error is thrown, and not the reason why there is no other candidate.
 *
 * @template T
 * @param {Client} client
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {PermitOptions} options
 * @param {(permit: Permit) => T | Promise<T>} body
 * @returns {Promise<T>}
 */
export function withPermit<T>(client: Client, candidates: CandidateLike | CandidateLike[], options: PermitOptions, body: (permit: Permit) => T | Promise<T>): Promise<T>;
/**
 * The same options, whose wait counts from now on, for all candidates that are tried one after the other.
 *
 * @template {PermitOptions} Options
 * @param {Options} options
 * @returns {Options & { until: number }}
 */
export function withDeadline<Options extends PermitOptions>(options: Options): Options & {
    until: number;
};
/**
 * A permit that is renewed until it is settled. An aborted caller gives it back.
 *
 * @param {Client} client @param {CandidateLike[]} candidates @param {PermitOptions & { until: number }} options
 */
export function hold(client: Client, candidates: CandidateLike[], options: PermitOptions & {
    until: number;
}): Promise<import("./permit").Permit>;
/**
 * Settles a permit with what the body told, whatever happens. Returns what counts as the call's end.
 *
 * @param {Client} client @param {Permit} permit @param {CallOutcome} ended how the body ended
 * @param {Pick<CallRules, 'onUnsettled'>} options
 * @returns {Promise<CallOutcome>}
 */
export function finish(client: Client, permit: Permit, ended: CallOutcome, options: Pick<CallRules, 'onUnsettled'>): Promise<CallOutcome>;
/**
 * How a call ended that threw nothing. Streams of SDKs end without an error when they are aborted.
 *
 * @param {PermitOptions} options @returns {CallOutcome}
 */
export function endingOf(options: PermitOptions): CallOutcome;
/**
 * How a call ended that threw an error.
 *
 * @param {unknown} error @param {PermitOptions} options @returns {CallOutcome}
 */
export function meaningOf(error: unknown, options: PermitOptions): CallOutcome;
import { FuseboxError } from "./errors";
