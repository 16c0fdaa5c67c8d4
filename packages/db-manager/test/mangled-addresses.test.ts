import { inspect } from "node:util";
import { DatabaseError, DatabaseManager } from "@rivet/db-manager";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** No text of this package has three of these letters in a row, so that a piece of the password is recognised. */
const letters = fc.string({ unit: fc.constantFrom("Q", "X", "Z", "Ж"), minLength: 3, maxLength: 6 });
const special = fc.constantFrom("/", "#", "?", "@", "%", "%%", "?QXZ=1&", "%zz", " ", "://", "@/", "/@", "#?");
const PIECE = /[QXZЖ]{3}/u;

/** A password that its owner has not encoded. */
const rawPassword = fc.tuple(letters, special, letters).map((parts) => parts.join(""));
/** One that is encoded, as it has to be. */
const encodedPassword = rawPassword.map(encodeURIComponent);

const addressOf = (password: string): string => `postgres://ada:${password}@db.example.com:5432/app?sslmode=require`;

const damages: Readonly<Record<string, (address: string) => string>> = {
  "no scheme": (address) => address.replace("postgres://", ""),
  "half a scheme": (address) => address.replace("postgres://", "postgres:/"),
  "another scheme": (address) => address.replace("postgres", "mysql"),
  "no host": (address) => address.replace(/@.*/, ""),
  "no @": (address) => address.replace("@", ""),
  "two @": (address) => address.replace("@", "@@"),
  "a slash for the @": (address) => address.replace("@", "/"),
  "a port of letters": (address) => address.replace("5432", "port"),
  "two ports": (address) => address.replace("5432", "5432:5432"),
  "several hosts": (address) => address.replace("5432", "5432,other:5432"),
  "a space": (address) => address.replace(":5432", " :5432"),
  "a line end": (address) => `${address}\n`,
  "quotes around it": (address) => `"${address}"`,
  "a bracket": (address) => address.replace("db.example.com", "[db.example.com"),
  "the variable's name before it": (address) => `DATABASE_URL=${address}`,
  "psql before it": (address) => `psql ${address}`,
};

function thrownFor(work: () => unknown): DatabaseError {
  try {
    work();
  } catch (error) {
    if (DatabaseError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("the address was taken");
}

function expectRefused(connectionString: string): void {
  const own = thrownFor(() => new DatabaseManager({ providers: [{ name: "main", connectionString }] }));
  const fromEnvironment = thrownFor(() => DatabaseManager.fromEnv({ NEON_DB_URL: connectionString }));
  for (const error of [own, fromEnvironment]) {
    expect(error.code).toBe("invalid_input");
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(PIECE);
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(PIECE);
  }
}

describe("an address that is malformed", () => {
  it("is refused when a special character of its password is not percent-encoded, and nothing of it is shown", () => {
    fc.assert(
      fc.property(rawPassword, (password) => expectRefused(addressOf(password))),
      { numRuns: 200 },
    );
  });

  it.each(Object.keys(damages))("is refused with %s, and nothing of its password is shown", (name) => {
    const damage = damages[name] ?? ((address) => address);
    // A line end after an address of the environment is cut off with the rest of the space around it.
    const refuse = (password: string): unknown =>
      name === "a line end"
        ? thrownFor(
            () => new DatabaseManager({ providers: [{ name: "main", connectionString: damage(addressOf(password)) }] }),
          )
        : expectRefused(damage(addressOf(password)));
    fc.assert(
      fc.property(encodedPassword, (password) => void refuse(password)),
      { numRuns: 20 },
    );
  });

  it("says which character to encode, and how", () => {
    for (const [character, code] of [
      ["/", "%2F"],
      ["#", "%23"],
      ["?", "%3F"],
      ["@", "%40"],
      ["%", "%25"],
    ] as const) {
      const { message } = thrownFor(
        () => new DatabaseManager({ providers: [{ name: "main", connectionString: addressOf(`47${character}zz`) }] }),
      );
      expect(message).toContain(`${character} that is not percent-encoded as ${code}`);
      expect(message).not.toContain("47");
    }
  });

  it("is refused for SUPABASE_DB_HOST with more than a name, and shows nothing of it", () => {
    for (const host of [
      "https://db.example.com",
      "postgres://ada:QXZ@db.example.com/app",
      "db.example.com/app",
      "a b",
    ]) {
      const error = thrownFor(() => DatabaseManager.fromEnv({ SUPABASE_DB_HOST: host, SUPABASE_DB_PASSWORD: "QXZQ" }));
      expect(error).toMatchObject({ code: "invalid_input", path: "SUPABASE_DB_HOST" });
      expect(error.message).toContain("without https://");
      expect(error.message).not.toMatch(PIECE);
    }
  });
});
