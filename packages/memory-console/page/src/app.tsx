import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { Overview } from "../../src/wire.ts";
import { useLive, useLiveStore, type LiveStore } from "./live.ts";
import { endOpening } from "./opening.ts";
import { PanelView } from "./panel/panel-view.tsx";
import { ProvidersPage } from "./providers/providers-page.tsx";
import { fragmentOf, parseRoute, useFragment, type Route } from "./route.ts";
import { SessionView } from "./session/session-view.tsx";
import { SessionList } from "./sessions/session-list.tsx";
import { EmptyState } from "./states.tsx";
import { ThemeButton } from "./theme.tsx";
import { useShortcuts } from "./use-shortcuts.ts";

export function App({ overview }: { readonly overview: Overview }): ReactNode {
  const fragment = useFragment();
  const route = fragment === "" && overview.panel !== undefined ? { view: "panel" as const } : parseRoute(fragment);
  const live = useLiveStore(sessionOf(route, overview));
  useShortcuts(route);
  useEffect(endOpening, []);
  return (
    <div
      className="shell"
      data-view={route.view}
      data-open={(route.view === "sessions" && route.key !== undefined) || undefined}
    >
      <TopBar overview={overview} route={route} live={live} />
      <main>
        <View route={route} overview={overview} live={live} />
      </main>
    </div>
  );
}

function sessionOf(route: Route, overview: Overview): string | undefined {
  if (route.view === "sessions") return route.key;
  return route.view === "panel" ? overview.panel?.sessionKey : undefined;
}

interface ViewProps {
  readonly route: Route;
  readonly overview: Overview;
  readonly live: LiveStore;
}

function View({ route, overview, live }: ViewProps): ReactNode {
  if (route.view === "providers") return <ProvidersPage overview={overview} live={live} />;
  if (route.view === "panel" && overview.panel !== undefined) {
    return <PanelView overview={overview} panel={overview.panel} live={live} />;
  }
  return <Sessions selected={route.view === "sessions" ? route.key : undefined} overview={overview} live={live} />;
}

function Sessions({
  selected,
  overview,
  live,
}: Omit<ViewProps, "route"> & { selected: string | undefined }): ReactNode {
  const [removals, setRemovals] = useState(0);
  const noteRemoval = useCallback(() => setRemovals((count) => count + 1), []);
  return (
    <div className="split">
      <SessionList live={live} selected={selected} removals={removals} />
      {selected === undefined ? (
        <EmptyState title="Choose a session">
          <p>
            <kbd>↑</kbd> <kbd>↓</kbd> go from one to the next, <kbd>/</kbd> searches, <kbd>Esc</kbd> goes back.
          </p>
        </EmptyState>
      ) : (
        <SessionView key={selected} sessionKey={selected} live={live} overview={overview} onRemoved={noteRemoval} />
      )}
    </div>
  );
}

const CONNECTIONS = {
  connecting: "Connecting",
  open: "Live",
  lost: "Connection lost, trying again",
  refused: "Locked: open the address that the console has printed",
} as const;

function TopBar({ overview, route, live }: ViewProps): ReactNode {
  const connection = useLive(live, "connection") ?? "connecting";
  const links: [Route, string][] = [
    ...(overview.panel === undefined ? [] : [[{ view: "panel" }, overview.panel.title] satisfies [Route, string]]),
    [{ view: "sessions" }, "Sessions"],
    [{ view: "providers" }, "Providers"],
  ];
  return (
    <header className="top">
      <span className="brand">
        <Mark /> Rivet Memory
      </span>
      <span className="label mono" title={overview.label}>
        {overview.label}
      </span>
      <nav aria-label="Views">
        {links.map(([to, name]) => (
          <a key={name} href={fragmentOf(to)} aria-current={to.view === route.view ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <span className="grow" />
      <span className="connection" data-state={connection} role="status">
        {CONNECTIONS[connection]}
      </span>
      <span className="tag" data-tone={overview.isWritable ? "bad" : undefined}>
        {overview.isWritable ? "can write" : "read-only"}
      </span>
      <ThemeButton />
    </header>
  );
}

function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <rect width="20" height="20" rx="5" />
      <path d="M6 6.5h8M6 10h8M6 13.5h5" />
    </svg>
  );
}
