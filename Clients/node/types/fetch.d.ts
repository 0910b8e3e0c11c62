export type Client = import('./client').Client;
export type Permit = import('./permit').Permit;
export type CandidateLike = import('./candidates').CandidateLike;
export type CallOutcome = import('./outcomes').CallOutcome;
export type Target = string | URL | Request;
export type FetchRules = {
    /**
     * what sends the request, instead of the global `fetch`
     */
    fetch?: typeof fetch | undefined;
    /**
     * what an answer means, instead of
     * `outcomeOfStatus`. `body` is its body as parsed JSON, and of a stream the document that tells an error
     */
    answer?: ((response: Response, body: unknown) => CallOutcome) | undefined;
};
export type FetchOptions = import('./with-permit').PermitOptions & FetchRules;
/** @typedef {import('./client').Client} Client */
/** @typedef {import('./permit').Permit} Permit */
/** @typedef {import('./candidates').CandidateLike} CandidateLike */
/** @typedef {import('./outcomes').CallOutcome} CallOutcome */
/** @typedef {string | URL | Request} Target */
/**
 * @typedef {object} FetchRules
 * @property {typeof fetch} [fetch] what sends the request, instead of the global `fetch`
 * @property {(response: Response, body: unknown) => CallOutcome} [answer] what an answer means, instead of
 *   `outcomeOfStatus`. `body` is its body as parsed JSON, and of a stream the document that tells an error
 */
/** @typedef {import('./with-permit').PermitOptions & FetchRules} FetchOptions */
/**
 * `fetch` under a permit; `Client.fetch` documents it.
 *
 * | what happens | the permit is settled |
 * |---|---|
 * | an answer with a status of 400 or more | by its status, headers and error code, before the answer is returned |
 * | an answer that is JSON and no list | with its usage, before the answer is returned |
 * | any other answer, such as an event stream or a JSON list | with its usage, when its body has been read to the end; by the error of which it tells, if any |
 * | … of which the consumer reads no more (`cancel`, an aborted signal) | as `abandoned`, with the usage until then |
 * | … which nobody reads and the garbage collector takes | as `abandoned` |
 * | … that breaks off | as `failure`, with the usage until then |
 * | a request that `fetch` does not send, because it is none (a wrong URL, header or method) | as `rejected` |
 * | `fetch` rejects otherwise | as `failure`; as `abandoned` if the signal was aborted, unless by a timeout |
 *
 * If `url` or `init` is a function of the permit and the provider failed, the next candidate by another route is tried.
 * If all fail, the caller gets the last answer or error.
 *
 * @param {Client} client
 * @param {CandidateLike | CandidateLike[]} candidates
 * @param {Target | ((permit: Permit) => Target)} url
 * @param {RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>)} [init]
 * @param {FetchOptions} [options]
 * @returns {Promise<Response>}
 */
export function guardedFetch(client: Client, candidates: CandidateLike | CandidateLike[], url: Target | ((permit: Permit) => Target), init?: RequestInit | ((permit: Permit) => RequestInit | Promise<RequestInit>) | undefined, options?: FetchOptions | undefined): Promise<Response>;
