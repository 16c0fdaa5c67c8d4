import { describe, expect, it } from "vitest";
import { DatabaseError, DatabaseManager, type DatabaseManagerOptions } from "../src/index.ts";

const URL_A = "postgres://ada@127.0.0.1:1/app?sslmode=disable";
const provider = { name: "a", connectionString: URL_A };

function refusalOf(options: object): DatabaseError {
  try {
    Reflect.construct(DatabaseManager, [options]);
  } catch (error) {
    if (DatabaseError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("DatabaseManager", () => {
  it.each<[options: object, path: string, meant: string]>([
    [{ providers: [provider], primry: "a" }, "options.primry", "primary"],
    [{ providers: [provider], hedgeAfter: 1 }, "options.hedgeAfter", "hedgeAfterMs"],
    [{ providers: [{ ...provider, pool_size: 1 }] }, "options.providers[0].pool_size", "poolSize"],
    [
      { providers: [{ ...provider, ssl: { rejectUnauthorised: false } }] },
      "options.providers[0].ssl.rejectUnauthorised",
      "rejectUnauthorized",
    ],
  ])("refuses a misspelt option by its name: %j", (options, path, meant) => {
    const error = refusalOf(options);
    expect(error).toMatchObject({ code: "invalid_input", path });
    expect(error.message).toContain(`did you mean ${meant}?`);
  });

  it("refuses a misspelt option of a query, a transaction or a run before anything is sent", async () => {
    const options: DatabaseManagerOptions = { providers: [provider] };
    await using db = new DatabaseManager(options);
    const misspelt = Object.assign({ idempotent: true }, { readonly: true });
    const refused = { code: "invalid_input", path: "options.readonly" };
    await expect(db.query("SELECT 1", [], misspelt)).rejects.toMatchObject(refused);
    await expect(db.transaction(async () => 1, misspelt)).rejects.toMatchObject(refused);
    await expect(db.run(async () => 1, misspelt)).rejects.toMatchObject(refused);
  });
});
