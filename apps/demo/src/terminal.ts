/** What a person sees: colours and a moving bar at a terminal, plain lines anywhere else. */
import { estimateTokens, type MemoryAtom, type Message, type Session } from "@rivet/memory-core";
import { Presets, SingleBar } from "cli-progress";
import picocolors from "picocolors";
import type { ReplayProgress } from "./replay.ts";

// On its own, the library also colours what a build server or a pipe reads.
const isTerminal = process.stdout.isTTY === true && picocolors.isColorSupported;
const pc = picocolors.createColors(isTerminal);

const WIDTH = 96;

export function heading(text: string): void {
  console.log(`\n${pc.bold(text)}`);
}

export function note(text: string): void {
  console.log(pc.dim(text));
}

export function problem(text: string): void {
  console.error(`${pc.red("✗")} ${text}`);
}

export function success(text: string): void {
  console.log(`${pc.green("✓")} ${text}`);
}

/** A bar at a terminal, one line a turn elsewhere. */
export function showProgress(): { update: (progress: ReplayProgress) => void; stop: () => void } {
  if (!isTerminal) {
    return {
      update: ({ turn, turns, acknowledged }) => console.log(`turn ${turn} of ${turns}: ${acknowledged} acknowledged`),
      stop: () => undefined,
    };
  }
  const format = "  {bar} turn {value} of {total}, {acknowledged} acknowledged";
  const bar = new SingleBar({ format, stream: process.stdout, hideCursor: true }, Presets.shades_classic);
  let isStarted = false;
  return {
    update: ({ turn, turns, acknowledged }) => {
      if (!isStarted) bar.start(turns, 0, { acknowledged: 0 });
      isStarted = true;
      bar.update(turn, { acknowledged });
    },
    stop: () => bar.stop(),
  };
}

export function printSession(session: Session): void {
  heading(`Session ${session.sessionId} of ${session.userId}: ${session.history.length} messages`);
  note(`metadata ${JSON.stringify(session.metadata)}`);
  for (const message of session.history) printMessage(message);
}

export function printAtoms(atoms: readonly MemoryAtom[]): void {
  heading(`Atoms of the session: ${atoms.length}`);
  for (const { memoryType, content } of atoms) {
    console.log(`  ${pc.yellow(memoryType.padEnd(9))} ${shortened(JSON.stringify(content))}`);
  }
}

export function printContext(messages: readonly Message[], maxTokens: number): void {
  const tokens = messages.reduce((sum, message) => sum + estimateTokens(message), 0);
  heading(`Context window of ${maxTokens} tokens: ${messages.length} messages, about ${tokens} tokens`);
  for (const message of messages) printMessage(message);
}

function printMessage({ role, content }: Message): void {
  const text = typeof content === "string" ? content : content.map(describePart).join(" ");
  console.log(`  ${pc.cyan(role.padEnd(9))} ${shortened(text)}`);
}

function describePart(part: Exclude<Message["content"], string>[number]): string {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text;
    case "tool-call":
      return `→ ${part.toolName}(${JSON.stringify(part.input)})`;
    case "tool-result":
      return `← ${part.toolName}: ${JSON.stringify("value" in part.output ? part.output.value : part.output)}`;
    default:
      return `[${part.type}]`;
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
}
