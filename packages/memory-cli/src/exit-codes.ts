import { MemoryError, type MemoryErrorCode } from "@rivet/memory-core";

/** The exit codes of all commands. */
export const EXIT = {
  fine: 0,
  /** It ran, and found something: a difference, a problem, an atom that was refused. */
  found: 1,
  /** The command line, an address or an option is not what it should be, or what it names is not there. */
  usage: 2,
  /** The store cannot be reached, or does not answer in time: another try may help. */
  unavailable: 3,
  /** The tables are missing, older or newer, or the role may not do it. */
  notAllowed: 4,
  /** A file is damaged, or a stored row is. */
  damaged: 5,
  /** Anything else. */
  failed: 70,
  /** Ctrl-C: 128 and the number of the signal, as shells have it. */
  interrupted: 130,
} as const;

const BY_CODE: Readonly<Partial<Record<MemoryErrorCode, number>>> = {
  invalid_input: EXIT.usage,
  unavailable: EXIT.unavailable,
  timeout: EXIT.unavailable,
  schema: EXIT.notAllowed,
  permission: EXIT.notAllowed,
  corrupt: EXIT.damaged,
  conflict: EXIT.usage,
  not_found: EXIT.usage,
};

export function exitCodeOf(error: unknown): number {
  return MemoryError.isInstance(error) ? (BY_CODE[error.code] ?? EXIT.failed) : EXIT.failed;
}

/** For `--help`. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    done, and something was found: a difference, a problem, an atom that was refused
  2    the command line, an address or an option is wrong, or what it names is not there
  3    a store cannot be reached, or does not answer in time
  4    the tables are missing, older or newer, or the role may not do it
  5    a file or a stored row is damaged
  70   anything else
  130  interrupted`;
