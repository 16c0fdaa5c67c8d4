import type { PlacedAtom } from "./atom-places.ts";

/**
 * The problems with the stored atoms, one sentence each. Every acknowledged atom must be stored once in each provider,
 * equal in all, and nowhere else. Pure.
 */
export function problemsOf(
  atoms: readonly PlacedAtom[],
  acknowledgedIds: ReadonlySet<string>,
  providers: readonly string[],
): string[] {
  const found = new Set(atoms.map(({ id }) => id));
  const lost = [...acknowledgedIds].filter((id) => !found.has(id));
  return [
    ...lost.map((id) => `the acknowledged atom ${id} is in no store`),
    ...atoms.flatMap(({ id, copies, isAlike }) => {
      const doubled = [...copies].filter(([, count]) => count > 1).map(([store]) => store);
      const lacking = providers.filter((provider) => !copies.has(provider));
      return [
        ...doubled.map((store) => `the atom ${id} is twice in ${store}`),
        ...lacking.map((store) => `the atom ${id} is not in ${store}`),
        ...(lacking.length === 0 && copies.has("journal") ? [`the atom ${id} is still in the journal`] : []),
        ...(isAlike ? [] : [`the atom ${id} is not the same in all stores`]),
      ];
    }),
  ];
}
