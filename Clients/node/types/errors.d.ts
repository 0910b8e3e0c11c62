/** What all errors of this package are. `code` tells them apart; `message` is a sentence for a person. */
export class FuseboxError extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{ cause?: unknown }} [options]
     */
    constructor(code: string, message: string, options?: {
        cause?: unknown;
    } | undefined);
    cause: unknown;
    /** Which error it is: `ERR_FUSEBOX_…`. */
    code: string;
}
/** No daemon answers on the socket. Nothing has changed. */
export class UnavailableError extends FuseboxError {
    /** @param {string} path @param {string} reason @param {unknown} [cause] */
    constructor(path: string, reason: string, cause?: unknown);
    /** The path of the socket. */
    path: string;
}
/**
 * The reply did not come in time. A request that changes state may have been carried out: at most once, even if the
 * client sends it again.
 */
export class RequestTimeoutError extends FuseboxError {
    /** @param {string} command */
    constructor(command: string);
}
/**
 * The request may have been carried out, and there is no way to find out: the daemon has forgotten this worker, or its
 * state was restored from elsewhere. A lost connection alone does not cause this error.
 */
export class OutcomeUnknownError extends FuseboxError {
    /** @param {string} command */
    constructor(command: string);
}
/** The daemon refused the request. Nothing has changed. */
export class RefusedError extends FuseboxError {
    /** @param {string} status @param {string} reason @param {string} command */
    constructor(status: string, reason: string, command: string);
    /** The status by its name in the protocol: `outOfRange`, `notPermitted`, `busy` and so on. */
    status: string;
    /** The daemon's sentence. */
    reason: string;
}
/** An argument cannot be sent: it is no valid name, or a number is out of range. Nothing was sent. */
export class InvalidArgumentError extends FuseboxError {
    /** @param {string} message */
    constructor(message: string);
}
/** The peer does not speak this protocol, or no version that this client knows. */
export class ProtocolError extends FuseboxError {
    /** @param {string} message */
    constructor(message: string);
}
/** The client is closed. */
export class ClosedError extends FuseboxError {
    constructor();
}
