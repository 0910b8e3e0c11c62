export type LibraryOptions = {
    /**
     * the library's own error, for code that asks whether an error is one
     */
    CircuitBreakerOpenError?: (new (provider: string, retryAfterSec?: number, consecutiveFailures?: number) => Error) | undefined;
};
export type HubOptions = import('../options').Options & LibraryOptions;
/** Delivers what is under way and closes the connection. The next use begins anew. */
export function close(): Promise<void>;
/**
 * Says how the daemon is reached, and which error open breakers throw. To be called before the first use, if the
 * defaults do not do. What is not told stays as it was.
 *
 * @param {HubOptions} told the options of `connect`; its logger also hears of what could not be done
 */
export function configure(told: HubOptions): void;
/** Waits until everything that was written is answered. */
export function flush(): Promise<void>;
export namespace ready {
    /**
     * @template A, B
     * @param {(value: void) => A} [resolve]
     * @param {(error: unknown) => B} [reject]
     */
    function then<A, B>(resolve?: ((value: void) => A) | undefined, reject?: ((error: unknown) => B) | undefined): Promise<A | B>;
    /**
     * @template A, B
     * @param {(value: void) => A} [resolve]
     * @param {(error: unknown) => B} [reject]
     */
    function then<A, B>(resolve?: ((value: void) => A) | undefined, reject?: ((error: unknown) => B) | undefined): Promise<A | B>;
}
