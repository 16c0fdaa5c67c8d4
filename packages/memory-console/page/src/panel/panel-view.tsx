import { useState, type FormEvent, type ReactNode } from "react";
import type { Overview, PanelRequest, PanelSection, PanelState } from "../../../src/wire.ts";
import { isFailure, messageOf, send } from "../api.ts";
import { useLive, type LiveStore } from "../live.ts";
import { FailoverPlot } from "../providers/failover-plot.tsx";
import { SessionView } from "../session/session-view.tsx";
import { EmptyState, ErrorState, LoadingState } from "../states.tsx";
import { useNow } from "../use-now.ts";

interface PanelViewProps {
  readonly overview: Overview;
  readonly panel: NonNullable<Overview["panel"]>;
  readonly live: LiveStore;
}

/** The application's own panel beside its session: what it shows, and what it lets the visitor do. */
export function PanelView({ overview, panel, live }: PanelViewProps): ReactNode {
  const state = useLive(live, "panel");
  const providers = useLive(live, "providers");
  const nowMs = useNow(1_000);
  const [error, setError] = useState<string>();
  const act = async (request: PanelRequest): Promise<void> => {
    try {
      await send("panel", request);
      setError(undefined);
    } catch (reason) {
      setError(messageOf(reason));
    }
  };
  const known = state === undefined || isFailure(state) ? undefined : state;
  return (
    <div className="split panel-view">
      {panel.sessionKey === undefined ? (
        <EmptyState title={panel.title} />
      ) : (
        <SessionView
          sessionKey={panel.sessionKey}
          live={live}
          overview={overview}
          footer={known?.prompt === undefined ? null : <Prompt prompt={known.prompt} act={act} />}
        />
      )}
      <aside className="panel" aria-label={panel.title}>
        <h2>{panel.title}</h2>
        {isFailure(state) ? <ErrorState title="The panel failed" text={state.error.message} /> : null}
        {state === undefined ? <LoadingState label="Opening" /> : null}
        {known?.note === undefined ? null : <p className="quiet">{known.note}</p>}
        {known?.sections.map((section) => (
          <Section key={section.title} section={section} act={act} />
        ))}
        {error === undefined ? null : <p role="alert">{error}</p>}
        {providers === undefined || isFailure(providers) ? null : <FailoverPlot view={providers} nowMs={nowMs} />}
      </aside>
    </div>
  );
}

type Act = (request: PanelRequest) => Promise<void>;

function Section({ section, act }: { section: PanelSection; act: Act }): ReactNode {
  const { title, status, tone = "neutral", actions } = section;
  return (
    <section className="panel-section" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {status === undefined ? null : (
          <span className="state-pill" data-tone={tone}>
            {status}
          </span>
        )}
      </header>
      <div className="actions">
        {actions.map(({ id, label, isDisabled }) => (
          <button
            key={id}
            type="button"
            className="small"
            disabled={isDisabled}
            aria-label={`${label} ${title}`}
            onClick={() => void act({ type: "action", id })}
          >
            {label}
          </button>
        ))}
      </div>
    </section>
  );
}

function Prompt({ prompt, act }: { prompt: NonNullable<PanelState["prompt"]>; act: Act }): ReactNode {
  const [text, setText] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text.trim() === "") return;
    void act({ type: "prompt", text });
    setText("");
  };
  return (
    <form className="prompt" onSubmit={submit}>
      <input
        aria-label={prompt.label}
        placeholder={prompt.placeholder ?? prompt.label}
        value={text}
        disabled={prompt.isDisabled}
        onChange={({ target }) => setText(target.value)}
        autoComplete="off"
      />
      <button type="submit" disabled={prompt.isDisabled}>
        Send
      </button>
    </form>
  );
}
