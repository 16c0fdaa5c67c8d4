/**
 * Checks the comments of the sources: a doc comment begins with the thing that it describes, and comments wrap at 120
 * characters. It reads no other text: documents and test titles are for reviewers.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SOURCES = [
  "{packages,apps}/*/{src,page,test,scripts}/**/*.{ts,tsx}",
  "{benchmarks,test-matrix}/{src,test}/**/*.ts",
  "{test,scripts}/**/*.ts",
];
const MAX_LENGTH = 120;

/** First words of a clause without a subject. A noun or a verb in their place says what is described. */
const HEADLESS = /^\s*\/?\*\*?\s+(What|Whoever|Who|Those|Which|How)\b/;
const COMMENT = /^\s*(\/\/|\/\*\*|\*)\s/;

const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).filter(
  (file) => !/\/(dist|node_modules)\//.test(file),
);
const problems = files.toSorted().flatMap((file) => problemsOf(file, readFileSync(join(ROOT, file), "utf8")));
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} comments to mend`);
process.exitCode = problems.length === 0 ? 0 : 1;

function problemsOf(file: string, text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const place = `${file}:${index + 1}`;
    if (!COMMENT.test(line)) return [];
    const word = opensDocComment(lines, index) ? HEADLESS.exec(line)?.[1] : undefined;
    return [
      ...(word === undefined
        ? []
        : [`${place}: the comment begins with ${word}; begin with the thing that it describes`]),
      ...(line.length <= MAX_LENGTH
        ? []
        : [`${place}: the comment has ${line.length} characters; wrap it at ${MAX_LENGTH}`]),
    ];
  });
}

/** Whether a line is the first one with text in a doc comment. */
function opensDocComment(lines: readonly string[], index: number): boolean {
  return /^\s*\/\*\*\s/.test(lines[index] ?? "") || /^\s*\/\*\*\s*$/.test(lines[index - 1] ?? "");
}
