/**
 * The names in SQL. PostgreSQL looks for a function in every schema of the path, and takes the one that fits the types
 * best, whoever made it; for a type it looks in the temporary schema first. So statements name the schema `pg_catalog`.
 */
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { sharedServer } from "@rivet/local-servers";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const PACKAGES = ["db-manager", "memory-cli", "memory-postgres", "memory-supabase", "postgres-schema"];
const server = sharedServer({ beforeAll, afterAll });

/** Syntax of SQL that has the name of a function or a type, and always means that of `pg_catalog`. */
const SYNTAX = new Set([
  "extract",
  "position",
  "substring",
  "overlay",
  "trim",
  "coalesce",
  "nullif",
  "exists",
  "row",
  "bit",
]);

interface Text {
  readonly file: string;
  readonly text: string;
}

/** The texts in the sources, without SQL's comments. */
function readTexts(): Text[] {
  const files = PACKAGES.flatMap((name) => globSync(join(root, "packages", name, "src/**/*.ts")));
  return files
    .filter((file) => !file.endsWith("doctor/sqlite.ts"))
    .flatMap((file) => {
      const found: Text[] = [];
      const visit = (node: ts.Node): void => {
        if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
          found.push({ file: relative(root, file), text: node.text.replaceAll(/--.*$/gm, "") });
        }
        ts.forEachChild(node, visit);
      };
      visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest));
      return found;
    });
}

const TEXTS = readTexts();

function matches(from: readonly Text[], pattern: RegExp): string[] {
  return from.flatMap(({ file, text }) => [...text.matchAll(pattern)].map(([match]) => `${file}: ${match}`));
}

/** Their functions have a search path of their own, and whoever applies the migration has made its temporary schema. */
const isDirect = ({ file }: Text): boolean => !file.startsWith("packages/memory-supabase/");

describe("SQL in the packages", () => {
  it("calls no function of PostgreSQL without its schema", async () => {
    const rows = await server().query(
      "SELECT DISTINCT proname::text AS name FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace",
    );
    const known = new Set(rows.map(({ name }) => String(name)));
    const calls = TEXTS.flatMap(({ file, text }) =>
      [...text.matchAll(/(?<![\w."$])([a-z_][a-z0-9_]*)\(/g)]
        .map(([, name = ""]) => name)
        .filter((name) => known.has(name) && !SYNTAX.has(name))
        .map((name) => `${file}: ${name}(`),
    );
    expect(calls).toEqual([]);
    expect(matches(TEXTS, /pg_catalog\.\w+\(/g).length).toBeGreaterThan(100);
  });

  it("casts to no type by a name that a temporary schema could have", () => {
    const direct = TEXTS.filter(isDirect);
    expect(matches(direct, /::(text|uuid|jsonb?|timestamptz|timestamp|bytea|name|oid|regclass|regtype)\b/g)).toEqual(
      [],
    );
    expect(matches(direct, /::pg_catalog\.\w+/g).length).toBeGreaterThan(20);
  });

  it("reads the catalog and compares texts by names with their schema", () => {
    expect(matches(TEXTS, /\b(FROM|JOIN)\s+pg_(?!catalog)\w+/g)).toEqual([]);
    expect(
      matches(
        TEXTS.filter(({ file }) => file.startsWith("packages/memory-postgres/")),
        /COLLATE "/g,
      ),
    ).toEqual([]);
  });
});
