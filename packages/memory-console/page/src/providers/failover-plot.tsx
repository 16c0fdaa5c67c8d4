import type { ReactNode } from "react";
import type { ProvidersView, ProviderView } from "../../../src/wire.ts";
import { clockTime, duration } from "../format.ts";
import { useWidth } from "../use-width.ts";
import { LABEL_HEIGHT, placeLabels } from "./labels.ts";
import { toneOf } from "./state-tone.ts";

const USUAL_WIDTH = 900;
const LEFT = 96;
const RIGHT = 14;
/** Between two times on the axis, at least, in pixels. */
const TICK_DISTANCE = 110;
const LANE = 34;
const TOP = 26;
/** A plot of a moment says nothing. */
const SHORTEST_MS = 60_000;
const LONGEST_MS = 15 * 60_000;

/** The states of the providers over time, and the failovers. */
export function FailoverPlot({ view, nowMs }: { view: ProvidersView; nowMs: number }): ReactNode {
  const [frame, width] = useWidth<HTMLDivElement>(USUAL_WIDTH);
  const { providers, events, startedMs } = view;
  const startMs = Math.max(Math.min(startedMs, nowMs - SHORTEST_MS), nowMs - LONGEST_MS);
  const plotWidth = Math.max(width - LEFT - RIGHT, 1);
  const scale = (ms: number): number => LEFT + Math.min(Math.max(ms - startMs, 0) / (nowMs - startMs), 1) * plotWidth;
  const moves = events.filter(({ kind, atMs }) => (kind === "failover" || kind === "failback") && atMs >= startMs);
  const lines = moves.toReversed().map((move) => ({ ...move, x: scale(move.atMs), label: `→ ${move.provider}` }));
  const labels = placeLabels(
    lines.map(({ x, label }) => ({ x, length: label.length })),
    width - RIGHT,
  );
  const top = TOP + Math.max(0, ...labels.map((label) => label?.row ?? 0)) * LABEL_HEIGHT;
  const height = top + providers.length * LANE + 22;
  const tickCount = Math.max(2, Math.min(5, Math.floor(plotWidth / TICK_DISTANCE)));
  const ticks = Array.from(
    { length: tickCount },
    (_, index) => startMs + (index / (tickCount - 1)) * (nowMs - startMs),
  );
  return (
    <div className="plot-frame" ref={frame}>
      <svg className="plot" width={width} height={height} role="img" aria-label={describe(view, moves.length)}>
        {providers.map(({ name, isActive }, index) => (
          <text
            key={name}
            x={LEFT - 12}
            y={top + index * LANE + 19}
            textAnchor="end"
            className={isActive ? "active" : ""}
          >
            {name}
          </text>
        ))}
        {providers.map((provider, index) =>
          spansOf(provider, startMs, nowMs).map(({ state, fromMs, toMs }) => (
            <g key={`${provider.name} ${fromMs}`} data-tone={toneOf(state)}>
              <title>{`${provider.name}: ${state} for ${duration(toMs - fromMs)} from ${clockTime(fromMs)}`}</title>
              <rect
                x={scale(fromMs)}
                y={top + index * LANE + 4}
                width={Math.max(scale(toMs) - scale(fromMs), 1.5)}
                height={LANE - 12}
                rx={3}
              />
            </g>
          )),
        )}
        {lines.map(({ kind, atMs, provider, text, x, label }, index) => {
          const place = labels[index];
          return (
            <g key={`${atMs} ${provider}`} className="move" data-kind={kind}>
              <title>{`${provider} ${text}`}</title>
              <line x1={x} x2={x} y1={top - 4} y2={height - 22} />
              {place === undefined ? null : (
                <text x={place.x} y={top - 10 - place.row * LABEL_HEIGHT} textAnchor="middle">
                  {label}
                </text>
              )}
            </g>
          );
        })}
        {ticks.map((ms, index) => (
          <text
            key={index}
            className="tick"
            x={scale(ms)}
            y={height - 4}
            textAnchor={index === 0 ? "start" : index === tickCount - 1 ? "end" : "middle"}
          >
            {clockTime(ms)}
          </text>
        ))}
      </svg>
    </div>
  );
}

interface Span {
  readonly state: string;
  readonly fromMs: number;
  readonly toMs: number;
}

function spansOf({ states }: ProviderView, startMs: number, nowMs: number): Span[] {
  return states
    .map(({ state, sinceMs }, index) => ({
      state,
      fromMs: Math.max(sinceMs, startMs),
      toMs: states[index + 1]?.sinceMs ?? nowMs,
    }))
    .filter(({ fromMs, toMs }) => toMs > fromMs);
}

function describe({ providers }: ProvidersView, moves: number): string {
  const states = providers.map(({ name, state }) => `${name} is ${state}`).join(", ");
  return `The states of the providers over time: ${states}; the work moved ${moves} times.`;
}
