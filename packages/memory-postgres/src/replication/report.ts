/** Reports the state of replication that one store has recorded. */
import type { DatabaseManager } from "@rivet/db-manager";
import { atomIdTimeMs, shownText } from "@rivet/memory-core";
import type { Statement } from "../statements/named-statements.ts";
import { text, type TextRow } from "../statements/rows.ts";
import { ALL_STORES } from "../statements/scope.ts";
import { numberOf, type Peers } from "./peers.ts";
import type { ReplicationStatements } from "./statements/index.ts";
import type { DeadLetter, ReplicationPair } from "./status.ts";
import { OWN_STATEMENT } from "../providers/store.ts";

const SHOWN_DEAD_LETTERS = 100;

interface ReportContext {
  readonly db: DatabaseManager;
  readonly statements: ReplicationStatements;
  readonly peers: Peers;
  readonly nowMs: number;
}

export interface StoreReport {
  readonly pairs: readonly ReplicationPair[];
  readonly letters: readonly DeadLetter[];
}

/** @param targets the providers that must receive what the provider accepted. */
export async function reportOf(
  name: string,
  targets: readonly string[],
  { db, statements, peers, nowMs }: ReportContext,
): Promise<StoreReport> {
  const query = async (statement: Statement, ...values: readonly unknown[]): Promise<readonly TextRow[]> => {
    const options = { providers: [name], ...OWN_STATEMENT, readOnly: true };
    return (await db.query<TextRow>(statement, values, options)).rows;
  };
  const [hints, counts, letters, known] = await Promise.all([
    query(statements.hints.countHints()),
    query(statements.hints.countDeadLetters()),
    query(statements.hints.selectDeadLetters(), SHOWN_DEAD_LETTERS),
    peers.of(name),
  ]);
  const pairs = targets.map((to): ReplicationPair => {
    const oldestIds = hints.flatMap(({ target, oldestId }) =>
      (target === to || target === ALL_STORES) && typeof oldestId === "string" ? [atomIdTimeMs(oldestId)] : [],
    );
    const peer = known.find((candidate) => candidate.name === to);
    return {
      from: name,
      to,
      hints: sumOf(hints, to, "hints") + sumOf(hints, ALL_STORES, "hints"),
      oldestHintAgeMs: oldestIds.length === 0 ? undefined : Math.max(0, nowMs - Math.min(...oldestIds)),
      lastDrainAt: peer?.drainedAt,
      lastRepairAt: peer?.repairedAt,
      needsRepair: peer?.needsRepair ?? false,
      deadLetters: sumOf(counts, to, "letters"),
    };
  });
  return { pairs, letters: letters.map((row) => toDeadLetter(name, row)) };
}

/** Returns the newest dead letters of all stores, up to the number that is shown. */
export function newestLetters(letters: readonly DeadLetter[]): DeadLetter[] {
  return letters
    .toSorted((one, other) => other.failedAt.getTime() - one.failedAt.getTime())
    .slice(0, SHOWN_DEAD_LETTERS);
}

function sumOf(rows: readonly TextRow[], target: string, column: string): number {
  return rows.filter((row) => row["target"] === target).reduce((sum, row) => sum + (numberOf(row, column) ?? 0), 0);
}

function toDeadLetter(from: string, row: TextRow): DeadLetter {
  return {
    from,
    to: text(row, "target"),
    sessionId: shownText(text(row, "sessionId")),
    id: text(row, "id"),
    code: text(row, "code"),
    message: text(row, "message"),
    failedAt: new Date(Number(text(row, "failedAtMs"))),
  };
}
