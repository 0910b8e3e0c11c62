/** The values of an enumeration of the protocol, as names with numbers. */
export class Enumeration {
    /**
     * @param {string} name
     * @param {Record<string, number>} values
     */
    constructor(name: string, values: Record<string, number>);
    name: string;
    /** @type {Record<string, number>} */
    values: Record<string, number>;
    /**
     * The names by their numbers.
     *
     * @type {Record<number, string>}
     */
    names: Record<number, string>;
}
