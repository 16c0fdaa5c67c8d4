export interface Document {
  /** The sections, in their order. */
  readonly names: readonly string[];
  /** The sections that this run has made, by their names. */
  readonly sections: ReadonlyMap<string, string>;
  /** The document as it is: what this run has not made stays. */
  readonly written: string;
  /** The machine of the run. */
  readonly machine: string;
}

const TITLE = "# Where it runs";

/** The text of `docs/runtimes.md`. */
export function documentText({ names, sections, written, machine }: Document): string {
  const parts = names.flatMap((name) => {
    const text = sections.get(name) ?? sectionOf(written, name);
    return text === undefined ? [] : [`<!-- ${name} -->\n\n${text.trim()}\n\n<!-- /${name} -->`];
  });
  return `${TITLE}

Written by \`npx -y pnpm@12.17.0 test:matrix\` (here on ${machine}), and not by hand. It packs the packages, publishes them to a
registry on the machine, installs them by name after \`npm init -y\`, and runs a save and a load with each backend. A cell is
*works*; *works with* the line that makes it work; *refused*, where the packages say in a sentence which version they need; or
*cannot*, where something outside of them is missing.

All packages are ES modules and need Node.js ≥ 22, SQLite ≥ 22.14 or ≥ 23.6. \`require()\` loads them too.

${parts.join("\n\n")}
`;
}

function sectionOf(written: string, name: string): string | undefined {
  const [, text] = written.split(`<!-- ${name} -->`);
  return text?.split(`<!-- /${name} -->`)[0];
}
