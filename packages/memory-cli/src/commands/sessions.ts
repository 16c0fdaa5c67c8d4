import type { Command } from "commander";
import { parseCount } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../terminal/printable.ts";
import { table } from "../terminal/table.ts";

interface Options {
  readonly user?: string;
  readonly limit: number;
}

export function sessionsCommand(): Command {
  return defineCommand<[string], Options>({
    usage: "sessions <url>",
    description: "Lists sessions, most recent first.",
    examples: [
      ["sessions sqlite:agent.db --user ada", "the sessions of one user"],
      ["sessions postgres: --limit 5 --json", "for a program"],
    ],
    configure: (command) =>
      command
        .option("--user <id>", "only those of one user")
        .option("--limit <count>", "at most so many", parseCount, 50),
    run: async ({ open }, [url], { user, limit }) => {
      const storage = await open(url);
      const filter = user === undefined ? {} : { userId: user };
      const found = await storage.listSessions({ limit: limit + 1, ...filter });
      const sessions = found.slice(0, limit);
      const rows = sessions.map(({ sessionId, userId, lastActive, messageCount, metadata }) => [
        oneLine(sessionId, 60),
        oneLine(userId, 30),
        lastActive.toISOString(),
        String(messageCount),
        oneLine(JSON.stringify(metadata), 60),
      ]);
      const text = table(["session", "user", "last active", "messages", "metadata"], rows);
      const more = found.length > limit ? `\nThere are more: --limit shows more than ${limit}.` : "";
      return { json: sessions, text: rows.length === 0 ? "There are no sessions." : `${text}${more}` };
    },
  });
}
