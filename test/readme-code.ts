import { readFileSync } from "node:fs";

/** The TypeScript blocks of a Markdown file, in order. */
export function codeBlocks(markdownFile: string): string[] {
  const text = readFileSync(markdownFile, "utf8");
  return [...text.matchAll(/^( *)```ts\n([\s\S]*?)\n\1```$/gm)].map(([, indent = "", code = ""]) =>
    code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

/** The file that a block of code asks to be saved as, in its first line; undefined for a fragment. */
export function fileNameOf(code: string): string | undefined {
  return /^\/\/ ([\w-]+\.m?[jt]s)$/m.exec(code.split("\n", 1)[0] ?? "")?.[1];
}

/** The packages that the install lines of a Markdown file name. */
export function installedPackages(markdownFile: string): Set<string> {
  const lines = [...readFileSync(markdownFile, "utf8").matchAll(/^npm install (.*)$/gm)];
  const words = lines.flatMap(([, line = ""]) => line.replace(/#.*$/, "").trim().split(/\s+/));
  return new Set(words.filter((word) => !word.startsWith("-")));
}
