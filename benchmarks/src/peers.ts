import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { PEERS_FOLDER } from "./comparison/contenders.ts";

/** The neighbours are some 680 packages, which nobody else needs: they are installed when they are first measured. */
export async function installPeers(onProgress: (text: string) => void): Promise<void> {
  if (existsSync(join(PEERS_FOLDER, "node_modules", ".modules.yaml"))) return;
  onProgress("installing the peers, once");
  const arguments_ = ["-y", "pnpm@12.17.0", "install", "--frozen-lockfile", "--ignore-scripts", "--dir", PEERS_FOLDER];
  await promisify(execFile)("npx", arguments_);
}
