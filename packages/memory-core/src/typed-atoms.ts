import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isHistoryType, type MemoryAtom, type NewMemoryAtom } from "./atom.ts";
import { invalidInput, MemoryError } from "./errors.ts";
import type { JsonValue } from "./json.ts";

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

/** @throws {MemoryError} `invalid_input` for a schema of a type whose form is fixed, or for what is no schema. */
export function assertAtomTypes(atomTypes: AtomTypes): void {
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
export async function parseContent(schema: StandardSchemaV1, content: JsonValue, path: string): Promise<unknown> {
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
export function noLongerFits(atom: MemoryAtom, cause: MemoryError): MemoryError {
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
