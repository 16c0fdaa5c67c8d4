import type { ReactNode } from "react";
import { amount, counted } from "../format.ts";
import type { ContextWindow } from "./use-context-window.ts";

const BUDGETS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 128_000, 200_000];

interface ContextBarProps {
  readonly budget: number | undefined;
  readonly window: ContextWindow;
  readonly onChange: (budget: number | undefined) => void;
}

/** Chooses a token budget, and says what of the session fits it. */
export function ContextBar({ budget, window, onChange }: ContextBarProps): ReactNode {
  return (
    <div className="context-bar">
      <label>
        Context window
        <select
          value={budget ?? ""}
          onChange={({ target }) => onChange(target.value === "" ? undefined : Number(target.value))}
        >
          <option value="">everything</option>
          {BUDGETS.map((tokens) => (
            <option key={tokens} value={tokens}>
              {amount(tokens)} tokens
            </option>
          ))}
        </select>
      </label>
      <span role="status" className="quiet">
        {window.error !== undefined
          ? window.error
          : window.kept !== undefined
            ? `${counted(window.kept.size, "message")} in the window, about ${counted(window.tokens, "token")}`
            : ""}
      </span>
    </div>
  );
}
