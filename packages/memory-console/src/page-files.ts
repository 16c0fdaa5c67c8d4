import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Whether its name changes with its content. */
  readonly isImmutable: boolean;
}

export interface BuiltPage {
  readonly html: string;
  /** Its other files, by their paths. */
  readonly files: ReadonlyMap<string, PageFile>;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The built page. Its files are a handful, so that no request ever reaches for a file system. */
export async function readPage(): Promise<BuiltPage> {
  const folder = await pageFolder();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && extname(entry.name) in CONTENT_TYPES)
    .map(async ({ parentPath, name }): Promise<[string, PageFile]> => {
      const file = join(parentPath, name);
      const path = file.slice(folder.length).replaceAll("\\", "/");
      const contentType = CONTENT_TYPES[extname(name)] ?? "application/octet-stream";
      return [
        path,
        { body: new Uint8Array(await readFile(file)), contentType, isImmutable: path.startsWith("/assets/") },
      ];
    });
  return { html: await readFile(join(folder, "index.html"), "utf8"), files: new Map(await Promise.all(files)) };
}

/**
 * Beside the code, in the published package. Within the workspace nothing is built before it runs: so it is built now.
 */
async function pageFolder(): Promise<string> {
  if (!import.meta.filename.endsWith(".ts")) return join(import.meta.dirname, "page");
  const builder: { builtPage(): Promise<string> } = await import(new URL("../page/build.ts", import.meta.url).href);
  return builder.builtPage();
}
