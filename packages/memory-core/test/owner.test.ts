import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOfTombstone, encodeText, isConcerned, isOwner, ownerOf, UNKNOWN_OWNER } from "../src/index.ts";

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("the owner of a tombstone", () => {
  it("is the SHA-256 of the user id as stores hold it, in hexadecimal digits", () => {
    expect(ownerOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (userId) => {
        const stored = encodeText(userId);
        expect(ownerOf(stored)).toBe(sha256(stored));
        expect(isOwner(ownerOf(stored))).toBe(true);
      }),
    );
  });

  it("is the same however many users are asked for in between", () => {
    const first = ownerOf("user 0");
    for (let index = 0; index < 1_500; index++) expect(ownerOf(`user ${index}`)).toBe(sha256(`user ${index}`));
    expect(ownerOf("user 0")).toBe(first);
  });

  it("concerns its user alone; one that is not known concerns everybody", () => {
    expect(isConcerned(ownerOf("ada"), "ada")).toBe(true);
    expect(isConcerned(ownerOf("ada"), "bob")).toBe(false);
    expect(isConcerned(UNKNOWN_OWNER, "bob")).toBe(true);
  });

  it.each(["ADA", "ba78", `${"a".repeat(63)}A`, "a".repeat(65)])("is no text such as %j", (text) => {
    expect(isOwner(text)).toBe(false);
  });
});

describe("the digest of a tombstone", () => {
  it("is half of the SHA-256 of the bytes of its id and its owner, in the form of a UUID", () => {
    const id = "01990000-0000-7000-8000-00000000abcd";
    for (const owner of [ownerOf("ada"), UNKNOWN_OWNER]) {
      const expected = sha256(Buffer.from(id.replaceAll("-", "") + owner, "hex")).slice(0, 32);
      expect(digestOfTombstone({ id, owner }).replaceAll("-", "")).toBe(expected);
    }
  });
});
