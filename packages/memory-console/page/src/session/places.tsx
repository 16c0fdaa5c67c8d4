import { useEffect, useState, type ReactNode } from "react";
import type { AtomPlaces } from "../../../src/wire.ts";
import { read } from "../api.ts";
import { placesText } from "./places-text.ts";

/** Where an atom lives. What cannot be found out is left out: the atom is here all the same. */
export function Places({ session, id }: { session: string; id: string }): ReactNode {
  const [text, setText] = useState("");
  useEffect(() => {
    const left = new AbortController();
    read<AtomPlaces>("places", { session, atom: id }, left.signal).then(
      (places) => setText(placesText(places)),
      () => undefined,
    );
    return () => left.abort();
  }, [session, id]);
  return text === "" ? null : <p className="quiet">{text}</p>;
}
