import { sharedServer } from "@rivet/local-servers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bitsArray,
  integerArray,
  jsonbArray,
  textArray,
  timestampArray,
  uuidArray,
} from "../src/statements/binary-arrays.ts";

const server = sharedServer({ beforeAll, afterAll });

/** The elements as the server reads them, as its own text. */
async function elementsOf(array: Buffer, type: string): Promise<unknown[]> {
  const sql = `SELECT element::text AS element FROM unnest($1::${type}[]) WITH ORDINALITY AS given (element, number) ORDER BY number`;
  return (await server().query(sql, [array])).map(({ element }) => element);
}

/** The same of times, in milliseconds since 1970. */
async function timesOf(array: Buffer): Promise<unknown[]> {
  const sql =
    "SELECT date_part('epoch', time) * 1000 AS ms FROM unnest($1::timestamptz[]) WITH ORDINALITY AS given (time, number) ORDER BY number";
  return (await server().query(sql, [array])).map(({ ms }) => ms);
}

/** Of what a Date can be. */
const LATEST_MS = 8_640_000_000_000_000;
const IDS = ["00000000-0000-0000-0000-000000000000", "0198f3a2-7c1d-7e5b-8f60-9a7b8c9d0e1f"];

describe("an array in binary form", () => {
  it("holds texts: empty ones, of any script, and long ones", async () => {
    const texts = ["", "a", 'quo"ted {,} \\ NULL', "Grüße, 你好, 👩‍🔧", "long ".repeat(100_000), "after"];
    expect(await elementsOf(textArray(texts), "text")).toEqual(texts);
  });

  it("holds JSON, which the server checks", async () => {
    const texts = ["null", '{"a": ["é", 1.50]}', '"quo\\"ted\\u001f"'];
    expect(await elementsOf(jsonbArray(texts), "jsonb")).toEqual(texts);
    await expect(elementsOf(jsonbArray(["{"]), "jsonb")).rejects.toMatchObject({ code: "22P02" });
  });

  it("holds ids, and their bits", async () => {
    expect(await elementsOf(uuidArray(IDS), "uuid")).toEqual(IDS);
    const bits = IDS.map((id) =>
      BigInt(`0x${id.replaceAll("-", "")}`)
        .toString(2)
        .padStart(128, "0"),
    );
    expect(await elementsOf(bitsArray(IDS), "bit(128)")).toEqual(bits);
  });

  it("holds integers", async () => {
    expect(await elementsOf(integerArray([0, -1, 2_147_483_647]), "integer")).toEqual(["0", "-1", "2147483647"]);
  });

  it("holds times to the millisecond, far ones, and none", async () => {
    const texts = [
      "1970-01-01T00:00:00.001Z",
      "2026-11-29T12:34:56.789Z",
      "0001-01-01T00:00:00.000Z",
      "9999-12-31T23:59:59.999Z",
    ];
    const milliseconds = [...texts.map((text) => Date.parse(text)), LATEST_MS];
    expect(await timesOf(timestampArray([...milliseconds, null]))).toEqual([...milliseconds, null]);
    expect(await timesOf(timestampArray([0.9, 1.1]))).toEqual([0, 1]);
  });

  it("holds a time that no timestamp can be, which the server says", async () => {
    await expect(timesOf(timestampArray([-LATEST_MS]))).rejects.toMatchObject({ code: "22008" });
  });

  it("may have no elements", async () => {
    expect(await elementsOf(textArray([]), "text")).toEqual([]);
  });

  it("keeps what it holds when others are made after it", async () => {
    const first = textArray(["first"]);
    for (let count = 0; count < 1_000; count += 1) textArray(["another ".repeat(100)]);
    expect(await elementsOf(first, "text")).toEqual(["first"]);
  });
});
