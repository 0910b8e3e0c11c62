export type HubOptions = import('../options').Options;
/** Delivers what is under way and closes the connection. The next use begins anew. */
export function close(): Promise<void>;
/**
 * Says how the daemon is reached. To be called before the first use, if the defaults do not do.
 *
 * @param {HubOptions} told the options of `connect`, and a logger for what could not be done
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
