/** A native error of pg, of the system, of TLS or of this package, read without trusting its shape. */
export interface NativeError {
  /** SQLSTATE, or a code such as ECONNREFUSED. */
  readonly code: string | undefined;
  readonly message: string;
  /** Set when the server itself answered with this error; FATAL and PANIC end the connection. */
  readonly severity: string | undefined;
  readonly constraint: string | undefined;
  readonly column: string | undefined;
  readonly table: string | undefined;
}

export function readNativeError(error: unknown): NativeError {
  const parts = error instanceof AggregateError ? error.errors : [];
  const code =
    text(error, "code") ?? parts.map((part: unknown) => text(part, "code")).find((part) => part !== undefined);
  // A failed connection to a host with two addresses throws an AggregateError with an empty message.
  const message = text(error, "message") || parts.map((part: unknown) => text(part, "message") ?? "").join("; ");
  return {
    code,
    message: message || (code ?? String(error)),
    severity: text(error, "severity"),
    constraint: text(error, "constraint"),
    column: text(error, "column"),
    table: text(error, "table"),
  };
}

function text(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null || !(key in value)) return undefined;
  const property: unknown = Reflect.get(value, key);
  return typeof property === "string" && property !== "" ? property : undefined;
}

/** Whether the server answered, so that the statement certainly had no effect and the connection is still usable. */
export function isPlainAnswer({ severity, code }: NativeError): boolean {
  return severity === "ERROR" && code?.length === 5;
}
