/** A sample of a README, and the file that its first line asks to save it as. */
export interface Sample {
  readonly file: string;
  readonly code: string;
}

/** The samples that are programs: their first line is a comment with the name of a file. */
export function samplesOf(markdown: string): Sample[] {
  return [...markdown.matchAll(/^```ts\n(\/\/ ([\w-]+\.mjs)\n[\s\S]*?)\n```$/gm)].map(([, code = "", file = ""]) => ({
    file,
    code,
  }));
}

/** The packages that the `npm install` lines of a README name. */
export function installedPackages(markdown: string): string[] {
  const lines = [...markdown.matchAll(/^npm install (.*)$/gm)].map(([, line = ""]) => line.replace(/#.*$/, ""));
  const words = lines.flatMap((line) => line.trim().split(/\s+/));
  return [...new Set(words.filter((word) => !word.startsWith("-")))];
}
