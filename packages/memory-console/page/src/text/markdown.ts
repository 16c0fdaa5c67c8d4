/** As much of Markdown as conversations have, as data: nothing here makes markup of a text. Pure. */

export type Block =
  | { readonly type: "code"; readonly language: string; readonly text: string }
  | { readonly type: "heading"; readonly text: string }
  | { readonly type: "list"; readonly items: readonly ListItem[] }
  | { readonly type: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly type: "paragraph"; readonly text: string };

interface ListItem {
  readonly marker: string;
  readonly text: string;
}

export interface Inline {
  readonly type: "text" | "code" | "strong" | "emphasis";
  readonly text: string;
}

const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}#{1,6}\s+(.*)$/;
const ITEM = /^\s*([-*+•]|\d{1,9}[.)])\s+(.*)$/;

export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  let paragraph: string[] = [];
  let items: ListItem[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) blocks.push({ type: "paragraph", text: paragraph.join("\n") });
    if (items.length > 0) blocks.push({ type: "list", items });
    paragraph = [];
    items = [];
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const [, fence, language = ""] = FENCE.exec(line) ?? [];
    if (fence !== undefined) {
      flush();
      const end = lines.findIndex((other, at) => at > index && other.trim().startsWith(fence));
      const code = lines.slice(index + 1, end === -1 ? undefined : end);
      blocks.push({ type: "code", language, text: code.join("\n") });
      index = end === -1 ? lines.length : end;
      continue;
    }
    const table = tableAt(lines, index);
    if (table !== undefined) {
      flush();
      blocks.push(table.block);
      index = table.lastLine;
      continue;
    }
    const [, heading] = HEADING.exec(line) ?? [];
    const [, marker, item] = ITEM.exec(line) ?? [];
    if (heading !== undefined) {
      flush();
      blocks.push({ type: "heading", text: heading });
    } else if (marker !== undefined && item !== undefined) {
      if (paragraph.length > 0) flush();
      items.push({ marker: /\d/.test(marker) ? marker : "•", text: item });
    } else if (line.trim() === "") {
      flush();
    } else {
      if (items.length > 0) flush();
      paragraph.push(line);
    }
  }
  flush();
  return blocks;
}

/** The line below the heads of a table's columns. */
const RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** The table that begins at a line, as GitHub Flavored Markdown has it (section 4.10), without alignment. */
function tableAt(lines: readonly string[], first: number): { block: Block; lastLine: number } | undefined {
  const [heads, rule] = [lines[first] ?? "", lines[first + 1] ?? ""];
  if (!heads.includes("|") || !rule.includes("|") || !RULE.test(rule)) return undefined;
  const head = cellsOf(heads);
  if (head.length !== cellsOf(rule).length) return undefined;
  const rows: string[][] = [];
  let last = first + 1;
  for (let line = lines[last + 1]; line?.includes("|") === true; line = lines[last + 1]) {
    const cells = cellsOf(line);
    rows.push(head.map((_, column) => cells[column] ?? ""));
    last += 1;
  }
  return { block: { type: "table", head, rows }, lastLine: last };
}

function cellsOf(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

const INLINE =
  /(`+)(.+?)\1|\*\*(?=\S)((?:[^*]|\*(?!\*))+?)(?<=\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])/gs;

export function inlinesOf(text: string): Inline[] {
  const inlines: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, , code, strong, emphasis] = match;
    if (match.index > end) inlines.push({ type: "text", text: text.slice(end, match.index) });
    if (code !== undefined) inlines.push({ type: "code", text: code });
    else if (strong !== undefined) inlines.push({ type: "strong", text: strong });
    else if (emphasis !== undefined) inlines.push({ type: "emphasis", text: emphasis });
    end = match.index + whole.length;
  }
  if (end < text.length) inlines.push({ type: "text", text: text.slice(end) });
  return inlines;
}
