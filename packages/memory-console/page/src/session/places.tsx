import { useEffect, useState, type ReactNode } from "react";
import type { AtomPlaces } from "../../../src/wire.ts";
import { read } from "../api.ts";
import { placesText } from "./places-text.ts";

/** The providers that hold an atom. If they cannot be determined, nothing is shown. */
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
