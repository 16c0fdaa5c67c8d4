export type Tone = "good" | "warning" | "bad" | "returning" | "neutral";

const TONES: Readonly<Record<string, Tone>> = {
  up: "good",
  suspect: "warning",
  saturated: "warning",
  "read-only": "warning",
  "no-write": "warning",
  probing: "returning",
  "catching-up": "returning",
  down: "bad",
  ineligible: "bad",
};

/** The colour of a provider's state. The page also shows the state as a word. */
export function toneOf(state: string): Tone {
  return TONES[state] ?? "neutral";
}
