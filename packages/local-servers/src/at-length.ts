/**
 * Chooses the amount of work of a test: as much as the test command has time for, or all of it in `pnpm test:long`.
 *
 * @example
 * const KILLS = atLength({ usually: 15, long: 50 });
 */
export function atLength<Amount>({ usually, long }: { readonly usually: Amount; readonly long: Amount }): Amount {
  return process.env["RIVET_LONG_TESTS"] === undefined ? usually : long;
}
