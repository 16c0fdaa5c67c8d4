/** The output for people: colours and a moving bar in a terminal, plain lines anywhere else. */
import { estimateTokens, type MemoryAtom, type Message, type Session } from "@rivet/memory-core";
import { Presets, SingleBar } from "cli-progress";
import picocolors from "picocolors";
import type { PlacedAtom } from "./atom-places.ts";

// By default, the library also colours output for a build server or a pipe.
const isTerminal = process.stdout.isTTY === true && picocolors.isColorSupported;
const pc = picocolors.createColors(isTerminal);
const errors = picocolors.createColors(process.stderr.isTTY === true && picocolors.isColorSupported);

const NAME_WIDTH = 9;
// A terminal of unknown width reports 0.
const WIDTH = (isTerminal && process.stdout.columns) || 108;

export function heading(text: string): void {
  console.log(`\n${pc.bold(printable(text))}`);
}

export function note(text: string): void {
  console.log(pc.dim(printable(text)));
}

export function problem(text: string): void {
  console.error(`${errors.red("✗")} ${printable(text)}`);
}

export function success(text: string): void {
  console.log(`${pc.green("✓")} ${text}`);
}

/** Prints an event of the servers. */
export function event(text: string): void {
  console.log(`\n${pc.yellow("⚡")} ${pc.bold(printable(text))}`);
}

export function inMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

export function sinceText(startMs: number): string {
  return `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
}

export function printTurn(turn: number, turns: number, place: string, tookMs: number): void {
  const where = printable(place).padEnd(18);
  console.log(`  turn ${String(turn).padStart(2)} of ${turns}   ${pc.cyan(where)} the user waited ${inMs(tookMs)}`);
}

/** Prints the stores of each atom: one line per atom, one column per store. */
export function printPlaces(atoms: readonly PlacedAtom[], stores: readonly string[]): void {
  heading(`Where each of the ${atoms.length} atoms is`);
  const columns = stores.map((store) => store.padEnd(NAME_WIDTH)).join(" ");
  console.log(`  ${pc.dim(columns)}`);
  for (const { memoryType, content, copies } of atoms) {
    const marks = stores.map((store) => "✓".repeat(copies.get(store) ?? 0).padEnd(NAME_WIDTH)).join(" ");
    const text = typeof content === "string" ? content : JSON.stringify(content);
    console.log(
      `  ${pc.green(marks)} ${pc.cyan(printable(memoryType).padEnd(18))} ${shortened(text, columns.length + 19)}`,
    );
  }
}

/** Prints the number of atoms in each store: one line per store. */
export function printCounts(atoms: readonly PlacedAtom[], stores: readonly string[]): void {
  heading("Atoms per store");
  for (const store of stores) {
    const count = atoms.reduce((sum, { copies }) => sum + (copies.get(store) ?? 0), 0);
    console.log(`  ${pc.cyan(store.padEnd(NAME_WIDTH))} ${String(count).padStart(6)}`);
  }
}

export interface Progress extends Disposable {
  update: (turn: number, acknowledged: number) => void;
}

/** Shows a bar in a terminal, and one line per turn elsewhere. */
export function showProgress(turns: number): Progress {
  if (!isTerminal) {
    return {
      update: (turn, acknowledged) => console.log(`turn ${turn} of ${turns}: ${acknowledged} atoms acknowledged`),
      [Symbol.dispose]: () => undefined,
    };
  }
  const format = "  {bar} turn {value} of {total}, {acknowledged} atoms acknowledged";
  // On a signal the process ends before the bar's own listeners would run, so the bar is stopped on exit.
  const options = { format, stream: process.stdout, hideCursor: true, gracefulExit: false, barsize: 24 };
  const bar = new SingleBar(options, Presets.shades_classic);
  const stop = (): void => bar.stop();
  bar.start(turns, 0, { acknowledged: 0 });
  process.prependOnceListener("exit", stop);
  return {
    update: (turn, acknowledged) => bar.update(turn, { acknowledged }),
    [Symbol.dispose]: () => {
      process.removeListener("exit", stop);
      stop();
    },
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
    console.log(`  ${pc.yellow(printable(memoryType).padEnd(NAME_WIDTH))} ${shortened(JSON.stringify(content))}`);
  }
}

export function printContext(messages: readonly Message[], maxTokens: number): void {
  const tokens = messages.reduce((sum, message) => sum + estimateTokens(message), 0);
  heading(`Context window of ${maxTokens} tokens: ${messages.length} messages, about ${tokens} tokens`);
  for (const message of messages) printMessage(message);
}

function printMessage({ role, content }: Message): void {
  const text = typeof content === "string" ? content : content.map(describePart).join(" ");
  console.log(`  ${pc.cyan(role.padEnd(NAME_WIDTH))} ${shortened(text)}`);
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

/** @param before The number of columns that are already used. */
function shortened(text: string, before = NAME_WIDTH): string {
  const width = Math.max(20, WIDTH - before - 3);
  const characters = Array.from(printable(text).replaceAll(/\s+/g, " "));
  return characters.length <= width ? characters.join("") : `${characters.slice(0, width - 1).join("")}…`;
}

/** Replaces characters that would move the cursor of a terminal or change its colours. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, " ");
}
