import { useState, type ReactNode } from "react";
import type { Overview, ProvidersView } from "../../../src/wire.ts";
import { isFailure, send } from "../api.ts";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { ago, amount, clockTime, duration, fullTime } from "../format.ts";
import { useLive, type LiveStore } from "../live.ts";
import { EmptyState, ErrorState, LoadingState } from "../states.tsx";
import { useNow } from "../use-now.ts";
import { FailoverPlot } from "./failover-plot.tsx";
import { ProviderCard } from "./provider-card.tsx";

/** The health of the providers, live; a word where the storage is one store. */
export function ProvidersPage({ overview, live }: { overview: Overview; live: LiveStore }): ReactNode {
  const view = useLive(live, "providers");
  const nowMs = useNow(1_000);
  if (!overview.hasProviders) {
    return (
      <EmptyState title="One store, and no providers">
        <p>
          <span className="mono">{overview.label}</span> keeps everything in one place: there is nobody to fail over to.
        </p>
        <p className="quiet">
          PostgreSQL with several providers shows here how they are, and what is on its way between them.
        </p>
      </EmptyState>
    );
  }
  if (view === undefined) return <LoadingState label="Asking the providers" />;
  if (isFailure(view)) return <ErrorState title="The providers could not be asked" text={view.error.message} />;
  return (
    <div className="providers-page">
      <header className="page-head">
        <h1>Providers</h1>
        {overview.canRepair && view.providers.length > 1 ? <Repair /> : null}
      </header>
      <div className="cards">
        {view.providers.map((provider) => (
          <ProviderCard key={provider.name} provider={provider} nowMs={nowMs} />
        ))}
      </div>
      <section>
        <h2>States over time</h2>
        <FailoverPlot view={view} nowMs={nowMs} />
      </section>
      {view.providers.length > 1 ? <Pairs view={view} nowMs={nowMs} /> : null}
      <Journal view={view} />
      <Events view={view} />
    </div>
  );
}

function Repair(): ReactNode {
  const [isAsked, setAsked] = useState(false);
  return (
    <>
      <button type="button" className="small" onClick={() => setAsked(true)}>
        Repair…
      </button>
      {isAsked ? (
        <ConfirmDialog
          title="Repair the providers?"
          text="They are compared, and each gets what any other has. That reads the digests of all sessions."
          action="Repair"
          onConfirm={() => send("write/repair", {})}
          onDone={() => setAsked(false)}
          onClose={() => setAsked(false)}
        />
      ) : null}
    </>
  );
}

function Pairs({ view, nowMs }: { view: ProvidersView; nowMs: number }): ReactNode {
  const { pairs, unreachable, replicationError } = view;
  return (
    <section>
      <h2>On its way</h2>
      {replicationError === undefined ? null : <p role="alert">{replicationError}</p>}
      {unreachable.length === 0 ? null : <p className="warning">{unreachable.join(", ")} cannot be asked.</p>}
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Hints for each pair">
        <table>
          <thead>
            <tr>
              <th>from</th>
              <th>to</th>
              <th className="number">hints</th>
              <th className="number">oldest</th>
              <th>last brought</th>
              <th>last repair</th>
              <th>state</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map(({ from, to, hints, oldestHintAgeMs, lastDrainAt, lastRepairAt, needsRepair, deadLetters }) => (
              <tr key={`${from} ${to}`}>
                <td>{from}</td>
                <td>{to}</td>
                <td className="number">{amount(hints)}</td>
                <td className="number">{oldestHintAgeMs === undefined ? "–" : duration(oldestHintAgeMs)}</td>
                <td>{lastDrainAt === undefined ? "–" : ago(lastDrainAt, nowMs)}</td>
                <td>{lastRepairAt === undefined ? "–" : ago(lastRepairAt, nowMs)}</td>
                <td>{stateOf(needsRepair, deadLetters, hints)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Journal({ view: { journal } }: { view: ProvidersView }): ReactNode {
  if (journal.length === 0) return null;
  return (
    <section>
      <h2>In the local journal</h2>
      <div className="table-scroller" tabIndex={0} role="region" aria-label="What the local journal holds">
        <table>
          <thead>
            <tr>
              <th>for</th>
              <th className="number">atoms</th>
              <th className="number">KiB</th>
              <th className="number">oldest</th>
            </tr>
          </thead>
          <tbody>
            {journal.map(({ to, atoms, bytes, oldestAtomAgeMs }) => (
              <tr key={to}>
                <td>{to}</td>
                <td className="number">{amount(atoms)}</td>
                <td className="number">{amount(Math.ceil(bytes / 1_024))}</td>
                <td className="number">{oldestAtomAgeMs === undefined ? "–" : duration(oldestAtomAgeMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function stateOf(needsRepair: boolean, deadLetters: number, hints: number): string {
  if (needsRepair) return "needs repair";
  if (deadLetters > 0) return `${amount(deadLetters)} refused`;
  return hints === 0 ? "equal" : "catching up";
}

function Events({ view }: { view: ProvidersView }): ReactNode {
  return (
    <section>
      <h2>Last events</h2>
      {view.events.length === 0 ? <p className="quiet">Nothing happened since the console started.</p> : null}
      <ol className="events">
        {view.events.slice(0, 50).map(({ atMs, kind, provider, text }, index) => (
          <li key={`${atMs} ${index}`} data-kind={kind}>
            <time dateTime={new Date(atMs).toISOString()} title={fullTime(atMs)}>
              {clockTime(atMs)}
            </time>
            <b>{provider}</b>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
