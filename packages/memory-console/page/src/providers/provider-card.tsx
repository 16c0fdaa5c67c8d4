import type { ReactNode } from "react";
import type { ProviderView } from "../../../src/wire.ts";
import { ago, amount, duration, fullTime } from "../format.ts";
import { Sparkline } from "./sparkline.tsx";
import { toneOf } from "./state-tone.ts";

export function ProviderCard({ provider, nowMs }: { provider: ProviderView; nowMs: number }): ReactNode {
  const { name, host, state, since, isActive, isPreferred, p50Ms, p99Ms, connections, latencies, lastError } = provider;
  return (
    <article className="provider" aria-label={`Provider ${name}`} data-tone={toneOf(state)}>
      <header>
        <h3>{name}</h3>
        <span className="state-pill" data-tone={toneOf(state)}>
          {state}
        </span>
        {isActive ? <span className="tag">takes the work</span> : null}
        {isPreferred && !isActive ? <span className="tag">preferred</span> : null}
      </header>
      <p className="quiet">
        <span className="mono">{host}</span> · <span title={fullTime(since)}>since {ago(since, nowMs)}</span>
      </p>
      <Sparkline latencies={latencies} />
      <dl className="numbers">
        <Number name="p50" value={p50Ms === undefined ? "–" : duration(p50Ms)} />
        <Number name="p99" value={p99Ms === undefined ? "–" : duration(p99Ms)} />
        <Number name="connections" value={`${connections.total} of ${connections.max}`} />
        <Number name="waiting" value={amount(connections.waiting)} />
        <Number name="failovers" value={amount(provider.failovers)} />
        <Number name="hedges" value={amount(provider.hedges)} />
      </dl>
      {lastError === undefined ? null : (
        <p className="last-error">
          <b>{lastError.code}</b> {ago(lastError.at, nowMs)}: {lastError.message}
        </p>
      )}
    </article>
  );
}

function Number({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
