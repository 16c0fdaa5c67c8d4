import { useEffect } from "react";
import { go, type Route } from "./route.ts";

/** `/` goes to the search, Escape back to the list. */
export function useShortcuts(route: Route): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        document.getElementById("search")?.focus();
      }
      if (event.key === "Escape" && isTyping && event.target instanceof HTMLElement) event.target.blur();
      else if (event.key === "Escape" && route.view === "sessions") go({ view: "sessions" });
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [route]);
}
