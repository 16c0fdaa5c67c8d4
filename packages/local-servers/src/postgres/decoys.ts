/**
 * Decoys: functions and operators of a stranger that PostgreSQL prefers to its own where a statement names them without
 * their schema. They stand in `public` and fit the types of a call exactly, where `pg_catalog` has only a polymorphic
 * signature, or one that needs an implicit cast. A decoy that runs is counted, and fails its statement.
 */
import pg from "pg";
import type { PostgresServer } from "./postgres.ts";

/** The types of Rivet Memory's columns, of its parameters, and of what it computes from them. */
const TYPES = [
  ..."text uuid jsonb json bool int2 int4 int8 numeric float8 timestamptz timestamp interval bit varbit bytea".split(
    " ",
  ),
  ..."name oid regclass tid text[] uuid[] jsonb[] int4[] timestamptz[]".split(" "),
];

/** Operators that take other operands than times and numbers of all kinds; statements use no others. */
const OPERATORS = "= <> < > <= >= + - * / % || # -> ->> ~".split(" ");

/** Finds the names of the functions that texts of SQL call with their schema. */
export function functionsCalledIn(texts: readonly string[]): string[] {
  const names = texts.flatMap((text) => [...text.matchAll(/pg_catalog\.(\w+)\(/g)].map(([, name = ""]) => name));
  return [...new Set(names)].toSorted();
}

/**
 * Lets everybody create objects in `public`, as PostgreSQL 14 does, and plants decoys there as a role that may do
 * nothing else: for each of the functions, and for each operator that takes two of the types above.
 *
 * @returns how many functions and operators there are.
 */
export async function plantDecoys(
  server: PostgresServer,
  functions: readonly string[],
  database = "postgres",
): Promise<{ functions: number; operators: number }> {
  const role = pg.escapeIdentifier(`stranger of ${database}`);
  const client = new pg.Client({ connectionString: server.url(database) });
  await client.connect();
  try {
    await client.query(`GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE ROLE ${role}; SET ROLE ${role}`);
    await client.query(COUNTER);
    const { rows } = await client.query(PLANT, [functions, TYPES, OPERATORS]);
    return { functions: Number(rows[0].functions), operators: Number(rows[0].operators) };
  } finally {
    await client.end();
  }
}

/** Returns the number of times that decoys ran. */
export async function decoyRuns(server: PostgresServer, database = "postgres"): Promise<number> {
  const [row] = await server.query("SELECT last_value FROM public.decoy_runs WHERE is_called", [], database);
  return Number(row?.["last_value"] ?? 0);
}

/** The counter is a sequence, because a sequence keeps its value when a transaction is rolled back. */
const COUNTER = `
CREATE SEQUENCE public.decoy_runs;
GRANT USAGE ON SEQUENCE public.decoy_runs TO PUBLIC;
CREATE FUNCTION pg_temp.plant(name text, types regtype[], result text) RETURNS boolean LANGUAGE plpgsql AS $plant$
BEGIN
  EXECUTE pg_catalog.format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', name,
    pg_catalog.array_to_string(types, ', '), result, pg_catalog.format('BEGIN PERFORM pg_catalog.nextval(''public.decoy_runs'');
      RAISE EXCEPTION %L; END', 'the decoy ' || name || ' ran'));
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  -- Some types cannot be given, and some signatures come twice.
  RETURN false;
END $plant$;
CREATE FUNCTION pg_temp.plant_operator(name text, types regtype[], result text) RETURNS boolean LANGUAGE plpgsql AS $plant$
BEGIN
  PERFORM pg_temp.plant('decoy of ' || name, types, result);
  EXECUTE pg_catalog.format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.%I)', name, types[1],
    types[2], 'decoy of ' || name);
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  RETURN false;
END $plant$`;

const PLANT = `
WITH type AS (
  SELECT oid, oid AS accepted FROM (SELECT name::regtype::oid AS oid FROM unnest($2::text[]) AS given (name)) AS given
), accepted AS MATERIALIZED (
  SELECT oid, accepted, 0 AS distance FROM type
  UNION SELECT type.oid, casttarget, 1 FROM type JOIN pg_cast ON castsource = type.oid AND castcontext = 'i'
  UNION SELECT type.oid, polymorphic.oid, 1 FROM type JOIN pg_type AS of_type ON of_type.oid = type.oid
    JOIN pg_type AS polymorphic ON polymorphic.typname IN ('anyelement', 'anycompatible', 'any')
      OR polymorphic.typname IN ('anyarray', 'anycompatiblearray') AND of_type.typcategory = 'A'
      OR polymorphic.typname IN ('anynonarray', 'anycompatiblenonarray') AND of_type.typcategory <> 'A'
), operator AS MATERIALIZED (
  SELECT oprname, oprleft, oprright, oprresult FROM pg_operator
  WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b' AND oprname = ANY ($3)
), wanted_operator AS (
  SELECT oprname, lefts.oid AS lefttype, rights.oid AS righttype, min(oprresult) AS result
  FROM operator JOIN accepted AS lefts ON lefts.accepted = oprleft JOIN accepted AS rights ON rights.accepted = oprright
  GROUP BY 1, 2, 3
  UNION
  -- A literal, or a parameter without a type, is taken for one of the other operand's type first.
  SELECT oprname, type.oid, type.oid, min(oprresult) FROM operator JOIN type ON type.oid IN (oprleft, oprright) GROUP BY 1, 2
), planted_operator AS MATERIALIZED (
  SELECT pg_temp.plant_operator(oprname, ARRAY[lefttype, righttype]::regtype[],
    CASE WHEN (SELECT typtype FROM pg_type WHERE oid = result) = 'p' THEN lefttype ELSE result END::regtype::text) AS done
  FROM wanted_operator WHERE NOT EXISTS (
    SELECT FROM operator WHERE operator.oprname = wanted_operator.oprname AND oprleft = lefttype AND oprright = righttype
  )
), called AS MATERIALIZED (
  SELECT oid, proname, ARRAY(SELECT unnest(proargtypes)) AS types, pronargs, proretset, prorettype, provariadic FROM pg_proc
  WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1) AND pronargs BETWEEN 1 AND 4
), wanted_function AS (
  -- One argument of another type than the signature's, or the same type for all that are polymorphic.
  SELECT called.oid, proname, ARRAY(
      SELECT CASE WHEN argument = accepted.accepted THEN accepted.oid ELSE argument END
      FROM unnest(types) WITH ORDINALITY AS given (argument, number) ORDER BY number
    ) AS types, proretset, prorettype, accepted.oid AS variant
  FROM called JOIN accepted ON accepted.accepted = ANY (types) AND distance = 1
  UNION
  -- The parts of a list of any length.
  SELECT called.oid, proname, array_fill('text'::regtype::oid, ARRAY[length]), proretset, prorettype, 'text'::regtype
  FROM called CROSS JOIN generate_series(1, 8) AS length WHERE provariadic <> 0
), planted_function AS MATERIALIZED (
  SELECT pg_temp.plant(proname, types::regtype[], CASE WHEN proretset THEN 'SETOF ' ELSE '' END ||
    CASE WHEN of_result.typtype <> 'p' OR of_result.typname = 'record' THEN of_result.oid
      WHEN of_result.typname LIKE '%array' OR of_variant.typelem = 0 OR of_variant.typcategory <> 'A' THEN of_variant.oid
      ELSE of_variant.typelem END::regtype::text) AS done
  FROM wanted_function JOIN pg_type AS of_result ON of_result.oid = prorettype JOIN pg_type AS of_variant ON of_variant.oid = variant
  WHERE NOT EXISTS (SELECT FROM called WHERE called.proname = wanted_function.proname AND called.types = wanted_function.types)
)
SELECT (SELECT count(*) FROM planted_operator WHERE done) AS operators,
  (SELECT count(*) FROM planted_function WHERE done) AS functions`;
