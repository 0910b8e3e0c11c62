/**
 * How a client behaves. Times are in milliseconds.
 */
export type Options = {
    /**
     * the path of the daemon's socket; by default `$FUSEBOX_SOCKET`, else
     * `/run/fusebox/fusebox.sock`
     */
    socket?: string | undefined;
    /**
     * the client's name in the daemon's log; at most 64 bytes of it are sent
     */
    clientName?: string | undefined;
    /**
     * how long connecting may take, 1,000 by default
     */
    connectTimeout?: number | undefined;
    /**
     * how long a call may take, reconnecting and resending included, 1,000 by default
     */
    requestTimeout?: number | undefined;
    /**
     * how long a snapshot or an import may take, 60,000 by default
     */
    operatorTimeout?: number | undefined;
    /**
     * how long calls wait for a daemon that may be restarting, from the loss of the
     * connection; 0 by default. Calls that fail open never wait
     */
    restartPatience?: number | undefined;
    /**
     * how long the client waits after a failed attempt to connect, 50 by default; the
     * time doubles with each further failure
     */
    backoffMinimum?: number | undefined;
    /**
     * the bound of that time, 5,000 by default
     */
    backoffMaximum?: number | undefined;
    /**
     * what calls do while no daemon answers. `closed` (the default): they
     * reject with `UnavailableError`. `open`: decisions permit the call and say so in `isAssumed`, and reports are kept
     * and sent when the daemon is back
     */
    failurePolicy?: "closed" | "open" | undefined;
    /**
     * whether a client that fails closed keeps its reports too while the daemon is away.
     * Settles of `withPermit` are always kept
     */
    keepsReports?: boolean | undefined;
    /**
     * how many reports are kept at most, 4,096 by default and 32,768 at most; then the
     * oldest is dropped and counted
     */
    queueLimit?: number | undefined;
    /**
     * where reports are left that could not be delivered before the client was closed:
     * a folder; true (the default) is the user's spool, false is none
     */
    spool?: string | boolean | undefined;
    /**
     * hears of connections that come and go, and of what is lost: `console`,
     * or anything with `info` and `warn`; by default nobody
     */
    logger?: import("./logger").Logger | undefined;
};
export type Settings = Required<Options> & {
    path: string;
};
/**
 * The options with the defaults.
 *
 * @param {Options} options @returns {Settings}
 */
export function settings(options: Options): Settings;
