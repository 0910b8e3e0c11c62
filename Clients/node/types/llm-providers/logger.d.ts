/**
 * The library's logger, as far as it is used.
 */
export type Logger = {
    info?: ((...words: any[]) => void) | undefined;
    warn?: ((...words: any[]) => void) | undefined;
};
