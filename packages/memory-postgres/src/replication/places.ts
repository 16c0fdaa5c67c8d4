/** The providers that hold atoms. */
export interface AtomPlaces {
  /** The providers that hold each requested atom, in their order, by the atom's id. */
  readonly heldBy: Readonly<Record<string, readonly string[]>>;
  /** Providers that could not be reached. */
  readonly unreachable: readonly string[];
}

/** @param held the atoms that each provider holds; undefined for an unreachable one. */
export function placesOf(
  ids: readonly string[],
  held: ReadonlyMap<string, ReadonlySet<string> | undefined>,
): AtomPlaces {
  const names = [...held.keys()];
  return {
    heldBy: Object.fromEntries(ids.map((id) => [id, names.filter((name) => held.get(name)?.has(id) === true)])),
    unreachable: names.filter((name) => held.get(name) === undefined),
  };
}
