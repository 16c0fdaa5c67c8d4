import { useEffect, useState, useSyncExternalStore } from "react";
import type { Failure, PanelState, ProvidersView, SessionDetail } from "../../src/wire.ts";
import { addressOf } from "./api.ts";
import { followEvents } from "./events.ts";

/** Refused: the console at this address is another one by now, and a browser does not try that again. */
type Connection = "connecting" | "open" | "lost" | "refused";

/** The values that the server pushes. */
interface LiveValues {
  readonly connection: Connection;
  /** Changes when any session does. */
  readonly sessions: string | null | Failure;
  /** The open session; null when it no longer exists. */
  readonly session: SessionDetail | null | Failure;
  readonly providers: ProvidersView | Failure;
  readonly panel: PanelState | Failure;
}

const EVENTS = ["sessions", "session", "providers", "panel"] as const;

/** Listens while the page is seen: nobody polls a database for a tab in the background. */
export class LiveStore {
  readonly #key: string | undefined;
  readonly #listeners = new Set<() => void>();
  #values: Partial<LiveValues> = { connection: "connecting" };
  #listening: AbortController | undefined;

  constructor(key: string | undefined) {
    this.#key = key;
  }

  start(): () => void {
    const follow = (): void => {
      if (document.visibilityState === "visible") this.#open();
      else this.#close();
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      this.#close();
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get<Name extends keyof LiveValues>(name: Name): LiveValues[Name] | undefined {
    return this.#values[name];
  }

  #open(): void {
    if (this.#listening !== undefined) return;
    const listening = new AbortController();
    this.#listening = listening;
    const events = followEvents(addressOf("live", { session: this.#key }), listening.signal, {
      onOpen: () => this.#set("connection", "open"),
      onLost: () => this.#set("connection", "lost"),
      onEvent: (name, data) => {
        const known = EVENTS.find((event) => event === name);
        if (known !== undefined) this.#set(known, JSON.parse(data));
      },
    });
    void events.then(() => {
      if (listening.signal.aborted) return;
      this.#set("connection", "refused");
      // Whoever comes back to the page may have opened it anew elsewhere.
      this.#close();
    });
  }

  #close(): void {
    this.#listening?.abort();
    this.#listening = undefined;
  }

  #set<Name extends keyof LiveValues>(name: Name, value: LiveValues[Name]): void {
    this.#values = { ...this.#values, [name]: value };
    for (const listener of this.#listeners) listener();
  }
}

/** A store for the session that is open. */
export function useLiveStore(key: string | undefined): LiveStore {
  const [held, setHeld] = useState(() => ({ key, store: new LiveStore(key) }));
  let { store } = held;
  if (held.key !== key) {
    store = new LiveStore(key);
    setHeld({ key, store });
  }
  useEffect(() => store.start(), [store]);
  return store;
}

export function useLive<Name extends keyof LiveValues>(store: LiveStore, name: Name): LiveValues[Name] | undefined {
  return useSyncExternalStore(store.subscribe, () => store.get(name));
}
