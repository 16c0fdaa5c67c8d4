import { MemoryError, type MemoryAtom, type Message, type MessagePart, type Session } from "@rivet/memory-core";
import type { Command } from "commander";
import { parseCount } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { printable } from "../terminal/printable.ts";

interface Options {
  readonly atoms?: boolean;
  readonly context?: number;
  readonly user?: string;
}

export function showCommand(): Command {
  return defineCommand<[string, string], Options>({
    usage: "show <url> <session>",
    description: "Prints a conversation, and the facts beside it.",
    examples: [
      ["show sqlite:agent.db line-3 --atoms", "the messages of a session, and its decisions, issues, logs"],
      ["show postgres: line-3 --context 4000", "what of it fits into 4,000 tokens"],
    ],
    configure: (command) =>
      command
        .option("--atoms", "its facts, too, where they belong in time")
        .option("--context <tokens>", "only what fits a budget of so many tokens", parseCount)
        .option("--user <id>", "only when it belongs to this user"),
    run: async ({ open }, [url, sessionId], { atoms: withAtoms, context: maxTokens, user }) => {
      const storage = await open(url);
      const session = await storage.loadSession(sessionId, user === undefined ? {} : { userId: user });
      if (session === null) {
        throw new MemoryError({
          code: "not_found",
          message: "there is no such session; `rivet-memory sessions` lists those that there are",
          operation: "show",
        });
      }
      const messages = maxTokens === undefined ? session.history.messages() : session.getContext({ maxTokens });
      const facts = withAtoms ? await factsOf(storage.atoms({ sessionId })) : [];
      const entries = [
        ...messages.map((message) => ({ id: message.id, text: messageText(message) })),
        ...facts.map((atom) => ({ id: atom.id, text: factText(atom) })),
      ].toSorted((left, right) => (left.id < right.id ? -1 : 1));
      return {
        json: { session: summaryOf(session), messages, atoms: facts },
        text: [headingOf(session, messages.length), ...entries.map(({ text }) => text)].join("\n\n"),
      };
    },
  });
}

async function factsOf(atoms: AsyncIterable<MemoryAtom>): Promise<MemoryAtom[]> {
  const facts: MemoryAtom[] = [];
  for await (const atom of atoms) {
    if (!atom.memoryType.startsWith("message_") && atom.memoryType !== "session_metadata") facts.push(atom);
  }
  return facts;
}

function summaryOf({ sessionId, userId, createdAt, lastActive, metadata }: Session): object {
  return { sessionId, userId, createdAt, lastActive, metadata };
}

function headingOf(session: Session, shown: number): string {
  const { sessionId, userId, createdAt, history } = session;
  const count = shown === history.length ? `${shown} messages` : `${shown} of ${history.length} messages`;
  return `${printable(sessionId)} of ${printable(userId)}, since ${createdAt.toISOString()}, ${count}`;
}

function messageText({ role, content, createdAt }: Message): string {
  const body = typeof content === "string" ? content : content.map(partText).join("\n");
  return `${createdAt.toISOString()} ${role}\n${indented(body)}`;
}

function partText(part: MessagePart): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "reasoning":
      return `(thinks) ${part.text}`;
    case "tool-call":
      return `→ ${part.toolName} ${JSON.stringify(part.input)}`;
    case "tool-result":
      return `← ${part.toolName} ${JSON.stringify(part.output)}`;
    default:
      return `[${part.type}]`;
  }
}

function factText({ memoryType, content, createdAt, expiresAt }: MemoryAtom): string {
  const until = expiresAt === undefined ? "" : `, until ${expiresAt.toISOString()}`;
  return `${createdAt.toISOString()} ${printable(memoryType)}${until}\n${indented(JSON.stringify(content, undefined, 2))}`;
}

function indented(text: string): string {
  return printable(text).replaceAll(/^/gm, "  ");
}
