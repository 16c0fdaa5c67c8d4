import type { StandardSchemaV1 } from "@standard-schema/spec";
import { decodeAtom, decodeOr, unreadableAtom } from "./atom-codec.ts";
import { isHistoryType, type MemoryAtom, type NewMemoryAtom, type UnreadableAtom } from "./atom.ts";
import { invalidInput, MemoryError } from "../errors/errors.ts";
import type { JsonValue } from "../json/json.ts";
import type { AtomRow } from "../backend/atom-row.ts";

/**
 * Schemas for the content of the user's own memory types: any Standard Schema (Zod, Valibot, ArkType, …).
 *
 * What is stored is the schema's input as JSON holds it, a `Date` as its ISO string for one; what is returned is the
 * schema's output.
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

/** A new atom of a memory type, with the content that its schema takes. */
export type NewAtomOf<Types extends AtomTypes, Type extends string> = NewMemoryAtom<Type, ContentIn<Types, Type>>;

/** New atoms, each with the content that the schema of its own memory type takes. */
export type NewAtomsOf<Types extends AtomTypes, List extends readonly string[]> = {
  readonly [Index in keyof List]: NewAtomOf<Types, List[Index]>;
};

/** A stored atom of a memory type, with the content that its schema gives. */
export type AtomOf<Types extends AtomTypes, Type extends string> = Type extends string
  ? MemoryAtom<Type, ContentOut<Types, Type>>
  : never;

/** The schemas of one storage, on the way in and on the way out. */
export class ContentSchemas {
  readonly #schemas: ReadonlyMap<string, StandardSchemaV1>;

  /** @throws {MemoryError} `invalid_input` for a schema of a type whose form is fixed, or for what is no schema. */
  constructor(atomTypes: AtomTypes) {
    assertAtomTypes(atomTypes);
    this.#schemas = new Map(Object.entries(atomTypes));
  }

  /**
   * The atom with the content that its schema gives, if there is one for its type.
   *
   * @throws {MemoryError} `invalid_input` with the path of the first issue.
   */
  async parse(atom: MemoryAtom, path: string): Promise<MemoryAtom<string, unknown>> {
    const schema = this.#schemas.get(atom.memoryType);
    return schema === undefined ? atom : { ...atom, content: await parseContent(schema, atom.content, path) };
  }

  /** The atom of a row, with the content that its schema gives; undefined when it went to `unreadable`. */
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

/** @throws {MemoryError} `invalid_input` for a schema of a type whose form is fixed, or for what is no schema. */
function assertAtomTypes(atomTypes: AtomTypes): void {
  for (const [memoryType, schema] of Object.entries(atomTypes)) {
    const path = `atomTypes.${memoryType}`;
    if (isHistoryType(memoryType)) throw invalidInput(path, "cannot have a schema: the form of its content is fixed");
    if (typeof schema?.["~standard"]?.validate !== "function") {
      throw invalidInput(path, "is not a Standard Schema: it has no ~standard.validate");
    }
  }
}

/**
 * The schema's output for a content.
 *
 * @throws {MemoryError} `invalid_input` with the path of the first issue.
 */
async function parseContent(schema: StandardSchemaV1, content: JsonValue, path: string): Promise<unknown> {
  const result = await schema["~standard"].validate(content);
  const issue = result.issues?.[0];
  if (result.issues === undefined) return result.value;
  throw invalidInput(`${path}${pathOfIssue(issue)}`, `does not fit its schema: ${issue?.message ?? "no reason given"}`);
}

function pathOfIssue(issue: StandardSchemaV1.Issue | undefined): string {
  const steps = issue?.path ?? [];
  return steps
    .map((step) => (typeof step === "object" ? step.key : step))
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
}

/** Why a stored atom is not returned as one: it no longer fits the schema of its type. */
function noLongerFits(atom: MemoryAtom, cause: MemoryError): MemoryError {
  return new MemoryError({
    code: "schema",
    message:
      `atom ${atom.id} of session ${JSON.stringify(atom.sessionId)} is stored but no longer fits the schema of ` +
      `${JSON.stringify(atom.memoryType)}: ${cause.message}; widen the schema or delete the atom`,
    sessionId: atom.sessionId,
    atomId: atom.id,
    cause,
  });
}
