export type Client = import('./client').Client;
export type CandidateLike = import('./candidates').CandidateLike;
export type Candidate = import('./protocol/types').Candidate;
export type CallOutcome = import('./outcomes').CallOutcome;
export type Outcome = import('./protocol/types').Outcome;
/**
 * What a call is made for and what it may use at most. What is left out is not known.
 */
export type AdmitOptions = {
    /**
     * what the call is made for, such as `team:search`: at most 8
     */
    tags?: string[] | undefined;
    /**
     * dollars as a number or a string, or a bigint of nano-dollars
     */
    cost?: string | number | bigint | undefined;
    /**
     * input and output together
     */
    tokens?: number | undefined;
    inputTokens?: number | undefined;
    outputTokens?: number | undefined;
    /**
     * how long the permit lasts unless it is settled or renewed, in milliseconds: 60,000 by
     * default
     */
    ttl?: number | undefined;
    /**
     * how long the call may wait for its turn, in milliseconds, in addition to the client's
     * `requestTimeout`: 0 by default, at most a day. It waits if the end of other calls, or time, can let it through until
     * then. A wait outlives a restart of the daemon
     */
    wait?: number | undefined;
    /**
     * how urgent a waiting call is: 0, the most urgent, to 7; 3 by default. It becomes one step
     * more urgent for each 10 s of waiting
     */
    priority?: number | undefined;
    /**
     * whether a denial tells every limit that stands against a candidate
     */
    explains?: boolean | undefined;
};
/**
 * What became of a settle or a report.
 */
export type Settling = {
    /**
     * whether the daemon has it. `unknown`: it may have counted
     */
    delivery: 'delivered' | 'queued' | 'unknown';
    /**
     * the permit's standing before; null if not known
     */
    standing: import('./protocol/types').PermitStanding | null;
    /**
     * limits whose thresholds the usage has reached
     */
    reached: import('./protocol/types').LimitReached[];
    /**
     * the limit that will be used up sooner
     */
    depletion: import('./protocol/types').DepletionProjected | null;
};
export type Ranking = 'price' | 'latency' | 'firstToken' | 'share';
/**
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates
 * @param {AdmitOptions & { signal?: AbortSignal }} options
 */
export function admit(client: Client, candidates: CandidateLike | CandidateLike[], options: AdmitOptions & {
    signal?: AbortSignal;
}): Promise<Permit>;
/**
 * Asks for a permit that nobody renews yet.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {AdmitOptions} options
 * @param {AbortSignal} [signal] what the permit passes on to its body; it ends a wait
 * @returns {Promise<Permit>}
 */
export function ask(client: Client, candidates: CandidateLike | CandidateLike[], options: AdmitOptions, signal?: AbortSignal | undefined): Promise<Permit>;
/** @param {number} ttl */
export function checkedTTL(ttl: number): number;
/** @typedef {import('./client').Client} Client */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {import('./protocol/types').Outcome} Outcome */
/** A permit's time to live, in milliseconds. */
export const defaultTTL: 60000;
/**
 * Which candidate would be admitted.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {AdmitOptions} options
 */
export function preview(client: Client, candidates: CandidateLike | CandidateLike[], options: AdmitOptions): Promise<{
    candidate: import("./protocol/types").Candidate;
    state: import("./protocol/types").BreakerState;
    share: number;
    heldCost: bigint | null;
    costBasis: import("./protocol/types").CostBasis;
    passedOver: import("./permit").Denial[];
}>;
/**
 * The candidates, best first; `Client.ranked` documents it.
 *
 * @param {Client} client @param {CandidateLike | CandidateLike[]} candidates @param {Ranking} by
 * @param {AdmitOptions} options
 * @returns {Promise<Candidate[]>}
 */
export function ranked(client: Client, candidates: CandidateLike | CandidateLike[], by: Ranking, options: AdmitOptions): Promise<Candidate[]>;
/** @param {Client} client @param {Permit} permit @param {number} [ttl] */
export function renew(client: Client, permit: Permit, ttl?: number | undefined): Promise<import("./protocol/types").AdmissionRenewReply | {
    standing: null;
    expiresAt: null;
}>;
/**
 * @param {Client} client @param {CandidateLike} where @param {CallOutcome | Outcome} outcome
 * @param {{ tags?: string[] }} options
 */
export function report(client: Client, where: CandidateLike, outcome: CallOutcome | Outcome, { tags }?: {
    tags?: string[];
}): Promise<Settling>;
/**
 * Settles a permit. If the daemon keeps nothing of the permit any more, the call is reported instead.
 *
 * @param {Client} client @param {Permit} permit @param {CallOutcome | Outcome} outcome
 * @param {boolean} isKept whether the settle is kept while the daemon is away
 * @returns {Promise<Settling>}
 */
export function settle(client: Client, permit: Permit, outcome: CallOutcome | Outcome, isKept: boolean): Promise<Settling>;
import { Permit } from "./permit";
