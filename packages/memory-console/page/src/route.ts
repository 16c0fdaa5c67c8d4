import { useSyncExternalStore } from "react";

/** The view of the page, as stored in the fragment of the address. */
export type Route =
  | { readonly view: "sessions"; readonly key?: string }
  | { readonly view: "providers" }
  | { readonly view: "panel" };

export function parseRoute(fragment: string): Route {
  const [, view = "", key = ""] = fragment.replace(/^#/, "").split("/");
  if (view === "providers" || view === "panel") return { view };
  return key === "" ? { view: "sessions" } : { view: "sessions", key: decoded(key) };
}

export function fragmentOf(route: Route): string {
  if (route.view !== "sessions" || route.key === undefined) return `#/${route.view}`;
  return `#/sessions/${encodeURIComponent(route.key)}`;
}

/** Somebody may have typed it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function go(route: Route): void {
  window.location.hash = fragmentOf(route);
}

export function useFragment(): string {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener("hashchange", listener);
      return () => window.removeEventListener("hashchange", listener);
    },
    () => window.location.hash,
  );
}
