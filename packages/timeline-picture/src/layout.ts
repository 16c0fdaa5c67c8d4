import type { Picture } from "./picture.ts";

export const WIDTH = 900;
export const LEFT = 92;
const RIGHT = 24;
export const PLOT_WIDTH = WIDTH - LEFT - RIGHT;

/** Maps a time to a position on the picture. */
export type Scale = (ms: number) => number;

export function scaleOf({ endMs }: Picture): Scale {
  return (ms) => LEFT + (endMs === 0 ? 0 : (Math.min(Math.max(ms, 0), endMs) / endMs) * PLOT_WIDTH);
}

export function rectangle(className: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${className}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${height}"/>`;
}

/** As the text of an element or the value of an attribute. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** In pixels; nobody can measure a font that the reader has, so it is rather too much. */
export function textWidth(text: string): number {
  return text.length * 6;
}
