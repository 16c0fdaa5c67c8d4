import { existsSync } from "node:fs";
import { join } from "node:path";
import { PEERS_FOLDER } from "./comparison/contenders.ts";
import { runPnpm } from "./pnpm.ts";

/** The neighbours are some 680 packages, which nobody else needs: they are installed when they are first measured. */
export async function installPeers(onProgress: (text: string) => void): Promise<void> {
  if (existsSync(join(PEERS_FOLDER, "node_modules", ".modules.yaml"))) return;
  onProgress("installing the peers, once");
  await runPnpm(["install", "--frozen-lockfile", "--ignore-scripts", "--dir", PEERS_FOLDER]);
}
