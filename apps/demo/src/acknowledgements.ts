/** The acknowledged atoms, in a file next to the storage: the reader must find all of them. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import { jsonObject, jsonValue } from "./json.ts";

const acknowledgement = z.object({
  sessionId: z.string(),
  id: z.string(),
  memoryType: z.string(),
  content: jsonValue,
  metadata: jsonObject,
});

export type Acknowledgement = Readonly<z.infer<typeof acknowledgement>>;

export class AcknowledgementLog implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** Writes before the next turn begins, so that the file contains only acknowledged atoms. */
  add(acknowledged: readonly Acknowledgement[]): void {
    writeSync(this.#file, acknowledged.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

export function readAcknowledgements(path: string): Acknowledgement[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => acknowledgement.parse(JSON.parse(line)));
}
