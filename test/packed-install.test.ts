import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres, startSupabase } from "@rivet/local-servers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { footprintOf } from "../benchmarks/src/install/footprint.ts";
import { runWell } from "./child-process.ts";
import { codeBlocks } from "./readme-code.ts";

const root = join(import.meta.dirname, "..");
const pnpm = ["-y", JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager];

const IN_MEMORY = ["memory-core", "memory-inmemory"];
const SQLITE = ["memory-core", "memory-sqlite"];
const CONSOLE = ["memory-console", ...SQLITE];
const POSTGRES = ["db-manager", "memory-core", "memory-postgres", "postgres-schema"];
const SUPABASE = ["memory-core", "memory-supabase", "postgres-schema"];

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-packed-"));
  const filters = [
    "--filter=@rivet/memory-console",
    "--filter=@rivet/memory-inmemory",
    "--filter=@rivet/memory-sqlite",
    "--filter=@rivet/memory-postgres",
    "--filter=@rivet/memory-supabase",
  ];
  await runWell("npx", [...pnpm, "exec", "turbo", "run", "build", ...filters], root);
  for (const name of new Set([...IN_MEMORY, ...CONSOLE, ...POSTGRES, ...SUPABASE])) {
    await runWell("npx", [...pnpm, "pack", "--pack-destination", folder], join(root, "packages", name));
  }
  await installIn("inmemory", IN_MEMORY);
  await installIn("sqlite", SQLITE);
  await installIn("console", CONSOLE);
  await installIn("postgres", POSTGRES);
  await installIn("supabase", SUPABASE);
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function installIn(project: string, names: readonly string[]): Promise<void> {
  const place = join(folder, project);
  await mkdir(place);
  await writeFile(join(place, "package.json"), JSON.stringify({ name: "newcomer", type: "module" }));
  const tarballs = names.flatMap((name) => globSync(`rivet-${name}-*.tgz`, { cwd: folder }));
  await runWell("npm", ["install", "--no-audit", "--no-fund", ...tarballs.map((file) => join(folder, file))], place);
}

describe("the packed core and in-memory packages in an empty project", () => {
  it("remember, as two packages of less than a megabyte", { timeout: 60_000 }, async () => {
    const project = join(folder, "inmemory");
    const code = `
      import { Session } from "@rivet/memory-core";
      import { InMemoryStorage } from "@rivet/memory-inmemory";
      const session = new Session({ userId: "ada", storage: new InMemoryStorage() });
      session.addUserMessage("hello");
      console.log((await session.save()).written);`;
    await writeFile(join(project, "save.mjs"), code);
    expect(await runWell(process.execPath, ["save.mjs"], project)).toBe("2\n");
    const { packages, bytes } = footprintOf(
      IN_MEMORY.map((name) => `@rivet/${name}`),
      project,
    );
    expect(packages).toBe(2);
    expect(bytes).toBeLessThan(1_000_000);
  });
});

describe("the packed core and SQLite packages in an empty project", () => {
  it("run the README's ten lines, and remember them in the next process", { timeout: 60_000 }, async () => {
    const project = join(folder, "sqlite");
    const [tenLines = ""] = codeBlocks(join(root, "README.md"));
    await writeFile(join(project, "ten-lines.ts"), tenLines);
    const first = await runWell(process.execPath, ["ten-lines.ts"], project);
    const second = await runWell(process.execPath, ["ten-lines.ts"], project);
    expect(first.trim().split("\n")).toHaveLength(2);
    expect(second).toBe(first + first);
  });

  it("bring nothing of another backend along", async () => {
    const modules = join(folder, "sqlite", "node_modules");
    expect((await readdir(join(modules, "@rivet"))).toSorted()).toEqual(SQLITE);
    const installed = await readdir(modules);
    expect(installed).toContain("better-sqlite3");
    for (const foreign of ["pg", "@supabase", "sorted-btree", "fast-check"]) expect(installed).not.toContain(foreign);
  });

  it("name the install command for a backend that is not there", { timeout: 60_000 }, async () => {
    const project = join(folder, "sqlite");
    const code = `
      import { openStorage } from "@rivet/memory-core";
      try { await openStorage("memory:"); } catch (error) { console.log(error.code, error.message); }`;
    await writeFile(join(project, "missing.mjs"), code);
    const output = await runWell(process.execPath, ["missing.mjs"], project);
    expect(output).toContain("npm install @rivet/memory-inmemory");
  });
});

describe("the packed console in an empty project", () => {
  it("shows its page, which is in the package", { timeout: 60_000 }, async () => {
    const project = join(folder, "console");
    const code = `
      import { SQLiteStorage } from "@rivet/memory-sqlite";
      import { startConsole } from "@rivet/memory-console";
      const storage = new SQLiteStorage(":memory:");
      const shown = await startConsole({ storage });
      const opened = await fetch(shown.url, { redirect: "manual" });
      const headers = { cookie: opened.headers.get("set-cookie").split(";")[0] };
      const page = await (await fetch(shown.origin, { headers })).text();
      const [script] = /assets\\/[^"]+\\.js/.exec(page);
      console.log((await fetch(shown.origin + "/" + script, { headers })).status);
      await shown.close();
      await storage.close();`;
    await writeFile(join(project, "look.mjs"), code);
    expect(await runWell(process.execPath, ["look.mjs"], project)).toBe("200\n");
    const help = await runWell(join("node_modules", ".bin", "rivet-memory-console"), ["--help"], project);
    expect(help).toContain("--write");
  });

  it("brings no front-end tool along", async () => {
    const installed = await readdir(join(folder, "console", "node_modules"));
    expect(installed).toContain("hono");
    for (const tool of ["react", "vite", "playwright-core"]) expect(installed).not.toContain(tool);
  });
});

describe("the packed PostgreSQL packages in an empty project", () => {
  it("run the README's ten lines with one line changed, and remember them", { timeout: 60_000 }, async () => {
    const project = join(folder, "postgres");
    await using server = await startPostgres();
    const [tenLines = ""] = codeBlocks(join(root, "README.md"));
    const changed = tenLines
      .replace(
        'import { SQLiteStorage } from "@rivet/memory-sqlite";',
        'import { PostgresMemoryStorage } from "@rivet/memory-postgres";',
      )
      .replace(
        'new SQLiteStorage("agent.db")',
        `new PostgresMemoryStorage({ connectionString: ${JSON.stringify(await server.createDatabase())} })`,
      );
    expect(changed).not.toContain("SQLite");
    await writeFile(join(project, "ten-lines.ts"), changed);
    const first = await runWell(process.execPath, ["ten-lines.ts"], project);
    const second = await runWell(process.execPath, ["ten-lines.ts"], project);
    expect(first.trim().split("\n")).toHaveLength(2);
    expect(second).toBe(first + first);
  });

  it("say what to install for a local journal, when they are opened", { timeout: 60_000 }, async () => {
    const project = join(folder, "postgres");
    await using server = await startPostgres();
    const code = `
      import { PostgresMemoryStorage } from "@rivet/memory-postgres";
      const connectionString = ${JSON.stringify(await server.createDatabase())};
      const storage = new PostgresMemoryStorage({ connectionString, local: "journal.db" });
      try { await storage.open(); } catch (error) { console.log(error.code, error.message); }
      await storage.close();`;
    await writeFile(join(project, "journal.mjs"), code);
    const output = await runWell(process.execPath, ["journal.mjs"], project);
    expect(output).toContain("schema the local journal needs @rivet/memory-sqlite");
    expect(output).toContain("npm install @rivet/memory-sqlite");
  });

  it("bring nothing of another backend along, and ship their SQL", async () => {
    const modules = join(folder, "postgres", "node_modules");
    expect((await readdir(join(modules, "@rivet"))).toSorted()).toEqual(POSTGRES);
    const installed = await readdir(modules);
    expect(installed).toContain("pg");
    for (const foreign of ["better-sqlite3", "@supabase", "sorted-btree", "@opentelemetry"])
      expect(installed).not.toContain(foreign);
    expect(globSync("sql/*.sql", { cwd: join(modules, "@rivet", "postgres-schema") })).not.toEqual([]);
  });
});

describe("the packed Supabase packages in an empty project", () => {
  it(
    "run the README's ten lines with one line changed, on the migration that they ship",
    { timeout: 60_000 },
    async () => {
      const place = join(folder, "supabase");
      await using project = await startSupabase();
      const migrations = join(place, "node_modules", "@rivet", "memory-supabase", "supabase", "migrations");
      for (const file of globSync("*.sql", { cwd: migrations })) {
        await project.apply(readFileSync(join(migrations, file), "utf8"));
      }
      await project.postgrest.restart();
      const [tenLines = ""] = codeBlocks(join(root, "README.md"));
      const { url, keys } = project;
      const changed = tenLines
        .replace(
          'import { SQLiteStorage } from "@rivet/memory-sqlite";',
          'import { SupabaseMemoryStorage } from "@rivet/memory-supabase";',
        )
        .replace(
          'new SQLiteStorage("agent.db")',
          `new SupabaseMemoryStorage(${JSON.stringify({ url, key: keys.secret })})`,
        );
      expect(changed).not.toContain("SQLite");
      await writeFile(join(place, "ten-lines.ts"), changed);
      const first = await runWell(process.execPath, ["ten-lines.ts"], place);
      const second = await runWell(process.execPath, ["ten-lines.ts"], place);
      expect(first.trim().split("\n")).toHaveLength(2);
      expect(second).toBe(first + first);
    },
  );

  it("bring nothing of another backend along", async () => {
    const modules = join(folder, "supabase", "node_modules");
    expect((await readdir(join(modules, "@rivet"))).toSorted()).toEqual(SUPABASE);
    const installed = await readdir(modules);
    expect(installed).toContain("@supabase");
    for (const foreign of ["better-sqlite3", "pg", "sorted-btree"]) expect(installed).not.toContain(foreign);
  });
});
