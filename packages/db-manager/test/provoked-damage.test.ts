import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresServer } from "@rivet/local-servers";
import { describe, it } from "vitest";
import { cut, DAMAGED, expectFailure, statement, UNREACHABLE } from "./provocation.ts";
import { manage, ownServer } from "./servers.ts";

const PAGE_BYTES = 8192;

/** The file of a table or index. */
async function fileOf(server: PostgresServer, name: string): Promise<string> {
  const [row] = await server.query("SELECT pg_relation_filepath($1) AS path", [name]);
  return join(server.folder, "data", String(row?.["path"]));
}

async function write(file: string, bytes: Uint8Array, position: number): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

describe("a server whose files are damaged", { timeout: 120_000 }, () => {
  it("is taken out of use for a page or an index that is wrong, and is down for a file that is not there", async () => {
    const server = await ownServer();
    await server.query(`
      CREATE TABLE flipped AS SELECT 1 AS id;
      CREATE TABLE lost AS SELECT 1 AS id;
      CREATE TABLE indexed AS SELECT 1 AS id;
      CREATE UNIQUE INDEX zeroed ON indexed (id)`);
    const [flipped, lost, zeroed] = await Promise.all(
      ["flipped", "lost", "zeroed"].map((name) => fileOf(server, name)),
    );
    await server.stop();
    await write(String(flipped), Buffer.from("damaged"), 100);
    await rm(String(lost));
    // The first page is about the index, the second one is its root.
    await write(String(zeroed), Buffer.alloc(PAGE_BYTES), PAGE_BYTES);
    await server.start();
    const scan = "SET enable_seqscan = off; SELECT id FROM indexed WHERE id = 1";
    const damages = [
      ["SELECT * FROM flipped", cut("XX001", "invalid page in block 0"), DAMAGED],
      [scan, cut("XX002", "unexpected zero page"), DAMAGED],
      ["SELECT * FROM lost", cut("58P01", "could not open file"), UNREACHABLE],
    ] as const;
    for (const [text, circumstances, meaning] of damages) {
      await expectFailure(manage(server.url()), statement(text), circumstances, meaning);
    }
  });
});
