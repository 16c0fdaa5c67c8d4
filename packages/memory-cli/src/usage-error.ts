import { MemoryError } from "@rivet/memory-core";

/** A command line that makes no sense. */
export function usage(message: string): MemoryError {
  return new MemoryError({ code: "invalid_input", message });
}
