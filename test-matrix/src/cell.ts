/** The table of `docs/runtimes.md`: what a user has to do to make a backend run somewhere. */

export type Cell =
  | { readonly kind: "works" }
  /** It works once this line stands where the text says. */
  | { readonly kind: "line"; readonly line: string }
  /** It says so itself, in this sentence. */
  | { readonly kind: "refused"; readonly sentence: string }
  /** It cannot, for this reason, which is none of ours to mend. */
  | { readonly kind: "cannot"; readonly reason: string }
  /** It should work, and does not. */
  | { readonly kind: "fails"; readonly problem: string };

export interface Row {
  readonly title: string;
  /** By the title of the column. */
  readonly cells: ReadonlyMap<string, Cell>;
}

/** The text of a cell. */
export function cellText(cell: Cell | undefined): string {
  switch (cell?.kind) {
    case undefined:
      return "—";
    case "works":
      return "works";
    case "line":
      return `works with ${cell.line}`;
    case "refused":
      return `refused: “${cell.sentence}”`;
    case "cannot":
      return `cannot, because ${cell.reason}`;
    case "fails":
      return `**fails**: ${cell.problem}`;
  }
}

/** A table in Markdown. */
export function tableText(columns: readonly string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  return [
    line(["", ...columns]),
    line(["---", ...columns.map(() => "---")]),
    ...rows.map(({ title, cells }) => line([title, ...columns.map((column) => cellText(cells.get(column)))])),
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** The cells that should work and do not, one line each. */
export function failuresOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ title, cells }) =>
    [...cells].flatMap(([column, cell]) => (cell.kind === "fails" ? [`${title}, ${column}: ${cell.problem}`] : [])),
  );
}
