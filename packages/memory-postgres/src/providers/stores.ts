/** Which database is behind each provider's name. */
import type { DatabaseManager, ProviderHandle } from "@rivet/db-manager";
import { MemoryError } from "@rivet/memory-core";
import { checkSchema, migrate } from "@rivet/postgres-schema";
import { toPostgresMemoryError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { text, type TextRow } from "../statements/rows.ts";
import { PREPARATION_DEADLINE_MS, schemaDatabase } from "./schema-database.ts";
import type { Statements } from "../statements/index.ts";
import type { TablePlaces } from "./table-places.ts";

/** Makes providers ready: brings their tables up to date, and sees to it that no two names stand for one database. */
export class Stores {
  readonly #settings: Settings;
  readonly #statements: Statements;
  readonly #places: TablePlaces;
  /** The provider's name of each `store_uuid`. */
  readonly #names = new Map<string, string>();

  constructor(settings: Settings, statements: Statements, places: TablePlaces) {
    this.#settings = settings;
    this.#places = places;
    this.#statements = statements;
  }

  /**
   * All providers at once. One that fails is left out until it is right, as long as another is ready.
   *
   * @throws what the first of them throws, when no provider is ready and `isNeeded`; and `invalid_input` when two are one.
   */
  async prepareAll(db: DatabaseManager, isNeeded: boolean): Promise<void> {
    const failures = await Promise.all(db.providerNames.map((name) => this.#tryPrepare(db, name)));
    const errors = failures.filter((error) => error !== undefined);
    const isReady = errors.length < failures.length;
    const twins = errors.find((error) => error instanceof SameStore);
    if (twins !== undefined) throw twins;
    if (!isReady && isNeeded) throw errors[0];
    // One that cannot be reached is known to be so; the others are told apart from those that are ready.
    if (failures.length > 1) {
      for (const [index, name] of db.providerNames.entries()) {
        const error = failures[index];
        if (error !== undefined) db.exclude(name, toPostgresMemoryError(error));
      }
    }
  }

  /** @throws {MemoryError} `schema`, `permission`, or `invalid_input` when it is not the database that it should be. */
  async prepare(provider: ProviderHandle): Promise<void> {
    const { schema, partitions, isMigrating } = this.#settings;
    const layout = { schema, ...(partitions === undefined ? {} : { partitions }) };
    const place = await (isMigrating ? migrate : checkSchema)(schemaDatabase(provider), layout);
    this.#places.note(provider.name, place);
    const { rows } = await provider.query<TextRow>(this.#statements.read.selectStore(), [], { asText: true });
    if (rows[0] !== undefined) this.#recognise(provider.name, text(rows[0], "storeUuid"));
  }

  #recognise(name: string, storeUuid: string): void {
    const known = this.#names.get(storeUuid);
    if (known !== undefined && known !== name) throw new SameStore(known, name);
    this.#names.set(storeUuid, name);
  }

  async #tryPrepare(db: DatabaseManager, name: string): Promise<unknown> {
    try {
      const options = { idempotent: true, providers: [name], deadlineMs: PREPARATION_DEADLINE_MS };
      await db.run((provider) => this.prepare(provider), options);
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

class SameStore extends MemoryError {
  constructor(one: string, other: string) {
    super({
      code: "invalid_input",
      message: `the providers ${one} and ${other} are the same database; give each an address of its own, or leave one out`,
      backend: "postgres",
    });
  }
}
