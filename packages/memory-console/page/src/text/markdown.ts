/** As much of Markdown as conversations have, as data: nothing here makes markup of a text. Pure. */

export type Block =
  | { readonly type: "code"; readonly language: string; readonly text: string }
  | { readonly type: "heading"; readonly text: string }
  | { readonly type: "list"; readonly items: readonly ListItem[] }
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
