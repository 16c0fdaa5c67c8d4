import { MemoryError } from "../src/errors/errors.ts";

/** The `invalid_input` error that the work must end with. */
export function refusalOf(work: () => unknown): MemoryError {
  try {
    work();
  } catch (error) {
    if (MemoryError.isInstance(error) && error.code === "invalid_input") return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
