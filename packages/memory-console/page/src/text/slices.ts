import { beginning } from "../../../src/reading/excerpt.ts";

const SLICE = 16_000;

/** A text in pieces that a browser can lay out one by one: cut at the ends of lines where there are any. Pure. */
export function slicesOf(text: string): string[] {
  const slices: string[] = [];
  let start = 0;
  while (start < text.length) {
    const piece = text.slice(start, start + SLICE);
    const lineEnd = piece.lastIndexOf("\n");
    const isLast = start + SLICE >= text.length;
    const slice = isLast ? piece : lineEnd > 0 ? piece.slice(0, lineEnd) : beginning(piece, SLICE);
    slices.push(slice);
    start += slice.length;
    if (text[start] === "\n") start += 1;
  }
  return slices;
}
