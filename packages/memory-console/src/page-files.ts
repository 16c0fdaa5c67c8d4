import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";

export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Whether its name changes with its content. */
  readonly isImmutable: boolean;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The files of the built page, by their paths. There are a handful, so that no request ever reaches for a file system. */
export async function readPage(): Promise<ReadonlyMap<string, PageFile>> {
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
  const page = new Map(await Promise.all(files));
  const index = page.get("/index.html");
  if (index !== undefined) page.set("/", index);
  return page;
}

/** Beside the code, in the published package. Within the workspace nothing is built before it runs: so it is built now. */
async function pageFolder(): Promise<string> {
  if (!import.meta.filename.endsWith(".ts")) return join(import.meta.dirname, "page");
  const builder: { builtPage(): Promise<string> } = await import(new URL("../page/build.ts", import.meta.url).href);
  return builder.builtPage();
}
