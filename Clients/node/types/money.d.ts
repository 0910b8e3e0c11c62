/**
 * An amount of money as the protocol has it, in nano-dollars. Parts of a nano-dollar are rounded up.
 *
 * @param {bigint | number | string} amount a bigint of nano-dollars, or dollars: a number (its shortest decimal counts)
 *   or a string such as `'0.0012'`
 * @returns {bigint}
 */
export function nanodollars(amount: bigint | number | string): bigint;
/**
 * Nano-dollars as dollars in decimal: `1_200_000n` is `'0.0012'`.
 *
 * @param {bigint} amount
 * @returns {string}
 */
export function dollars(amount: bigint): string;
