/**
 * The token that opens the console. It comes with the printed address, and stays in the storage of this tab, which no
 * page of another origin reads, another port of this machine included. The address bar and the history then show the
 * address without it.
 */
const STORED_AS = "rivet-console-token";

const token: string | undefined = takeToken();

function takeToken(): string | undefined {
  const { searchParams, pathname, hash } = new URL(window.location.href);
  const given = searchParams.get("token");
  if (given === null) return sessionStorage.getItem(STORED_AS) ?? undefined;
  sessionStorage.setItem(STORED_AS, given);
  searchParams.delete("token");
  const rest = searchParams.size === 0 ? "" : `?${searchParams}`;
  history.replaceState(null, "", `${pathname}${rest}${hash}`);
  return given;
}

/** The header that shows the token. It holds no other characters than an encoded text has. */
export function authorization(): Readonly<Record<string, string>> {
  return token === undefined ? {} : { Authorization: `Bearer ${encodeURIComponent(token)}` };
}
