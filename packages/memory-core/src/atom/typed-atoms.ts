import type { StandardSchemaV1 } from "@standard-schema/spec";
import { decodeAtom, decodeOr, unreadableAtom } from "./atom-codec.ts";
import { isHistoryType, type MemoryAtom, type NewMemoryAtom, type UnreadableAtom } from "./atom.ts";
import { invalidInput, MemoryError } from "../errors/errors.ts";
import type { JsonValue } from "../json/json.ts";
import type { AtomRow } from "../backend/atom-row.ts";

/**
 * Schemas for the content of the user's own memory types: any Standard Schema (Zod, Valibot, ArkType, …).
 *
 * The stored content is the schema's input as JSON; a `Date`, for example, is stored as its ISO string. The returned
 * content is the schema's output.
 */
export type AtomTypes = Record<string, StandardSchemaV1>;

type ContentIn<Types extends AtomTypes, Type> = Type extends keyof Types
  ? StandardSchemaV1.InferInput<Types[Type]>
  : unknown;
type ContentOut<Types extends AtomTypes, Type> = Type extends keyof Types
  ? StandardSchemaV1.InferOutput<Types[Type]>
  : string extends Type
    ? JsonValue | StandardSchemaV1.InferOutput<Types[keyof Types]>
    : JsonValue;

/** A new atom of a memory type, with the input type of its schema as content. */
export type NewAtomOf<Types extends AtomTypes, Type extends string> = NewMemoryAtom<Type, ContentIn<Types, Type>>;

/** New atoms, each with the input type of the schema of its own memory type as content. */
export type NewAtomsOf<Types extends AtomTypes, List extends readonly string[]> = {
  readonly [Index in keyof List]: NewAtomOf<Types, List[Index]>;
};

/** A stored atom of a memory type, with the output type of its schema as content. */
export type AtomOf<Types extends AtomTypes, Type extends string> = Type extends string
  ? MemoryAtom<Type, ContentOut<Types, Type>>
  : never;

/** The schemas of one storage. Checks content on the way in and on the way out. */
export class ContentSchemas {
  readonly #schemas: ReadonlyMap<string, StandardSchemaV1>;

  /**
   * @throws {MemoryError} `invalid_input` for a schema of a type with a fixed form, or a value that is not a schema.
   */
  constructor(atomTypes: AtomTypes) {
    assertAtomTypes(atomTypes);
    this.#schemas = new Map(Object.entries(atomTypes));
  }

  /**
   * Replaces the content of an atom with the output of its schema, if its type has one.
   *
   * @throws {MemoryError} `invalid_input` with the path of the first issue.
   */
  async parse(atom: MemoryAtom, path: string): Promise<MemoryAtom<string, unknown>> {
    const schema = this.#schemas.get(atom.memoryType);
    return schema === undefined ? atom : { ...atom, content: await parseContent(schema, atom.content, path) };
  }

  /**
   * Decodes the atom of a row and replaces its content with the output of its schema; undefined when it went to
   * `unreadable`.
   */
  async read(
    row: AtomRow,
    unreadable: (atom: UnreadableAtom) => void,
  ): Promise<MemoryAtom<string, unknown> | undefined> {
    const atom = decodeOr(row, decodeAtom, unreadable);
    if (atom === undefined || !this.#schemas.has(atom.memoryType)) return atom;
    try {
      return await this.parse(atom, "content");
    } catch (error) {
      if (!MemoryError.isInstance(error)) throw error;
      unreadable(unreadableAtom(row, noLongerFits(atom, error)));
      return undefined;
    }
  }
}

/** @throws {MemoryError} `invalid_input` for a schema of a type with a fixed form, or a value that is not a schema. */
function assertAtomTypes(atomTypes: AtomTypes): void {
  for (const [memoryType, schema] of Object.entries(atomTypes)) {
    const path = `atomTypes.${memoryType}`;
    if (isHistoryType(memoryType))
      throw invalidInput(path, "cannot have a schema, because the form of its content is fixed; remove it");
    if (typeof schema?.["~standard"]?.validate !== "function") {
      throw invalidInput(
        path,
        "is not a Standard Schema, because it has no ~standard.validate; pass a schema from a library such as Zod",
      );
    }
  }
}

/**
 * Parses content with a schema and returns its output.
 *
 * @throws {MemoryError} `invalid_input` with the path of the first issue.
 */
async function parseContent(schema: StandardSchemaV1, content: JsonValue, path: string): Promise<unknown> {
  const result = await schema["~standard"].validate(content);
  const issue = result.issues?.[0];
  if (result.issues === undefined) return result.value;
  throw invalidInput(
    `${path}${pathOfIssue(issue)}`,
    `does not match its schema: ${issue?.message ?? "no reason given"}`,
  );
}

function pathOfIssue(issue: StandardSchemaV1.Issue | undefined): string {
  const steps = issue?.path ?? [];
  return steps
    .map((step) => (typeof step === "object" ? step.key : step))
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
}

/** The error for a stored atom that no longer matches the schema of its type. */
function noLongerFits(atom: MemoryAtom, cause: MemoryError): MemoryError {
  return new MemoryError({
    code: "schema",
    message:
      `atom ${atom.id} of session ${JSON.stringify(atom.sessionId)} is stored but no longer matches the schema of ` +
      `${JSON.stringify(atom.memoryType)}: ${cause.message}; widen the schema or delete the atom`,
    sessionId: atom.sessionId,
    atomId: atom.id,
    cause,
  });
}
