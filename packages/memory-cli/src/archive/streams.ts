/** Archives as files and streams, compressed when their names end in `.gz`. */
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { link, mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { MemoryError } from "@rivet/memory-core";
import { printable } from "../terminal/printable.ts";

/** Stands for stdin and stdout. */
export const STANDARD_STREAM = "-";

/** @throws {MemoryError} `conflict` for a file that is there. */
export function assertNew(file: string): void {
  if (file === STANDARD_STREAM || !existsSync(file)) return;
  throw new MemoryError({ code: "conflict", message: `${file} is there: give another name, or --force to replace it` });
}

/**
 * Writes text to a file, or to stdout. A file is there only once all of it is written and on the disk: until then it
 * has another name beside it, which is gone when writing fails. A reader of stdout that has seen enough ends the
 * writing.
 *
 * @throws {MemoryError} `conflict` for a file that is there, unless it is replaced.
 */
export async function writeArchive(
  file: string,
  text: AsyncIterable<string>,
  { isReplacing }: { readonly isReplacing: boolean },
): Promise<void> {
  if (file === STANDARD_STREAM) return writeToStdout(text);
  const draft = `${file}.part`;
  let isDraftOurs = false;
  try {
    const target = createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true });
    target.once("open", () => (isDraftOurs = true));
    if (file.endsWith(".gz")) await pipeline(Readable.from(text), createGzip(), target);
    else await pipeline(Readable.from(text), target);
    if (isReplacing) await rename(draft, file);
    else await placeNew(draft, file);
  } catch (error) {
    throw fileError(error, isDraftOurs ? file : draft);
  } finally {
    // Another process may be writing the same file.
    if (isDraftOurs) await rm(draft, { force: true });
  }
}

/** Gives a draft its name, unless a file of that name has come meanwhile. The draft may stay under its first name. */
async function placeNew(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "ENOSYS"].some((code) => isCode(error, code))) throw error;
    // A file system without links.
    assertNew(file);
    await rename(draft, file);
  }
}

async function writeToStdout(text: AsyncIterable<string>): Promise<void> {
  const shown = process.stdout.isTTY ? printableChunks(text) : text;
  try {
    await pipeline(Readable.from(shown), process.stdout, { end: false });
  } catch (error) {
    if (!isCode(error, "EPIPE")) throw error;
  }
}

/** For a terminal, which obeys some of the control characters that a file keeps. */
async function* printableChunks(text: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const chunk of text) yield printable(chunk);
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

/**
 * Runs with a file that can be read twice: what comes from stdin is kept in one until then, which only this user can
 * read.
 */
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
      message: file.endsWith(".part")
        ? `${file} is there: another export writes it, or one was killed; remove it`
        : `${file} is there: give another name, or --force to replace it`,
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
