/** Where atoms are. */
export interface AtomPlaces {
  /** By the id of each atom that was asked for: the providers that hold it, in their order. */
  readonly heldBy: Readonly<Record<string, readonly string[]>>;
  /** Providers that could not be asked. */
  readonly unreachable: readonly string[];
}

/** @param held what each provider holds of the atoms; undefined for one that could not be asked. */
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
