/**
 * How long a provider takes no calls, in milliseconds, from a header or from the body of an error. Null if the text is
 * none of these forms:
 *
 * | text | read as |
 * |---|---|
 * | `30`, `1.8` | seconds |
 * | `34.07s`, `6m0s`, `1500ms` | a duration |
 * | `1764096832`, `1764096832000` | seconds or milliseconds since 1970: that moment |
 * | `Wed, 25 Nov 2026 18:53:52 GMT` and the two older forms of HTTP | that moment |
 * | `2026-11-25T18:53:52Z` | that moment |
 *
 * A negative duration and a moment in the past are 0. The result is never too early: a moment in whole seconds may have
 * lost its fraction, so the time until then is rounded up to whole seconds.
 *
 * @param {string | number} text
 * @param {number} [now] the wall clock's time
 * @returns {number | null}
 */
export function retryTime(text: string | number, now?: number | undefined): number | null;
