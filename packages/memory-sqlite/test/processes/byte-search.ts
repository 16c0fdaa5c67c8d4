/** Answers each line of JSON, files and texts, with the texts whose bytes are in one of the files. */
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Question {
  readonly files: readonly string[];
  readonly texts: readonly string[];
}

for await (const line of createInterface({ input: process.stdin })) {
  const { files, texts }: Question = JSON.parse(line);
  const bytes = files.filter((file) => existsSync(file)).map((file) => readFileSync(file));
  const found = texts.filter((text) => bytes.some((content) => content.includes(text)));
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
