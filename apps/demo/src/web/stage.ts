/** The three servers, which a visitor may stop, pause, cut off and start. */
import type { PanelSection } from "@rivet/memory-console";
import { PROVIDERS, type ProviderName, type ProviderServers } from "../providers.ts";

type Condition = "running" | "stopped" | "paused" | "cut off";

const VERBS = { stop: "Stop", pause: "Pause", cut: "Cut off", start: "Start" } as const;
type Verb = keyof typeof VERBS;

const AFTER: Readonly<Record<Verb, Condition>> = { stop: "stopped", pause: "paused", cut: "cut off", start: "running" };

export class Stage {
  readonly #servers: ProviderServers;
  readonly #conditions = new Map<ProviderName, Condition>(PROVIDERS.map((name) => [name, "running"]));
  /** The action in progress on each server. A server that is still starting cannot be stopped. */
  readonly #underWay = new Map<ProviderName, Promise<void>>();

  constructor(servers: ProviderServers) {
    this.#servers = servers;
  }

  /** The sections of the panel, one per server. */
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
   * Performs an action after the previous action on the same server.
   *
   * @throws for an unknown id, and the errors of the server, whose condition is then unchanged.
   */
  async act(id: string): Promise<void> {
    const [verb = "", name = ""] = id.split(" ");
    if (!isVerb(verb) || !isProvider(name)) throw new Error(`the stage has no action ${id}`);
    const before = this.#conditions.get(name) ?? "running";
    if ((before === "running") === (verb === "start")) return;
    // Shows the requested condition at once, because a server takes a moment to stop or to start.
    this.#conditions.set(name, AFTER[verb]);
    const done = (this.#underWay.get(name) ?? Promise.resolve()).then(() => this.#do(verb, name));
    const settled = done.catch(() => undefined);
    this.#underWay.set(name, settled);
    try {
      await done;
    } catch (error) {
      if (this.#underWay.get(name) === settled) this.#conditions.set(name, before);
      throw error;
    }
  }

  async #do(verb: Verb, name: ProviderName): Promise<void> {
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
