import { nameOfKey } from "../routes/parameters.ts";
import { locatorOf, providersOf, type ConsoleStorage } from "./storage.ts";
import type { AtomPlaces } from "../wire.ts";

/** Returns the providers that hold an atom. */
export async function placesOf(storage: ConsoleStorage, key: string, id: string): Promise<AtomPlaces> {
  const places = await locatorOf(storage)?.locateAtoms(nameOfKey(key), [id]);
  const names = Object.keys(providersOf(storage)?.getProviderStats() ?? {});
  const heldBy = places?.heldBy[id] ?? [];
  const unreachable = places?.unreachable ?? [];
  const lackedBy = places === undefined ? [] : names.filter((name) => ![...heldBy, ...unreachable].includes(name));
  return { heldBy, lackedBy, unreachable };
}
