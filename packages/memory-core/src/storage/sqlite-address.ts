/** Which file an address of SQLite means, in the forms that other tools have made usual. */
import { invalidInput, type MemoryError } from "../errors/errors.ts";

/** The path that stands for a database in memory. */
const IN_MEMORY = ":memory:";

/**
 * The path of the file that `sqlite:PATH`, `sqlite://PATH`, `file:PATH` or a bare path names.
 *
 * | form | means |
 * | --- | --- |
 * | `sqlite:agent.db`, `sqlite://agent.db`, `sqlite:file:agent.db`, `sqlite:///./agent.db` | beside the program |
 * | `sqlite:/data/agent.db`, `sqlite:////data/agent.db`, `sqlite:file:///data/agent.db` | from the root |
 * | `sqlite:~/agent.db` | in the user's own folder |
 * | `sqlite::memory:`, `sqlite://:memory:`, `sqlite:///:memory:`, `file::memory:` | in memory |
 * | `sqlite:///data/agent.db` | refused: from the root for some tools, beside the program for SQLAlchemy |
 * | anything with parameters, such as `?mode=ro` | refused by their names |
 *
 * @param homeFolder the folder that `~` stands for.
 * @returns a path, `:memory:`, or undefined for `sqlite:` alone, which names none.
 * @throws {MemoryError} `invalid_input`. The message does not repeat an address of another kind, which may hold a password.
 * @example
 * sqlitePath("sqlite:~/agent.db", () => "/home/ada"); // "/home/ada/agent.db"
 */
export function sqlitePath(address: string, homeFolder: () => string): string | undefined {
  if (typeof address !== "string" || address === "" || address.includes("\0"))
    throw refused("must be the path of a file, or :memory:");
  if (address === "sqlite:") return undefined;
  const { rest, isAddress } = address.startsWith("sqlite:")
    ? { rest: address.slice("sqlite:".length), isAddress: true }
    : { rest: address, isAddress: false };
  if (rest.startsWith("file:")) return pathOf(fromFileUri(rest.slice("file:".length)), homeFolder);
  if (isAddress && rest.startsWith("//")) return pathOf(fromUrl(rest.slice("//".length)), homeFolder);
  if (!isAddress && /^(?:[a-z][a-z0-9+.-]+:\/\/|(?:postgres|postgresql|supabase|memory|libsql):)/i.test(rest))
    throw refused("is an address of another kind; expected the path of a file, sqlite:PATH or :memory:");
  return pathOf(isAddress ? withoutParameters(rest) : withoutSettings(rest), homeFolder);
}

/** The path of `sqlite://` and what follows. */
function fromUrl(rest: string): string {
  const path = withoutParameters(rest);
  if (path === "") throw refused("names no file; write sqlite:PATH, or sqlite::memory: for a database in memory");
  // SQLx decodes them, SQLAlchemy does not.
  if (/%[0-9a-f]{2}/i.test(path))
    throw refused("has a percent escape, which not every tool decodes; write sqlite:PATH with the path as it is");
  if (path === IN_MEMORY || path === `/${IN_MEMORY}`) return IN_MEMORY;
  // The path as SQLAlchemy has it comes after one more slash.
  if (path.startsWith("//") || /^\/(?:\.{1,2}\/|[a-z]:[\\/])/i.test(path)) return path.slice(1);
  if (path.startsWith("/")) {
    const [relative, absolute] = [`sqlite:${path.slice(1)}`, `sqlite:${path}`];
    throw refused(
      `begins with sqlite:///, which means a path from the root for some tools and one beside the program for others; write ${absolute} or ${relative}`,
    );
  }
  if (/[@]|^[^/]*:\d/.test(path)) throw refused("names a server, and SQLite has none; write sqlite:PATH");
  return path;
}

/** The path of `file:` and what follows, as SQLite and libSQL read it. */
function fromFileUri(rest: string): string {
  const path = withoutParameters(rest);
  if (path.includes("#")) throw refused("is a file: address with a #; write %23 for one in the name of the file");
  const local = path.replace(/^\/\/(?:localhost)?(?=\/)/, "");
  if (local.startsWith("//") && !path.startsWith("////"))
    throw refused("is a file: address with the name of a machine; write file:PATH or file:///PATH");
  const decoded = decodeEscapes(local);
  if (decoded === "" || decoded.includes("\0")) throw refused("names no file; write sqlite:PATH");
  return /^\/[a-z]:[\\/]/i.test(decoded) ? decoded.slice(1) : decoded;
}

function decodeEscapes(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refused("has a percent sign that begins no escape; write %25 for it in a file: address, or sqlite:PATH");
  }
}

/** Refuses parameters, which would change what other tools do and nothing here. */
function withoutParameters(path: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const names = [...new Set(new URLSearchParams(path.slice(mark + 1)).keys())].map((name) => JSON.stringify(name));
  const known = "options such as busyTimeoutMs are given beside the address";
  throw refused(
    names.length === 0
      ? `has a ? and no parameter after it; ${known}`
      : `has the parameter ${names.join(", ")}, and no parameter is known here; ${known}`,
  );
}

/** A bare path may hold a question mark; one that is followed by settings was meant as an address. */
function withoutSettings(path: string): string {
  return /\?[\w.-]+=/.test(path) ? withoutParameters(path) : path;
}

function pathOf(path: string, homeFolder: () => string): string {
  if (path === "") throw refused("names no file; write sqlite:PATH, or sqlite::memory: for a database in memory");
  if (!path.startsWith("~")) return path;
  if (/^~[\\/]./.test(path)) return `${homeFolder().replace(/[\\/]+$/, "")}${path.slice(1)}`;
  throw refused("begins with ~ and names no file in the user's own folder; write ~/PATH, or ./~… for such a name");
}

function refused(problem: string): MemoryError {
  return invalidInput("path", problem);
}
