/** Codes of the faults that this package raises itself, in addition to those of the system and of PostgreSQL. */
export type LocalFaultCode =
  | "RIVET_ABORTED"
  | "RIVET_AUTHENTICATION"
  | "RIVET_CLOSED"
  | "RIVET_DEADLINE"
  | "RIVET_NO_ANSWER"
  | "RIVET_POOL_FULL"
  | "RIVET_CERTIFICATE_FILE"
  | "RIVET_ROLLED_BACK"
  | "RIVET_TRANSACTION_OVER";

export class LocalFault extends Error {
  readonly code: LocalFaultCode;

  constructor(code: LocalFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
