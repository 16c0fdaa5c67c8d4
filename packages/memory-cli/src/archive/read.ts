/**
 * Reads an archive twice: once to check all of it, and once to use what was checked. Neither holds more than some lines
 * in memory, however large the file and its blocks are.
 */
import { createHash, type Hash } from "node:crypto";
import { MemoryError } from "@rivet/memory-core";
import { BLOCK_LINES, damaged, parseLine, VERSION, type Fact } from "./format.ts";
import { linesOf } from "./lines.ts";

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** The largest atom that the file may hold, in bytes. Default: that of a storage. */
  readonly maxAtomBytes?: number | undefined;
}

/** The whole part of an archive: all of it, or its blocks before a damage. */
export interface CheckedArchive {
  readonly atoms: number;
  readonly tombstones: number;
  /** The line that ends the last whole block, or the file. */
  readonly lastLine: number;
  /** The SHA-256 of the text up to the end of that line, in hexadecimal. */
  readonly sha256: string;
  /** The reason why nothing after that line can be used: `corrupt`, with the number of a line. */
  readonly damage?: MemoryError;
}

/** Facts that are read and used at a time. */
const BATCH_FACTS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Checks a whole archive, each checksum of it, and uses nothing.
 *
 * @throws {MemoryError} `schema` for an archive of a later version; and the signal's reason.
 */
export async function checkArchive(text: AsyncIterable<Buffer>, options: ReadOptions): Promise<CheckedArchive> {
  const check = new ArchiveCheck();
  try {
    for await (const line of linesOf(text, options.maxAtomBytes)) {
      options.signal.throwIfAborted();
      check.take(line);
    }
    check.end();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { ...check.whole, damage: error };
  }
  return check.whole;
}

/**
 * The facts of an archive up to the line through which it was checked, some at a time.
 *
 * @throws {MemoryError} `corrupt` when the file is no longer the one that was checked; and the signal's reason.
 */
export async function* checkedFacts(
  text: AsyncIterable<Buffer>,
  { lastLine, sha256 }: CheckedArchive,
  { signal, maxAtomBytes }: ReadOptions,
): AsyncGenerator<readonly Fact[]> {
  if (lastLine === 0) return;
  const hash = createHash("sha256");
  let number = 0;
  let batch: Fact[] = [];
  let batchBytes = 0;
  for await (const bytes of linesOf(text, maxAtomBytes)) {
    signal.throwIfAborted();
    number += 1;
    update(hash, bytes);
    const line = number === 1 ? undefined : parseLine(bytes.toString("utf8"), number);
    if (line?.kind === "fact") {
      batch.push(line.fact);
      batchBytes += bytes.length;
    }
    if (batch.length === BATCH_FACTS || batchBytes >= BATCH_BYTES) {
      yield batch;
      [batch, batchBytes] = [[], 0];
    }
    // The next line may be the damaged one.
    if (number === lastLine) break;
  }
  if (batch.length > 0) yield batch;
  if (number < lastLine || hash.digest("hex") !== sha256) {
    throw damaged(number, "is not the one that was checked: the file was changed while it was read");
  }
}

function isDamage(error: unknown): error is MemoryError {
  return MemoryError.isInstance(error) && error.code === "corrupt" && error.operation === "import";
}

/** Takes the lines of an archive, one after the other, and checks each against what came before. */
class ArchiveCheck {
  readonly #whole = createHash("sha256");
  #inBlock = createHash("sha256");
  #factsInBlock = 0;
  #blocks = 0;
  #number = 0;
  #isEnded = false;
  #counted = { atoms: 0, tombstones: 0 };
  /** Up to the end of the last block. */
  whole: CheckedArchive = { atoms: 0, tombstones: 0, lastLine: 0, sha256: "" };

  /** @throws {MemoryError} `corrupt`, with the number of the line. */
  take(bytes: Buffer): void {
    this.#number += 1;
    if (this.#isEnded) throw damaged(this.#number, "comes after the end");
    const text = bytes.toString("utf8");
    if (this.#number === 1) assertHeader(text);
    else this.#takeLine(text, bytes);
    update(this.#whole, bytes);
    // A header, a block and the end are whole by themselves; a fact is when its block is.
    if (this.#factsInBlock === 0) this.#keep();
  }

  /** @throws {MemoryError} `corrupt` for an archive without its last line. */
  end(): void {
    if (!this.#isEnded) throw damaged(this.#number + 1, "is missing: the file ends before its end line");
  }

  #takeLine(text: string, bytes: Buffer): void {
    const line = parseLine(text, this.#number);
    if (line.kind === "fact") {
      if (this.#factsInBlock === BLOCK_LINES) {
        throw damaged(this.#number, `is in a block of more than ${BLOCK_LINES} lines, the most that one has`);
      }
      this.#factsInBlock += 1;
      this.#counted["row" in line.fact ? "atoms" : "tombstones"] += 1;
      update(this.#inBlock, bytes);
    } else if (line.kind === "block") {
      const isRight = line.block === this.#blocks + 1 && line.lines === this.#factsInBlock;
      if (!isRight || line.sha256 !== this.#inBlock.digest("hex")) {
        const before = `the ${this.#factsInBlock} lines before it: one of them was changed, or is missing`;
        throw damaged(this.#number, `does not fit ${before}`);
      }
      this.#blocks += 1;
      this.#factsInBlock = 0;
      this.#inBlock = createHash("sha256");
    } else {
      const { atoms, tombstones } = this.#counted;
      const isRight = line.totals.atoms === atoms && line.totals.tombstones === tombstones;
      if (this.#factsInBlock > 0 || !isRight || line.sha256 !== this.#whole.copy().digest("hex")) {
        throw damaged(this.#number, "does not fit the file: a part of it is missing, or was changed");
      }
      this.#isEnded = true;
    }
  }

  #keep(): void {
    this.whole = { ...this.#counted, lastLine: this.#number, sha256: this.#whole.copy().digest("hex") };
  }
}

function update(hash: Hash, line: Buffer): void {
  hash.update(line).update("\n");
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
