import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FamilyName } from "./family-name.ts";

export interface Contender {
  readonly name: string;
  /** As tables and charts call it. */
  readonly label: string;
  /** The module that exports `openStore`. */
  readonly modulePath: string;
  /** Whose version is told. */
  readonly packageName?: string;
  /** A note that a reader needs for the comparison. */
  readonly note?: string;
}

const OURS = join(import.meta.dirname, "stores");
export const PEERS_FOLDER = join(import.meta.dirname, "..", "..", "peers");
const PEERS = join(PEERS_FOLDER, "src");

const NORMAL = "commits with `synchronous = NORMAL`: a power cut may take the last turns";

const RIVET: Contender = { name: "rivet", label: "Rivet Memory", modulePath: join(OURS, "rivet.ts") };

function bare(name: string, packageName: string): Contender {
  return { name: "bare", label: `bare ${packageName}`, modulePath: join(OURS, `bare-${name}.ts`) };
}

function peer(name: string, label: string, packageName: string, note?: string): Contender {
  return { name, label, modulePath: join(PEERS, `${name}.ts`), packageName, ...(note === undefined ? {} : { note }) };
}

const SUPABASE = [RIVET, bare("supabase", "supabase-js"), peer("voltagent", "VoltAgent", "@voltagent/supabase")];

/** The contenders of each family. The first is ours, and `bare` is the floor: hand-written, without guarantees. */
export const CONTENDERS: Readonly<Record<FamilyName, readonly Contender[]>> = {
  postgres: [
    RIVET,
    bare("postgres", "pg"),
    peer("mastra", "Mastra", "@mastra/pg"),
    peer("voltagent", "VoltAgent", "@voltagent/postgres"),
    peer("adk", "Google ADK", "@google/adk"),
    peer("langgraph", "LangGraph", "@langchain/langgraph-checkpoint-postgres"),
  ],
  sqlite: [
    RIVET,
    { name: "rivet-normal", label: "Rivet Memory, normal", modulePath: join(OURS, "rivet-normal.ts"), note: NORMAL },
    bare("sqlite", "better-sqlite3"),
    peer("mastra", "Mastra", "@mastra/libsql", NORMAL),
    peer("voltagent", "VoltAgent", "@voltagent/libsql"),
    peer("langgraph", "LangGraph", "@langchain/langgraph-checkpoint-sqlite"),
  ],
  supabase: SUPABASE,
  "supabase-far": SUPABASE,
  memory: [
    RIVET,
    peer("openai-agents", "OpenAI Agents", "@openai/agents-core", "checks nothing, and lists no sessions"),
  ],
};

/** The pinned version of a package of a peer. */
export function versionOf(packageName: string): string {
  const { version } = JSON.parse(
    readFileSync(join(PEERS_FOLDER, "node_modules", packageName, "package.json"), "utf8"),
  ) as { version: string };
  return version;
}
