export { createConsole, type Console, type ConsoleOptions } from "./console.ts";
export type { ConsolePanel } from "./panel.ts";
export { startConsole, type RunningConsole, type StartOptions } from "./start.ts";
export type { ConsoleStorage } from "./reading/storage.ts";
export type { PanelAction, PanelRequest, PanelSection, PanelState, PanelTone } from "./wire.ts";
