import { createHash } from "node:crypto";
import { MemoryError } from "@rivet/memory-core";
import { damaged, parseLine, VERSION, type Fact, type Totals } from "./format.ts";

/** A whole block, whose checksum is right. */
export interface Block {
  readonly facts: readonly Fact[];
  /** The line that ends it. */
  readonly lastLine: number;
}

/**
 * The blocks of an archive, each once all of it was read and its checksum was right.
 *
 * @returns the totals, once the end was read and the checksum of the file was right.
 * @throws {MemoryError} `corrupt` with the number of the line where it is damaged, or ends too early; blocks before are
 *   whole. `schema` for an archive of a later version.
 */
export async function* blocksOf(text: AsyncIterable<Buffer>): AsyncGenerator<Block, Totals> {
  const whole = createHash("sha256");
  let inBlock = createHash("sha256");
  const counted = { atoms: 0, tombstones: 0 };
  let facts: Fact[] = [];
  let blocks = 0;
  let number = 0;
  let totals: Totals | undefined;
  for await (const bytes of linesOf(text)) {
    number += 1;
    if (totals !== undefined) throw damaged(number, "comes after the end");
    const line = bytes.toString("utf8");
    if (number === 1) {
      assertHeader(line);
      whole.update(bytes).update("\n");
      continue;
    }
    const parsed = parseLine(line, number);
    if (parsed.kind === "fact") {
      facts.push(parsed.fact);
      counted["row" in parsed.fact ? "atoms" : "tombstones"] += 1;
      inBlock.update(bytes).update("\n");
    } else if (parsed.kind === "block") {
      const isRight = parsed.block === blocks + 1 && parsed.lines === facts.length;
      if (!isRight || parsed.sha256 !== inBlock.digest("hex")) {
        throw damaged(
          number,
          `does not fit the ${facts.length} lines before it: one of them was changed, or is missing`,
        );
      }
      blocks += 1;
      inBlock = createHash("sha256");
      yield { facts, lastLine: number };
      facts = [];
    } else {
      const isRight = parsed.totals.atoms === counted.atoms && parsed.totals.tombstones === counted.tombstones;
      if (facts.length > 0 || !isRight || parsed.sha256 !== whole.copy().digest("hex")) {
        throw damaged(number, "does not fit the file: a part of it is missing, or was changed");
      }
      totals = parsed.totals;
    }
    whole.update(bytes).update("\n");
  }
  if (totals === undefined) throw damaged(number + 1, "is missing: the file ends before its end line");
  return totals;
}

function assertHeader(line: string): void {
  const version = /^\{"format":"rivet-memory archive","version":([1-9]\d*)\}$/.exec(line)?.[1];
  if (version !== undefined && Number(version) <= VERSION) return;
  if (version === undefined) throw damaged(1, "is not that of an archive of Rivet Memory");
  throw new MemoryError({
    code: "schema",
    message: `the archive has version ${version}, and this program reads up to version ${VERSION}: use a newer @rivet/memory-cli`,
    operation: "import",
  });
}

/** Longer than any line with the largest atom, 16 MiB of content with all its characters escaped. */
const MAX_LINE_BYTES = 512 * 1024 * 1024;

/** Lines without their line feeds. What follows the last one is a line that was cut off. */
async function* linesOf(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let number = 1;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of uncorrupted(text, () => number)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]);
      number += 1;
      [rest, restBytes, start] = [[], 0, end + 1];
    }
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > MAX_LINE_BYTES) throw damaged(number, `is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (restBytes > 0) throw damaged(number, "was cut off");
}

/** What cannot be decompressed is damaged at the line that was read last. */
async function* uncorrupted(text: AsyncIterable<Buffer>, number: () => number): AsyncGenerator<Buffer> {
  try {
    yield* text;
  } catch (error) {
    if (!MemoryError.isInstance(error) || error.code !== "corrupt") throw error;
    throw damaged(number(), `cannot be read: ${error.message}`);
  }
}
