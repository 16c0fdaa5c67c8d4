/** Formats times, amounts and ids. Pure, except for the reader's language. */

// A browser takes 10 ms to get `Intl` ready: the list of sessions does without.
const TIME = onFirstUse(
  () => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
);
const DAY = onFirstUse(
  () => new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" }),
);
const FULL = onFirstUse(() => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }));

function onFirstUse<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

const UNITS: readonly (readonly [string, number])[] = [
  ["y", 31_536_000],
  ["mo", 2_592_000],
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
];

/** A past time relative to now, such as `5m ago`. */
export function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(time)) / 1_000);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  return unit === undefined || length === undefined ? "just now" : `${Math.floor(seconds / length)}${unit} ago`;
}

export const clockTime = (time: string | number): string => TIME().format(new Date(time));
export const day = (time: string): string => DAY().format(new Date(time));
export const fullTime = (time: string | number): string => FULL().format(new Date(time));
/** A whole number, such as `12,345`. */
export const amount = (value: number): string => String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`;
}

/** A duration, such as `0.42 ms`, `1.2 s` or `3 min`. */
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
