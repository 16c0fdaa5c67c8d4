import { MemoryError, type MemoryErrorCode } from "@rivet/memory-core";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Failure } from "./wire.ts";

const STATUS: Readonly<Record<MemoryErrorCode, ContentfulStatusCode>> = {
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
  permission: 403,
  unavailable: 503,
  timeout: 504,
  schema: 500,
  corrupt: 500,
  closed: 503,
  unknown: 500,
};

/** A request that asks for what cannot be. */
export class RequestError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;

  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function failure(code: string, message: string): Failure {
  return { error: { code, message } };
}

/** The response for an error. Messages of a `MemoryError` contain no secret; other messages are not passed on. */
export function toFailure(error: unknown): { status: ContentfulStatusCode; body: Failure } {
  if (error instanceof RequestError) return { status: error.status, body: failure(error.code, error.message) };
  if (MemoryError.isInstance(error)) return { status: STATUS[error.code], body: failure(error.code, error.message) };
  return { status: 500, body: failure("unknown", "the console failed; its process has printed why") };
}
