/**
 * What logs: `console`, or anything with these members. `info` hears of connections, `warn` of what was lost or
 * refused.
 */
export type Logger = {
    info?: ((...words: any[]) => void) | undefined;
    warn?: ((...words: any[]) => void) | undefined;
};
