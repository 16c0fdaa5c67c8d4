import { DEFAULT_MAX_ATOM_BYTES, MemoryError } from "@rivet/memory-core";
import { damaged } from "./format.ts";

/** Room beside the atom in its line: names of fields, and ids of 512 units each, escaped. */
const AROUND_ATOM_BYTES = 64 * 1024;

/**
 * The longest line that an atom of so many bytes may have. A store may give its JSON back with more spacing than it
 * took.
 */
function longestLine(maxAtomBytes: number): number {
  return 2 * maxAtomBytes + AROUND_ATOM_BYTES;
}

/**
 * Lines without their line feeds, in memory for one line. The text after the last line feed is a line that was cut off.
 *
 * @throws {MemoryError} `corrupt` with the number of the line that is cut off, too long, or cannot be decompressed.
 */
export async function* linesOf(
  text: AsyncIterable<Buffer>,
  maxAtomBytes: number = DEFAULT_MAX_ATOM_BYTES,
): AsyncGenerator<Buffer> {
  const maxBytes = longestLine(maxAtomBytes);
  let number = 1;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of uncorrupted(text, () => number)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = chunk.subarray(start, end);
      yield rest.length === 0 ? line : Buffer.concat([...rest, line]);
      number += 1;
      [rest, restBytes, start] = [[], 0, end + 1];
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > maxBytes) {
      const advice = `a store with larger atoms than ${maxAtomBytes} bytes needs --max-atom-bytes`;
      throw damaged(number, `is longer than ${maxBytes} bytes; ${advice}`);
    }
  }
  if (restBytes > 0) throw damaged(number, "was cut off");
}

/** Data that cannot be decompressed are damaged at the line that was read last. */
async function* uncorrupted(text: AsyncIterable<Buffer>, number: () => number): AsyncGenerator<Buffer> {
  try {
    yield* text;
  } catch (error) {
    if (!MemoryError.isInstance(error) || error.code !== "corrupt") throw error;
    throw damaged(number(), `cannot be read: ${error.message}`);
  }
}
