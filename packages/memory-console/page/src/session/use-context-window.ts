import { useEffect, useState } from "react";
import type { ContextView } from "../../../src/wire.ts";
import { messageOf, read } from "../api.ts";

export interface ContextWindow {
  /** Undefined while nobody asked, or while it is counted. */
  readonly kept: ReadonlySet<string> | undefined;
  readonly tokens: number;
  readonly error: string | undefined;
}

const NONE: ContextWindow = { kept: undefined, tokens: 0, error: undefined };

/** The messages that fit a token budget, counted again when the session changes. */
export function useContextWindow(
  key: string,
  maxTokens: number | undefined,
  version: string | undefined,
): ContextWindow {
  const [window, setWindow] = useState(NONE);
  useEffect(() => {
    if (maxTokens === undefined) {
      setWindow(NONE);
      return undefined;
    }
    const left = new AbortController();
    read<ContextView>("context", { session: key, maxTokens }, left.signal).then(
      ({ keptIds, tokens }) => setWindow({ kept: new Set(keptIds), tokens, error: undefined }),
      (error: unknown) => {
        if (!left.signal.aborted) setWindow({ ...NONE, error: messageOf(error) });
      },
    );
    return () => left.abort();
  }, [key, maxTokens, version]);
  return window;
}
