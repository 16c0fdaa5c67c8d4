import { StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { messageOf } from "./api.ts";
import { App } from "./app.tsx";
import { loadOpening } from "./opening.ts";
import { ErrorState } from "./states.tsx";

/** The page, or why it cannot be shown. */
async function content(): Promise<ReactNode> {
  try {
    return <App overview={await loadOpening()} />;
  } catch (error) {
    const again = (): void => window.location.reload();
    return <ErrorState title="The console cannot be shown" text={messageOf(error)} onRetry={again} />;
  }
}

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<StrictMode>{await content()}</StrictMode>);
