import { scriptLines, sharedServer } from "@rivet/local-servers";
import { afterAll, beforeAll, expect, it } from "vitest";

const server = sharedServer({ beforeAll, afterAll });
const SCRIPT = new URL("./processes/waits-for-a-drainer.ts", import.meta.url);

it("a process that erases a user and closes its storage goes on while another process brings the hints, and ends with exit code 0", async () => {
  const environment = {
    DATABASE_FAILOVER_ORDER: "neon,railway",
    NEON_DB_URL: await server().createDatabase(),
    RAILWAY_DB_URL: await server().createDatabase(),
  };
  expect(await scriptLines(SCRIPT, [], { environment })).toEqual(["closed"]);
});
