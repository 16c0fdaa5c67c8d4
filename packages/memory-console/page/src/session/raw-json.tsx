import { useEffect, useState, type ReactNode } from "react";
import { messageOf, read } from "../api.ts";
import { CodeBlock } from "../text/rich-text.tsx";
import { Places } from "./places.tsx";

/** An atom as it is stored, all of it, and where. */
export function RawJson({ session, id }: { session: string; id: string }): ReactNode {
  const [text, setText] = useState<string>();
  const [error, setError] = useState<string>();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const left = new AbortController();
    read<unknown>("atom", { session, atom: id }, left.signal).then(
      (atom) => setText(JSON.stringify(atom, undefined, 2)),
      (reason: unknown) => {
        if (!left.signal.aborted) setError(messageOf(reason));
      },
    );
    return () => left.abort();
  }, [session, id]);
  if (error !== undefined) return <p role="alert">{error}</p>;
  if (text === undefined) return <p className="quiet">Reading…</p>;
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <div className="raw">
      <button type="button" className="small" onClick={copy}>
        {isCopied ? "Copied" : "Copy JSON"}
      </button>
      <Places session={session} id={id} />
      <CodeBlock text={text} />
    </div>
  );
}
