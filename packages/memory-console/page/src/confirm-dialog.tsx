import { useEffect, useRef, useState, type ReactNode } from "react";
import { messageOf } from "./api.ts";

interface ConfirmDialogProps {
  readonly title: string;
  readonly text: string;
  /** The text of the button that confirms. */
  readonly action: string;
  /** The text that the user has to type first. Default: none. */
  readonly typed?: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Asks before something is done that cannot be undone. */
export function ConfirmDialog({
  title,
  text,
  action,
  typed,
  onConfirm,
  onDone,
  onClose,
}: ConfirmDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [answer, setAnswer] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  // So, and not by taking it away, the focus goes back to where it came from.
  const close = (): void => dialog.current?.close();
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await onConfirm();
      close();
      onDone();
    } catch (reason) {
      setError(messageOf(reason));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="confirm-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <h2 id="confirm-title">{title}</h2>
        <p>{text}</p>
        {typed === undefined ? null : (
          <label>
            To go on, type <b>{typed}</b>
            <input value={answer} onChange={({ target }) => setAnswer(target.value)} autoComplete="off" />
          </label>
        )}
        {error === undefined ? null : <p role="alert">{error}</p>}
        <p className="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" className="danger" disabled={isBusy || (typed !== undefined && answer !== typed)}>
            {action}
          </button>
        </p>
      </form>
    </dialog>
  );
}
