/** Maps each provider's name to its database. */
import type { DatabaseManager, ProviderHandle } from "@rivet/db-manager";
import { MemoryError } from "@rivet/memory-core";
import { checkSchema, migrate } from "@rivet/postgres-schema";
import { toPostgresMemoryError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { text, type TextRow } from "../statements/rows.ts";
import { PREPARATION_DEADLINE_MS, schemaDatabase } from "./schema-database.ts";
import type { Statements } from "../statements/index.ts";
import type { TablePlaces } from "./table-places.ts";

/** Prepares providers: migrates their tables, and ensures that no two names refer to the same database. */
export class Stores {
  readonly #settings: Settings;
  readonly #statements: Statements;
  readonly #places: TablePlaces;
  /** Provider names by `store_uuid`. */
  readonly #names = new Map<string, string>();

  constructor(settings: Settings, statements: Statements, places: TablePlaces) {
    this.#settings = settings;
    this.#places = places;
    this.#statements = statements;
  }

  /**
   * Prepares all providers at once. A provider that fails is excluded until it is fixed, as long as another is ready.
   *
   * @throws the error of the first provider if none is ready and `isNeeded`; and `invalid_input` if two provider names
   *   refer to the same database.
   */
  async prepareAll(db: DatabaseManager, isNeeded: boolean): Promise<void> {
    const failures = await Promise.all(db.providerNames.map((name) => this.#tryPrepare(db, name)));
    const errors = failures.filter((error) => error !== undefined);
    const isReady = errors.length < failures.length;
    const twins = errors.find((error) => error instanceof SameStore);
    if (twins !== undefined) throw twins;
    if (!isReady && isNeeded) throw errors[0];
    // An unreachable provider is already marked as such; the other failed ones must be excluded here.
    if (failures.length > 1) {
      for (const [index, name] of db.providerNames.entries()) {
        const error = failures[index];
        if (error !== undefined) db.exclude(name, toPostgresMemoryError(error));
      }
    }
  }

  /** @throws {MemoryError} `schema`, `permission`, or `invalid_input` if the provider is the wrong database. */
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
      message: `the providers ${one} and ${other} are the same database; give each its own address, or remove one`,
      backend: "postgres",
    });
  }
}
