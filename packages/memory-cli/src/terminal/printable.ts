/** Control characters but line feed and tab, and what reverses the direction of text. */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu;

/**
 * Text from a store for a terminal: what would move the cursor, change colours or reverse text is shown as an escape.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** One JSON document on one line, with escapes for the same characters; a parser gives them back as they were. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value) ?? "");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The same on one line, and cut to a width. */
export function oneLine(text: string, width: number): string {
  const line = printable(text).replaceAll(/\s+/g, " ").trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
