/** Parses addresses of SQLite files, in the forms that other tools use. */
import { invalidInput, type MemoryError } from "../errors/errors.ts";

/** The path that stands for a database in memory. */
const IN_MEMORY = ":memory:";

/**
 * Returns the path of the file in `sqlite:PATH`, `sqlite://PATH`, `file:PATH` or a bare path.
 *
 * | form | means |
 * | --- | --- |
 * | `sqlite:agent.db`, `sqlite://agent.db`, `sqlite:file:agent.db`, `sqlite:///./agent.db` | relative |
 * | `sqlite:/data/agent.db`, `sqlite:////data/agent.db`, `sqlite:file:///data/agent.db` | absolute |
 * | `sqlite:~/agent.db` | in the user's home directory |
 * | `sqlite::memory:`, `sqlite://:memory:`, `sqlite:///:memory:`, `file::memory:` | in memory |
 * | `sqlite:///data/agent.db` | refused: absolute for some tools, relative for SQLAlchemy |
 * | anything with parameters, such as `?mode=ro` | refused, with the names of the parameters |
 *
 * @param homeFolder Returns the directory that `~` stands for.
 * @returns a path, `:memory:`, or undefined for `sqlite:` alone, which has no path.
 * @throws {MemoryError} `invalid_input`. The message does not repeat an address of another kind, which may contain a
 *   password.
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

/** The path in the text after `sqlite://`. */
function fromUrl(rest: string): string {
  const path = withoutParameters(rest);
  if (path === "") throw refused("has no path; write sqlite:PATH, or sqlite::memory: for a database in memory");
  // SQLx decodes percent escapes, SQLAlchemy does not.
  if (/%[0-9a-f]{2}/i.test(path))
    throw refused("has a percent escape, which not every tool decodes; write sqlite:PATH with the path as it is");
  if (path === IN_MEMORY || path === `/${IN_MEMORY}`) return IN_MEMORY;
  // In SQLAlchemy's form, the path comes after one more slash.
  if (path.startsWith("//") || /^\/(?:\.{1,2}\/|[a-z]:[\\/])/i.test(path)) return path.slice(1);
  if (path.startsWith("/")) {
    const [relative, absolute] = [`sqlite:${path.slice(1)}`, `sqlite:${path}`];
    throw refused(
      `begins with sqlite:///, which is an absolute path for some tools and a relative path for others; write ${absolute} or ${relative}`,
    );
  }
  if (/[@]|^[^/]*:\d/.test(path)) throw refused("names a server, but SQLite has no server; write sqlite:PATH");
  return path;
}

/** The path in the text after `file:`, as SQLite and libSQL read it. */
function fromFileUri(rest: string): string {
  const path = withoutParameters(rest);
  if (path.includes("#")) throw refused("is a file: address with a #; write %23 for a # in the file name");
  const local = path.replace(/^\/\/(?:localhost)?(?=\/)/, "");
  if (local.startsWith("//") && !path.startsWith("////"))
    throw refused("is a file: address with a host name; write file:PATH or file:///PATH");
  const decoded = decodeEscapes(local);
  if (decoded === "" || decoded.includes("\0")) throw refused("has no path; write sqlite:PATH");
  return /^\/[a-z]:[\\/]/i.test(decoded) ? decoded.slice(1) : decoded;
}

function decodeEscapes(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refused(
      "has a percent sign that does not begin an escape; in a file: address, write %25 for it, or write sqlite:PATH",
    );
  }
}

/** Refuses parameters: other tools interpret them, but nothing here does. */
function withoutParameters(path: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const names = [...new Set(new URLSearchParams(path.slice(mark + 1)).keys())].map((name) => JSON.stringify(name));
  const known = "pass options such as busyTimeoutMs next to the address";
  throw refused(
    names.length === 0
      ? `has a ? without a parameter after it; ${known}`
      : `has the parameter ${names.join(", ")}, but parameters are not supported; ${known}`,
  );
}

/** Refuses a bare path only if its question mark is followed by settings: a path may contain a question mark. */
function withoutSettings(path: string): string {
  return /\?[\w.-]+=/.test(path) ? withoutParameters(path) : path;
}

function pathOf(path: string, homeFolder: () => string): string {
  if (path === "") throw refused("has no path; write sqlite:PATH, or sqlite::memory: for a database in memory");
  if (!path.startsWith("~")) return path;
  if (/^~[\\/]./.test(path)) return `${homeFolder().replace(/[\\/]+$/, "")}${path.slice(1)}`;
  throw refused(
    "begins with ~ but not with ~/PATH; write ~/PATH for a file in the home directory, or ./~… for a name that begins with ~",
  );
}

function refused(problem: string): MemoryError {
  return invalidInput("path", problem);
}
