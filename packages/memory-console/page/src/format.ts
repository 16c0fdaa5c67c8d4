/** How times, amounts and ids are written. Pure, but for the reader's language. */

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat("en");

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Such as `5m ago`. */
export function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(time)) / 1_000);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  return unit === undefined || length === undefined ? "just now" : RELATIVE.format(-Math.floor(seconds / length), unit);
}

export const clockTime = (time: string | number): string => TIME.format(new Date(time));
export const day = (time: string): string => DAY.format(new Date(time));
export const fullTime = (time: string | number): string => FULL.format(new Date(time));
export const amount = (value: number): string => NUMBER.format(value);

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`;
}

/** Such as `0.42 ms`, `1.2 s` or `3 min`. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}

/** The end of a minted id tells it from its neighbours; its beginning is a time. */
export function shortId(id: string): string {
  const text = id.replace(/^session_/, "");
  return text.length <= 20 ? text : `…${text.slice(-12)}`;
}
