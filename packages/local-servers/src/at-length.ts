/**
 * Returns the amount of a test's work: the usual amount, or the full amount in `pnpm test:long`.
 *
 * @example
 * const KILLS = atLength({ usually: 15, long: 50 });
 */
export function atLength<Amount>({ usually, long }: { readonly usually: Amount; readonly long: Amount }): Amount {
  return process.env["RIVET_LONG_TESTS"] === undefined ? usually : long;
}
