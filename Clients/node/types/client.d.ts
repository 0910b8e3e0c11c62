export type Options = import('./options').Options;
export type Commands = import('./protocol/types').Commands;
export type Topic = import('./protocol/types').Topic;
export type CandidateLike = import('./candidates').CandidateLike;
export type Permit = import('./permit').Permit;
export type CallOutcome = import('./outcomes').CallOutcome;
export type AdmitOptions = import('./admission').AdmitOptions;
export type PermitOptions = import('./with-permit').PermitOptions;
/**
 * The commands that list in pages: what follows is asked for with a cursor.
 */
export type ListCommand = "breaker.list" | "exhaustion.list" | "exhaustion.pauses" | "ledger.providers" | "ledger.models" | "ledger.summaries" | "ledger.accounts" | "ledger.history" | "price.list" | "overview" | "alias.list" | "admission.permits" | "admission.waiting" | "admission.latencies" | "limit.list" | "policy.get";
/**
 * The entries of a command that lists in pages. The problems of `ledger.history` are none.
 */
export type ListEntry<Name extends ListCommand> = Exclude<Extract<Commands[Name]['reply'][keyof Commands[Name]['reply']], any[]>[number], import('./protocol/types').HistoryProblem>;
/**
 * What `call` may be told.
 */
export type CallOptions = {
    /**
     * milliseconds, instead of the client's `requestTimeout`
     */
    timeout?: number | undefined;
    /**
     * ends the wait. A request that changes state may have been carried out, at most once
     */
    signal?: AbortSignal | undefined;
};
/**
 * The commands that list in pages: what follows is asked for with a cursor.
 *
 * @typedef {{ [Name in keyof Commands]: 'next' extends keyof Commands[Name]['reply'] ? Name : never }[keyof Commands]
 *   } ListCommand
 */
/**
 * The entries of a command that lists in pages. The problems of `ledger.history` are none.
 *
 * @template {ListCommand} Name
 * @typedef {Exclude<Extract<Commands[Name]['reply'][keyof Commands[Name]['reply']], any[]>[number],
 *   import('./protocol/types').HistoryProblem>} ListEntry
 */
/**
 * What `call` may be told.
 *
 * @typedef {object} CallOptions
 * @property {number} [timeout] milliseconds, instead of the client's `requestTimeout`
 * @property {AbortSignal} [signal] ends the wait. A request that changes state may have been carried out, at most once
 */
/**
 * A client of the daemon. One serves a whole process: requests are pipelined on one connection, and after a lost one
 * the next call connects again. An idle client does not keep the process alive. At the end of the process, reports
 * without a reply are left in the spool.
 */
export class Client {
    /**
     * Use `connect`.
     *
     * @param {Options} [options]
     */
    constructor(options?: import("./options").Options | undefined);
    /** The path of the daemon's socket. */
    get path(): string;
    /** What the daemon told at the last hello: its version, its profile, whether this peer is an operator. */
    get hello(): import("./protocol/types").HelloReply | null;
    /** Whether there is a connection. */
    get isConnected(): boolean;
    /** The number of reports that are kept for the daemon's return. */
    get queuedReports(): number;
    /** The number of reports that were dropped because too many were kept, or that the daemon refused. */
    get droppedReports(): number;
    /**
     * Sends a command of the protocol and returns its reply. Integers of 64 bits and money (in nano-dollars) are bigints.
     * The failure policy does not apply.
     *
     * @template {keyof Commands} Name
     * @param {Name} name such as `'breaker.list'`
     * @param {Commands[Name]['request']} [fields]
     * @param {CallOptions} [options]
     * @returns {Promise<Commands[Name]['reply']>}
     */
    call<Name extends keyof import("./protocol/types").Commands>(name: Name, fields?: import("./protocol/types").Commands[Name]["request"] | undefined, options?: CallOptions | undefined): Promise<import("./protocol/types").Commands[Name]["reply"]>;
    /**
     * The entries of a command that lists in pages, such as `'breaker.list'`, one after the other.
     *
     * @template {ListCommand} Name
     * @param {Name} name
     * @param {Omit<Commands[Name]['request'], 'cursor'>} [fields] its fields without the cursor
     * @returns {AsyncGenerator<ListEntry<Name>, void, undefined>}
     */
    list<Name_1 extends ListCommand>(name: Name_1, fields?: Omit<import("./protocol/types").Commands[Name_1]["request"], "cursor"> | undefined): AsyncGenerator<Exclude<Extract<import("./protocol/types").Commands[Name_1]["reply"][keyof import("./protocol/types").Commands[Name_1]["reply"]], any[]>[number], import("./protocol/types").HistoryProblem>, void, undefined>;
    /** Everything that is needed to rank providers: breaker, mark, spend and fullest limit of each. */
    overview(): Promise<import("./protocol/types").OverviewEntry[]>;
    /**
     * The daemon's events from now on, on a connection of their own, as an async iterator. See `EventStream`.
     *
     * @param {Topic[]} [topics] all by default
     * @param {import('./event-stream').EventOptions} [options]
     */
    events(topics?: import("./protocol/types").Topic[] | undefined, options?: import("./event-stream").EventOptions | undefined): EventStream;
    /**
     * Makes a call under a permit: asks which candidate may be called, runs `body`, and settles the permit by what `body`
     * returned or threw. If a provider fails, the next admitted candidate by another route is tried.
     *
     * @template T
     * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
     * @param {PermitOptions} options
     * @param {(permit: Permit) => T | Promise<T>} body
     * @returns {Promise<T>}
     */
    withPermit<T>(candidates: CandidateLike | CandidateLike[], options: PermitOptions, body: (permit: Permit) => T | Promise<T>): Promise<T>;
    /**
     * A provider's stream under a permit, such as those of SDKs:
     *
     *     for await (const chunk of client.stream('openai/gpt-4o', {}, permit => openai.chat.completions.create(…)))
     *
     * Nothing happens before the first chunk is asked for. The usage is read from the chunks, and the first one counts as
     * the first token. The end of the stream settles the permit as `success`; leaving the loop settles it as `abandoned`
     * and ends the provider's stream. If a provider fails before its first chunk, the next candidate is tried.
     *
     * @template T
     * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
     * @param {PermitOptions} options
     * @param {(permit: Permit) => AsyncIterable<T> | Promise<AsyncIterable<T>>} open
     * @returns {AsyncGenerator<T, void, undefined>}
     */
    stream<T_1>(candidates: CandidateLike | CandidateLike[], options: PermitOptions, open: (permit: Permit) => AsyncIterable<T_1> | Promise<AsyncIterable<T_1>>): AsyncGenerator<T_1, void, undefined>;
    /**
     * `fetch` under a permit: admits, sends, reads status, headers and usage (JSON and event streams), and settles.
     *
     * @param {CandidateLike | CandidateLike[]} candidates where the call may go, best first
     * @param {import('./fetch').Target | ((permit: Permit) => import('./fetch').Target)} url
     * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} [init]
     * @param {import('./fetch').FetchOptions} [options]
     * @returns {Promise<Response>}
     */
    fetch(candidates: CandidateLike | CandidateLike[], url: import("./fetch").Target | ((permit: Permit) => import('./fetch').Target), init?: RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>) | undefined, options?: import("./fetch").FetchOptions | undefined): Promise<Response>;
    /**
     * A `fetch` for SDKs, which makes each of their calls under a permit. Nothing else changes:
     *
     *     const openai = new OpenAI({ fetch: client.createFetch({ tags: ['team:docs'], cost: 0.01 }) })
     *
     * The host tells the provider and the body, or the path, the model. A call that is not admitted is answered with
     * status 429 (a limit, a mark, a queue) or 503 (a breaker, a pause), of which the SDK makes its own error. Requests
     * that are no POST are sent without a permit. An SDK that gives up by its own timeout does not say why, so the call
     * counts as abandoned.
     *
     * @param {import('./sdk-fetch').SDKFetchOptions} [options]
     * @returns {(target: string | URL | Request, init?: RequestInit) => Promise<Response>}
     */
    createFetch(options?: import("./sdk-fetch").SDKFetchOptions | undefined): (target: string | URL | Request, init?: RequestInit) => Promise<Response>;
    /**
     * Asks which of the candidates a call may go to, and holds what the call may use. The permit must be settled. With
     * `wait` the call waits for its turn; an aborted signal withdraws it.
     *
     * @param {CandidateLike | CandidateLike[]} candidates
     * @param {AdmitOptions & { signal?: AbortSignal }} [options]
     * @returns {Promise<Permit>}
     * @throws {import('./permit').AdmissionDeniedError} if none of them may be called now
     */
    admit(candidates: CandidateLike | CandidateLike[], options?: (import("./admission").AdmitOptions & {
        signal?: AbortSignal | undefined;
    }) | undefined): Promise<Permit>;
    /**
     * Tells how the call of a permit went.
     *
     * @param {Permit} permit @param {CallOutcome | CallOutcome['outcome']} outcome
     */
    settle(permit: Permit, outcome: CallOutcome | CallOutcome['outcome']): Promise<import("./admission").Settling>;
    /**
     * Extends a permit whose call is under way.
     *
     * @param {Permit} permit @param {number} [ttl] milliseconds
     */
    renew(permit: Permit, ttl?: number | undefined): Promise<import("./protocol/types").AdmissionRenewReply | {
        standing: null;
        expiresAt: null;
    }>;
    /**
     * Tells how a call without a permit went, and what it used.
     *
     * @param {CandidateLike} candidate
     * @param {CallOutcome | CallOutcome['outcome']} outcome
     * @param {{ tags?: string[] }} [options]
     */
    report(candidate: CandidateLike, outcome: CallOutcome | CallOutcome['outcome'], options?: {
        tags?: string[] | undefined;
    } | undefined): Promise<import("./admission").Settling>;
    /**
     * What `admit` would decide now. Holds nothing.
     *
     * @param {CandidateLike | CandidateLike[]} candidates
     * @param {AdmitOptions} [options]
     */
    preview(candidates: CandidateLike | CandidateLike[], options?: import("./admission").AdmitOptions | undefined): Promise<{
        candidate: import("./protocol/types").Candidate;
        state: import("./protocol/types").BreakerState;
        share: number;
        heldCost: bigint | null;
        costBasis: import("./protocol/types").CostBasis;
        passedOver: import("./permit").Denial[];
    }>;
    /**
     * The candidates, best first, for `withPermit`: by `price` (the cost that the call would hold), by `latency` or
     * `firstToken` (what half of the successful calls of the last minutes did not exceed), or by `share` (of the traffic
     * that the breaker lets through). Those of which nothing is known come after the others, and those that would not be
     * admitted last. Holds nothing.
     *
     * @param {CandidateLike | CandidateLike[]} candidates
     * @param {import('./admission').Ranking} by
     * @param {AdmitOptions} [options]
     */
    ranked(candidates: CandidateLike | CandidateLike[], by: import('./admission').Ranking, options?: import("./admission").AdmitOptions | undefined): Promise<import("./protocol/types").Candidate[]>;
    /**
     * Waits up to a second for the replies to what is under way, says goodbye and closes the connection. Reports that
     * could not be delivered are left in the spool. If the process ends without it, nothing is waited for, and reports
     * without a reply are left in the spool as well.
     *
     * @returns {Promise<void>}
     */
    close(): Promise<void>;
}
/**
 * Connects to the daemon.
 *
 * @param {Options} [options]
 * @returns {Promise<Client>}
 * @throws {UnavailableError} if no daemon answers and the client fails closed. A client that fails open is returned all
 *   the same, and connects when the daemon is back
 */
export function connect(options?: import("./options").Options | undefined): Promise<Client>;
import { EventStream } from "./event-stream";
