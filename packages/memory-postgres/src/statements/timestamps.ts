const YEAR_1_MS = Date.parse("0001-01-01T00:00:00Z");
const YEAR_10_000_MS = Date.parse("+010000-01-01T00:00:00Z");

/** A cache of the latest result, because most rows of a save were created in the same millisecond. */
let latest = { timeMs: Number.NaN, text: "" };

/** Formats a time for PostgreSQL: ISO 8601, but with years of any length, and `BC` where JavaScript has a minus. */
export function timestampText(timeMs: number): string {
  if (timeMs !== latest.timeMs) latest = { timeMs, text: formatTimestamp(timeMs) };
  return latest.text;
}

function formatTimestamp(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  if (timeMs >= YEAR_1_MS && timeMs < YEAR_10_000_MS) return iso;
  const [, year = "", rest = ""] = /^([+-]?\d+)-(.*)$/.exec(iso) ?? [];
  const isBeforeChrist = Number(year) < 1;
  const count = isBeforeChrist ? 1 - Number(year) : Number(year);
  return `${String(count).padStart(4, "0")}-${rest}${isBeforeChrist ? " BC" : ""}`;
}
