import type { PanelRequest, PanelState } from "./wire.ts";

/**
 * A panel of an application on the console's page: what it shows and what it lets the visitor do, as data. The page
 * draws it beside a session, and tells it live when its state changes.
 *
 * @example
 * const panel = {
 *   title: "Servers",
 *   sessionId: session.sessionId,
 *   state: () => ({
 *     sections: [{ title: "neon", status: "running", tone: "good", actions: [{ id: "kill neon", label: "Kill" }] }],
 *     prompt: { label: "Message" },
 *   }),
 *   act: async (request) => request.type === "prompt" ? answer(request.text) : kill(request.id),
 * };
 */
export interface ConsolePanel {
  readonly title: string;
  /** The session that stands beside it. Default: none. */
  readonly sessionId?: string;
  /** The current content. It is read several times a second while the panel is open, so it should be fast. */
  state(): PanelState | Promise<PanelState>;
  /** Does what the visitor chose; what it throws is shown to the visitor by its message. */
  act(request: PanelRequest): void | Promise<void>;
}
