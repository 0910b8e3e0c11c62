/**
 * Where a call may go: a route such as `'openai@eu/gpt-4o'` (provider, deployment, model), or its parts.
 */
export type CandidateLike = string | {
    provider: string;
    deployment?: string | null;
    model?: string | null;
};
export type Candidate = import('./protocol/types').Candidate;
/**
 * Where a call may go: a route such as `'openai@eu/gpt-4o'` (provider, deployment, model), or its parts.
 *
 * @typedef {string | { provider: string, deployment?: string | null, model?: string | null }} CandidateLike
 */
/** @typedef {import('./protocol/types').Candidate} Candidate */
/**
 * A route in its parts. The text is cut at its first `/`; what stands before that is cut at its first `@`.
 *
 * @param {CandidateLike} route
 * @returns {Candidate}
 */
export function candidate(route: CandidateLike): Candidate;
/**
 * One candidate or several.
 *
 * @param {CandidateLike | CandidateLike[]} candidates
 */
export function candidateList(candidates: CandidateLike | CandidateLike[]): import("./protocol/types").Candidate[];
/**
 * A candidate as messages name it.
 *
 * @param {Candidate} candidate
 */
export function route({ provider, deployment, model }: Candidate): string;
