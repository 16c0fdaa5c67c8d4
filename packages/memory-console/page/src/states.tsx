import type { ComponentChildren } from "preact";

export function LoadingState({ label }: { label: string }): ComponentChildren {
  return (
    <div className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      <p>{label}…</p>
    </div>
  );
}

interface ErrorStateProps {
  readonly title: string;
  readonly text: string;
  readonly onRetry?: () => void;
}

export function ErrorState({ title, text, onRetry }: ErrorStateProps): ComponentChildren {
  return (
    <div className="state" role="alert">
      <h2>{title}</h2>
      <p>{text}</p>
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }): ComponentChildren {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
