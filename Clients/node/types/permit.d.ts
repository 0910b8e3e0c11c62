export type Candidate = import('./protocol/types').Candidate;
export type DenialReason = import('./protocol/types').DenialReason;
export type BreakerRule = import('./protocol/types').BreakerRule;
export type LimitObjection = import('./protocol/types').LimitObjection;
export type FullQueue = import('./protocol/types').FullQueue;
export type AdmissionDecision = import('./protocol/types').AdmissionDecision;
export type Outcome = import('./protocol/types').Outcome;
export type Usage = import('./usage').Usage;
export type CallOutcome = import('./outcomes').CallOutcome;
/**
 * Why a candidate may not be called.
 */
export type Denial = {
    candidate: Candidate;
    /**
     * the reason that lasts longest
     */
    reason: DenialReason;
    /**
     * milliseconds until another attempt can succeed; 0: another call's end may help;
     * null: time alone does not help
     */
    retryAfter: number | null;
    /**
     * the limits that stand against it
     */
    limits: LimitObjection[];
    /**
     * what has opened the breaker first since it last was closed; null: it has not
     * opened, or does not deny
     */
    openedBy?: import("./protocol/types").BreakerRule | null | undefined;
    /**
     * with `openedBy`: how often it has opened again since it last was closed
     */
    failedRecoveries?: number | undefined;
    /**
     * the quiet milliseconds that take one failure off the breaker, after recoveries
     * that have failed; null: none has
     */
    resetTimeout?: number | null | undefined;
};
/** @typedef {import('./protocol/types').Candidate} Candidate */
/** @typedef {import('./protocol/types').DenialReason} DenialReason */
/** @typedef {import('./protocol/types').BreakerRule} BreakerRule */
/** @typedef {import('./protocol/types').LimitObjection} LimitObjection */
/** @typedef {import('./protocol/types').FullQueue} FullQueue */
/** @typedef {import('./protocol/types').AdmissionDecision} AdmissionDecision */
/** @typedef {import('./protocol/types').Outcome} Outcome */
/** @typedef {import('./usage').Usage} Usage */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/**
 * Why a candidate may not be called.
 *
 * @typedef {object} Denial
 * @property {Candidate} candidate
 * @property {DenialReason} reason the reason that lasts longest
 * @property {number | null} retryAfter milliseconds until another attempt can succeed; 0: another call's end may help;
 *   null: time alone does not help
 * @property {LimitObjection[]} limits the limits that stand against it
 * @property {BreakerRule | null} [openedBy] what has opened the breaker first since it last was closed; null: it has not
 *   opened, or does not deny
 * @property {number} [failedRecoveries] with `openedBy`: how often it has opened again since it last was closed
 * @property {number | null} [resetTimeout] the quiet milliseconds that take one failure off the breaker, after recoveries
 *   that have failed; null: none has
 */
/** None of the candidates may be called now. */
export class AdmissionDeniedError extends FuseboxError {
    /** @param {Denial[]} reasons @param {number | null} retryAfter @param {FullQueue | null} [fullQueue] */
    constructor(reasons: Denial[], retryAfter: number | null, fullQueue?: import("./protocol/types").FullQueue | null | undefined);
    /** The reason of each candidate, in their order. */
    reasons: Denial[];
    /** Milliseconds until any candidate can be admitted; 0 and null as in `Denial`. */
    retryAfter: number | null;
    /** For whom the queue is full, if that is why the call does not wait; null: it is not, or it was not to wait. */
    fullQueue: import("./protocol/types").FullQueue | null;
    /** For logs in JSON, which has no bigints: they are texts. */
    toJSON(): any;
}
/** The permission to make one call. It holds what the call may use until it is settled. */
export class Permit {
    /**
     * @param {object} granted
     * @param {Candidate} granted.candidate
     * @param {string[]} granted.tags
     * @param {bigint | null} granted.number
     * @param {number | null} granted.expiresAt
     * @param {bigint | undefined} granted.epoch
     * @param {import('./protocol/types').BreakerState} granted.state
     * @param {number} granted.share
     * @param {bigint | null} granted.heldCost
     * @param {import('./protocol/types').CostBasis} granted.costBasis
     * @param {Denial[]} granted.passedOver
     * @param {AbortSignal} [signal]
     */
    constructor(granted: {
        candidate: Candidate;
        tags: string[];
        number: bigint | null;
        expiresAt: number | null;
        epoch: bigint | undefined;
        state: import('./protocol/types').BreakerState;
        share: number;
        heldCost: bigint | null;
        costBasis: import('./protocol/types').CostBasis;
        passedOver: Denial[];
    }, signal?: AbortSignal | undefined);
    /** Where the call may go. */
    candidate: import("./protocol/types").Candidate;
    /** What the call is made for. */
    tags: string[];
    /** The permit's number at the daemon; null if it is assumed. */
    number: bigint | null;
    /** When it ends by itself, in milliseconds on the daemon's steady clock; null if it is assumed. */
    expiresAt: number | null;
    /** The state of the provider's breaker at the admission. */
    state: import("./protocol/types").BreakerState;
    /** The share of traffic that the breaker let through. */
    share: number;
    /** What is held of limits of cost until the settle, in nano-dollars; null: nothing. */
    heldCost: bigint | null;
    /** Where this cost comes from: it was told, or is the price of the estimated tokens, or what calls cost lately. */
    costBasis: import("./protocol/types").CostBasis;
    /** The candidates before this one, and why they were passed over. */
    passedOver: Denial[];
    /** The signal that the caller gave, for the request that the body makes. */
    signal: AbortSignal | undefined;
    /** The provider that may be called. */
    get provider(): string;
    /** The deployment: the API key, region or endpoint; null if the candidate named none. */
    get deployment(): string | null;
    /** The model to ask for; null if the candidate named none. */
    get model(): string | null;
    /** Whether the daemon did not answer and the client fails open. The permit then holds nothing. */
    get isAssumed(): boolean;
    /** For logs in JSON, which has no bigints: they are texts. */
    toJSON(): any;
    /**
     * Takes what the provider told of the call's usage: its usage object, or an answer or an event of a stream that has
     * one. In a stream the last numbers count. Answers with different ids add up.
     *
     * @param {unknown} document
     * @returns {boolean} whether usage was found. What is not understood is left out: the call counts as unpriced
     */
    usage(document: unknown): boolean;
    /**
     * Adds to what the call has used.
     *
     * @param {Usage} usage
     */
    use(usage: Usage): void;
    /**
     * Tells that the first token of the answer has arrived. Only the first time counts. `fetch` tells it of streams by
     * itself.
     */
    firstToken(): void;
    /**
     * Tells how the call went, where the body returns or throws something else than what counts.
     *
     * @param {Outcome} outcome
     * @param {Pick<CallOutcome, 'retryAfter' | 'markScope'>} options
     */
    outcome(outcome: Outcome, { retryAfter, markScope }?: Pick<CallOutcome, 'retryAfter' | 'markScope'>): void;
    /**
     * Tells how the call went by the provider's answer: its status and headers, and its body if it tells an error.
     *
     * @param {{ status: number, headers?: unknown }} response a `Response`, or anything with these members
     * @param {unknown} [body] the body, as parsed JSON
     * @returns {Outcome}
     */
    response(response: {
        status: number;
        headers?: unknown;
    }, body?: unknown): Outcome;
}
/**
 * The reasons of a decision.
 *
 * @param {AdmissionDecision} decision @param {Candidate[]} candidates @returns {Denial[]}
 */
export function denials(decision: AdmissionDecision, candidates: Candidate[]): Denial[];
/**
 * The sum of two usages. The model is that of the later, if it names one.
 *
 * @param {Usage} earlier @param {Usage} later @returns {Usage}
 */
export function sum(earlier: Usage, later: Usage): Usage;
import { FuseboxError } from "./errors";
