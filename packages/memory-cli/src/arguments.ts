/** Values of options, from the text of a command line. */
import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** `90d`, `12h`, `30m`, `45s`, `2w`: milliseconds. */
export function parseDuration(text: string): number {
  const [, amount, unit = ""] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (amount === undefined || unitMs === undefined)
    throw new InvalidArgumentError("expected a number with a unit, such as 90d, 12h or 30m.");
  return Number(amount) * unitMs;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError("expected a whole number from 1.");
  return count;
}

/** `log,context` */
export function parseList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new InvalidArgumentError("expected names with commas between them.");
  return items;
}

/** The path of a file. An address in its place, which may hold a password, is not repeated. */
export function parseFile(text: string): string {
  if (/^(postgres(ql)?|supabase|sqlite|memory|https?):/i.test(text))
    throw new InvalidArgumentError("it is an address; expected the path of a file.");
  return text;
}
