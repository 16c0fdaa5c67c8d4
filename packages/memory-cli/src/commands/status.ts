import type { Command } from "commander";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { table } from "../terminal/table.ts";
import { assertReplicated } from "./replicated.ts";

export function statusCommand(): Command {
  return defineCommand<[string | undefined]>({
    usage: "status [url]",
    description: "Shows what is on its way between the configured providers.",
    examples: [["status", "exit code 0: nothing waits and all were asked; 1 otherwise"]],
    onInterrupt: "Interrupted. Nothing was changed.",
    run: async ({ open }, [url = "postgres:"]) => {
      const storage = await open(url, "all");
      assertReplicated(storage);
      const status = await storage.getReplicationStatus();
      const stats = storage.db.getProviderStats();
      const isSettled =
        status.unreachable.length === 0 &&
        status.pairs.every(({ hints, needsRepair }) => hints === 0 && !needsRepair) &&
        (status.journal ?? []).every(({ atoms }) => atoms === 0);
      const journal = (status.journal ?? []).map(({ to, atoms, bytes, oldestAtomAgeMs }) => [
        `journal → ${to}`,
        String(atoms),
        oldestAtomAgeMs === undefined ? "" : `${(oldestAtomAgeMs / 1_000).toFixed(1)} s`,
        atoms === 0 ? "" : `${Math.ceil(bytes / 1_024)} KiB`,
      ]);
      const providers = Object.entries(stats).map(([name, { state, host, latencyMs }]) => [
        name,
        state,
        host,
        latencyMs.p50 === undefined ? "" : `${latencyMs.p50.toFixed(1)} ms`,
      ]);
      const pairs = status.pairs.map((pair) => [
        `${pair.from} → ${pair.to}`,
        String(pair.hints),
        pair.oldestHintAgeMs === undefined ? "" : `${(pair.oldestHintAgeMs / 1_000).toFixed(1)} s`,
        pair.lastDrainAt?.toISOString() ?? "",
        pair.needsRepair ? "needs repair" : "",
        pair.deadLetters === 0 ? "" : `${pair.deadLetters} refused`,
      ]);
      return {
        json: { providers: stats, ...status },
        text: [
          table(["provider", "state", "host", "latency"], providers),
          ...(pairs.length === 0 ? [] : ["", table(["pair", "waiting", "oldest", "last drained", "", ""], pairs)]),
          ...(journal.length === 0 ? [] : ["", table(["local journal", "waiting", "oldest", "size"], journal)]),
          ...status.unreachable.map((name) => `${name} could not be asked: it may hold what the others have not got`),
        ].join("\n"),
        exitCode: isSettled ? EXIT.fine : EXIT.found,
      };
    },
  });
}
