/** Three servers that a visitor may stop, pause, cut off and start. */
import type { PanelSection } from "@rivet/memory-console";
import { PROVIDERS, type ProviderName, type ProviderServers } from "../providers.ts";

type Condition = "running" | "stopped" | "paused" | "cut off";

const VERBS = { stop: "Stop", pause: "Pause", cut: "Cut off", start: "Start" } as const;
type Verb = keyof typeof VERBS;

const AFTER: Readonly<Record<Verb, Condition>> = { stop: "stopped", pause: "paused", cut: "cut off", start: "running" };

export class Stage {
  readonly #servers: ProviderServers;
  readonly #conditions = new Map<ProviderName, Condition>(PROVIDERS.map((name) => [name, "running"]));

  constructor(servers: ProviderServers) {
    this.#servers = servers;
  }

  /** One for each server, as the panel shows them. */
  sections(): PanelSection[] {
    return [...this.#conditions].map(([name, condition]) => ({
      title: name,
      status: condition,
      tone: condition === "running" ? "good" : "bad",
      actions: (Object.keys(VERBS) as Verb[]).map((verb) => ({
        id: `${verb} ${name}`,
        label: VERBS[verb],
        isDisabled: (condition === "running") === (verb === "start"),
      })),
    }));
  }

  /**
   * Does what an action's id says.
   *
   * @throws for an id that is none.
   */
  async act(id: string): Promise<void> {
    const [verb = "", name = ""] = id.split(" ");
    if (!isVerb(verb) || !isProvider(name)) throw new Error(`there is nothing to do that is called ${id}`);
    if ((this.#conditions.get(name) === "running") === (verb === "start")) return;
    // What is asked for stands there at once: a server takes a moment to end, or to start.
    this.#conditions.set(name, AFTER[verb]);
    if (verb === "stop") await this.#servers.kill(name);
    else if (verb === "pause") await this.#servers.pause(name);
    else if (verb === "cut") this.#servers.cutOff(name);
    else await this.#servers.bringBack(name);
  }
}

function isVerb(text: string): text is Verb {
  return Object.hasOwn(VERBS, text);
}

function isProvider(text: string): text is ProviderName {
  return PROVIDERS.some((name) => name === text);
}
