export type Settings = import('./options').Settings;
export type FuseboxEvent = import('./protocol/types').FuseboxEvent;
export type Topic = import('./protocol/types').Topic;
/**
 * Who waits for an event.
 */
export type Taker = {
    resolve: (result: IteratorResult<FuseboxEvent, undefined>) => void;
    reject: (error: unknown) => void;
};
export type EventOptions = {
    /**
     * ends the subscription; the iterator rejects with its reason
     */
    signal?: AbortSignal | undefined;
    /**
     * whether waiting for an event keeps the process alive: true by default
     */
    keepsAlive?: boolean | undefined;
};
/**
 * The daemon's events, one after the other:
 *
 *     for await (const event of client.events(['breaker'])) console.log(event.name, event.fields)
 *
 * `event.missed` tells how many events the daemon could not send since the one before. The stream rejects with
 * `UnavailableError` when its connection ends. It does not connect again, because events in between would be lost
 * without a trace; what `ready` of a new stream resolves to tells how many there were, unless the daemon has restarted.
 * Leaving the loop, and `close`, end the subscription.
 *
 * @implements {AsyncIterableIterator<FuseboxEvent>}
 */
export class EventStream implements AsyncIterableIterator<FuseboxEvent> {
    /**
     * @param {Settings} settings
     * @param {Topic[] | undefined} topics
     * @param {EventOptions} options
     * @param {() => void} onClose
     */
    constructor(settings: Settings, topics: Topic[] | undefined, { signal, keepsAlive }: EventOptions, onClose: () => void);
    /**
     * Resolves to the number of the next event when the daemon has the subscription.
     *
     * @type {Promise<bigint>}
     */
    ready: Promise<bigint>;
    /** @returns {Promise<IteratorResult<FuseboxEvent, undefined>>} */
    next(): Promise<IteratorResult<FuseboxEvent, undefined>>;
    /** @returns {Promise<IteratorResult<FuseboxEvent, undefined>>} */
    return(): Promise<IteratorResult<FuseboxEvent, undefined>>;
    /** Ends the subscription. A loop over it ends. */
    close(): void;
    [Symbol.asyncIterator](): EventStream;
}
