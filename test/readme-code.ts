import { readFileSync } from "node:fs";

/** The TypeScript blocks of a Markdown file, in order. */
export function codeBlocks(markdownFile: string): string[] {
  const text = readFileSync(markdownFile, "utf8");
  return [...text.matchAll(/^( *)```ts\n([\s\S]*?)\n\1```$/gm)].map(([, indent = "", code = ""]) =>
    code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}
