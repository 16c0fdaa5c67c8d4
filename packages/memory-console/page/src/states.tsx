import type { ReactNode } from "react";

export function LoadingState({ label }: { label: string }): ReactNode {
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

export function ErrorState({ title, text, onRetry }: ErrorStateProps): ReactNode {
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

export function EmptyState({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
