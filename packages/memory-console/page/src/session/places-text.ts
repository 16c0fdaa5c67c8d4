import type { AtomPlaces } from "../../../src/wire.ts";
import { visible } from "../text/visible.ts";

/** The providers that hold an atom, as sentences; empty for a storage without providers. */
export function placesText({ heldBy, lackedBy, unreachable }: AtomPlaces): string {
  const list = (names: readonly string[]): string => names.map(visible).join(", ");
  return [
    ...(heldBy.length > 0 ? [`Held by ${list(heldBy)}.`] : []),
    ...(lackedBy.length > 0 ? [`Not yet held by ${list(lackedBy)}.`] : []),
    ...(unreachable.length > 0 ? [`Could not be asked: ${list(unreachable)}.`] : []),
  ].join(" ");
}
