import { onTestFinished } from "vitest";
import { runScript } from "./writer-process.ts";

/**
 * Looks for bytes in files from another process: one that closes a file which SQLite holds here ends SQLite's locks.
 */
export class ByteSearch {
  readonly #run = runScript("byte-search.ts", [], { hasInput: true });
  readonly #lines = this.#run.lines[Symbol.asyncIterator]();

  constructor() {
    onTestFinished(async () => {
      this.#run.child.stdin.end();
      await this.#run.ended;
    });
  }

  /** The texts whose bytes are in a database file or in its log. */
  async find(path: string, texts: readonly string[]): Promise<string[]> {
    const files = [path, `${path}-wal`, `${path}-journal`];
    this.#run.child.stdin.write(`${JSON.stringify({ files, texts })}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the search has ended: ${(await this.#run.ended).errors}`);
    return JSON.parse(value);
  }
}
