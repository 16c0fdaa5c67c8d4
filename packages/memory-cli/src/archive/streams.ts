/** Archives as files and streams, compressed when their names end in `.gz`. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rename, rm, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { MemoryError } from "@rivet/memory-core";

/** Stands for stdin and stdout. */
export const STANDARD_STREAM = "-";

/**
 * Writes text to a file, or to stdout. A file is there only once all of it is written and on the disk: until then it has
 * another name beside it, which is gone when writing fails.
 */
export async function writeArchive(file: string, text: AsyncIterable<string>): Promise<void> {
  if (file === STANDARD_STREAM) return pipeline(Readable.from(text), process.stdout, { end: false });
  const draft = `${file}.part`;
  try {
    const target = createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true });
    if (file.endsWith(".gz")) await pipeline(Readable.from(text), createGzip(), target);
    else await pipeline(Readable.from(text), target);
    await rename(draft, file);
  } catch (error) {
    // Another process may be writing the same file.
    if (!isCode(error, "EEXIST")) await rm(draft, { force: true });
    throw fileError(error, draft);
  }
}

/** Reads a file from its beginning, as often as it is called. */
export async function* readArchive(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  try {
    if (!file.endsWith(".gz")) return yield* source;
    const gunzip = createGunzip();
    source.on("error", (error) => gunzip.destroy(error));
    yield* source.pipe(gunzip);
  } catch (error) {
    throw fileError(error, file);
  } finally {
    source.destroy();
  }
}

/** Runs with a file that can be read twice: what comes from stdin is kept in one until then, which only this user can read. */
export async function withFile<Result>(
  file: string,
  signal: AbortSignal,
  work: (file: string) => Promise<Result>,
): Promise<Result> {
  if (file !== STANDARD_STREAM) return work(file);
  const folder = await mkdtemp(join(tmpdir(), "rivet-import-"));
  try {
    const spool = join(folder, "archive");
    await pipeline(process.stdin, createWriteStream(spool, { mode: 0o600 }), { signal });
    return await work(await renamedByContent(spool));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A compressed stream says so in its first two bytes. */
async function renamedByContent(spool: string): Promise<string> {
  const handle = await open(spool);
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  await handle.close();
  if (buffer[0] !== 0x1f || buffer[1] !== 0x8b) return spool;
  await rename(spool, `${spool}.gz`);
  return `${spool}.gz`;
}

function fileError(error: unknown, file: string): unknown {
  if (isCode(error, "ENOENT"))
    return new MemoryError({ code: "not_found", message: `there is no file ${file}, or not its folder`, cause: error });
  if (isCode(error, "EEXIST"))
    return new MemoryError({
      code: "conflict",
      message: `${file} is there: another export writes it, or one was killed; remove it`,
      cause: error,
    });
  if (isCode(error, "Z_BUF_ERROR") || isCode(error, "Z_DATA_ERROR"))
    return new MemoryError({
      code: "corrupt",
      message: "the compressed file is damaged, or was cut off",
      cause: error,
    });
  return error;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
