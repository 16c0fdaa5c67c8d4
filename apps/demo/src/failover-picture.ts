import { drawTimeline, type Mark, type Picture, type Span } from "@rivet/timeline-picture";
import { PROVIDERS } from "./providers.ts";
import type { StoryEvent } from "./story-events.ts";

/** Leaves some room after the last event. */
const MARGIN = 1.03;

/** Draws the story as an SVG. Pure. */
export function drawFailover(events: readonly StoryEvent[]): string {
  return drawTimeline(pictureOf(events));
}

function pictureOf(events: readonly StoryEvent[]): Picture {
  const lastMs = Math.max(1, ...events.map(({ atMs }) => atMs));
  const equalMs = timeOf(events, "equal");
  const backMs = events.find(({ kind }) => kind === "back")?.atMs;
  return {
    title: "A conversation goes on while its databases die and come back",
    subtitle: subtitle(events),
    description: describe(events),
    endMs: lastMs * MARGIN,
    lanes: [
      ...PROVIDERS.map((name) => ({
        name,
        bars: outagesOf(events, name, lastMs),
        marks: marksOf(events, name),
      })),
      { name: "journal", bars: drainOf(events), marks: marksOf(events, "local") },
    ],
    spans:
      backMs === undefined
        ? []
        : [
            {
              tone: "converging",
              startMs: backMs,
              endMs: equalMs ?? lastMs,
              label: "each provider gets what it missed",
            },
          ],
    moments: equalMs === undefined ? [] : [{ atMs: equalMs, label: "all equal" }],
    legend: [
      { tone: "acknowledged", text: "a turn, acknowledged by a provider" },
      { tone: "local", text: "… by the local journal" },
      { tone: "returning", text: "catching up, not yet trusted" },
      { tone: "converging", text: "each gets what it missed" },
    ],
  };
}

function timeOf(events: readonly StoryEvent[], kind: StoryEvent["kind"]): number | undefined {
  return events.findLast((event) => event.kind === kind)?.atMs;
}

function savesOf(events: readonly StoryEvent[]): Extract<StoryEvent, { kind: "saved" }>[] {
  return events.filter((event) => event.kind === "saved");
}

function marksOf(events: readonly StoryEvent[], store: string): Mark[] {
  const saves = savesOf(events).filter(({ stores }) => stores.includes(store));
  return saves.map(({ turn, atMs, tookMs }) => ({
    tone: store === "local" ? "local" : "acknowledged",
    atMs,
    text: String(turn),
    description: `turn ${turn}: saved in ${tookMs.toFixed(0)} ms`,
  }));
}

/** The bars of a provider: from its failure until it answers again, and from then until it takes work. */
function outagesOf(events: readonly StoryEvent[], name: string, lastMs: number): Span[] {
  const bars: Span[] = [];
  let open: Omit<Span, "endMs"> | undefined;
  const close = (endMs: number): void => {
    if (open !== undefined) bars.push({ ...open, endMs });
    open = undefined;
  };
  for (const event of events) {
    if (!("provider" in event) || event.provider !== name) continue;
    const startMs = event.atMs;
    close(startMs);
    if (event.kind === "down") open = { tone: event.how === "killed" ? "gone" : "silent", startMs, label: event.how };
    if (event.kind === "back") open = { tone: "returning", startMs, label: "back" };
  }
  close(lastMs);
  return bars;
}

/** The time during which the journal held atoms. */
function drainOf(events: readonly StoryEvent[]): Span[] {
  const startMs = savesOf(events).find(({ stores }) => stores.includes("local"))?.atMs;
  const endMs = timeOf(events, "journal empty");
  if (startMs === undefined || endMs === undefined) return [];
  return [{ tone: "local", startMs, endMs, label: "holds what no provider took" }];
}

function subtitle(events: readonly StoryEvent[]): string {
  const saves = savesOf(events);
  const longestMs = Math.max(0, ...saves.map(({ tookMs }) => tookMs));
  const equalMs = timeOf(events, "equal");
  const sinceLastMs = (equalMs ?? 0) - (saves.at(-1)?.atMs ?? 0);
  const end = equalMs === undefined ? "not equal in the end" : `all equal ${inSeconds(sinceLastMs)} after the last`;
  return `${saves.length} turns, each saved in ${longestMs.toFixed(0)} ms at most; ${end}`;
}

/** The story as sentences, in order. */
function describe(events: readonly StoryEvent[]): string {
  const sentences = events.flatMap((event) => {
    const text = sentence(event);
    return text === undefined ? [] : [`${inSeconds(event.atMs)}: ${text}.`];
  });
  return sentences.join(" ");
}

function sentence(event: StoryEvent): string | undefined {
  switch (event.kind) {
    case "saved":
      return `turn ${event.turn} is acknowledged by ${event.stores.map((store) => (store === "local" ? "the local journal" : store)).join(" and ")}`;
    case "down":
      return `${event.provider} is ${event.how}`;
    case "back":
      return `${event.provider} is back`;
    case "up":
      return undefined;
    case "journal empty":
      return "the journal is empty";
    case "equal":
      return "all providers are equal";
  }
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
