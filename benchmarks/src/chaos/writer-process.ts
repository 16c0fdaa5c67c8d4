/**
 * Works on several sessions at once, over the providers and the journal of its arguments, until it is told to stop;
 * then it stays, so that what it has in its journal can reach the providers, until its standard input is closed. It
 * prints `ready`, `idle`, and `hand {…}` for a session that another writer is to go on with.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "@rivet/local-servers/seeded-random";
import type { Agent, ChaosWriter } from "./agent.ts";
import { EventLog } from "./events.ts";
import { NaiveWriter } from "./naive-writer.ts";
import { RivetWriter } from "./rivet-writer.ts";
import { AGENTS_PER_WRITER, writerCommand, writerSettings, type HandedSession } from "./writer-settings.ts";

/** Between two steps of an agent, at the most. */
const THINK_MS = 25;

export async function run(argument: string): Promise<void> {
  const settings = writerSettings.parse(JSON.parse(argument));
  const { kind, seed, number, life } = settings;
  using log = new EventLog(settings.eventsPath);
  const onHand = (session: HandedSession): void => console.log(`hand ${JSON.stringify(session)}`);
  await using writer: ChaosWriter =
    kind === "naive" ? new NaiveWriter(settings, log) : await RivetWriter.open(settings, log, onHand);
  let isStopping = false;
  const work = async (agent: Agent, random: () => number): Promise<void> => {
    while (!isStopping) {
      await agent.step();
      await delay(random() * THINK_MS);
    }
  };
  const randomOf = (index: number): (() => number) => seededRandom(((seed * 31 + number) * 31 + life) * 31 + index);
  const working = Array.from({ length: AGENTS_PER_WRITER }, (_, index) => {
    const random = randomOf(index);
    return work(writer.agent(random), random);
  });
  const readerRandom = randomOf(AGENTS_PER_WRITER);
  const reader = writer.reader?.(readerRandom);
  if (reader !== undefined) working.push(work(reader, readerRandom));
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const command = writerCommand.parse(JSON.parse(line));
    if (command.command === "take") writer.take(command.session);
    if (command.command === "skew") writer.skew(command.skewMs);
    if (command.command !== "stop") continue;
    isStopping = true;
    await Promise.all(working);
    console.log("idle");
  }
  isStopping = true;
  await Promise.all(working);
}

if (process.argv[2] !== undefined && import.meta.filename === process.argv[1]) await run(process.argv[2]);
