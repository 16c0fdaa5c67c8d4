import { describe, expect, it } from "vitest";
import { isSameSecret, refusalOf, type RequestFacts } from "../src/security/access.ts";

const OWN: RequestFacts = {
  method: "GET",
  host: "127.0.0.1:4983",
  origin: undefined,
  fetchSite: "same-origin",
  fetchMode: "cors",
  remoteAddress: "127.0.0.1",
  localPort: 4_983,
};

const codeOf = (changes: Partial<RequestFacts>): string | undefined => refusalOf({ ...OWN, ...changes })?.code;

describe("a request", () => {
  it("is answered when it comes from the page itself", () => {
    expect(codeOf({})).toBeUndefined();
    expect(codeOf({ method: "POST", origin: "http://127.0.0.1:4983" })).toBeUndefined();
    expect(codeOf({ host: "localhost:4983" })).toBeUndefined();
    expect(codeOf({ host: "[::1]:4983", remoteAddress: "::1" })).toBeUndefined();
    expect(codeOf({ remoteAddress: "::ffff:127.0.0.1" })).toBeUndefined();
  });

  it("is refused when it comes from another machine", () => {
    expect(codeOf({ remoteAddress: "192.168.0.7" })).toBe("not_loopback");
    expect(codeOf({ remoteAddress: "::ffff:10.0.0.1" })).toBe("not_loopback");
  });

  it.each([
    "evil.example:4983",
    "127.0.0.1.evil.example:4983",
    "127.0.0.1:80",
    "localhost",
    "127.0.0.1:4983@evil.example",
    "",
  ])("is refused when it was meant for %j", (host) => {
    expect(codeOf({ host })).toBe("wrong_host");
  });

  it("is refused when it names no host", () => {
    expect(codeOf({ host: undefined })).toBe("wrong_host");
  });

  it.each(["http://evil.example", "null", "https://127.0.0.1:4983", "http://127.0.0.1:3000", "http://localhost:4983"])(
    "is refused when a page of %s sends it",
    (origin) => {
      expect(codeOf({ origin })).toBe("wrong_origin");
      expect(codeOf({ origin, method: "POST" })).toBe("wrong_origin");
    },
  );

  it("is refused when it would change something and says nothing of where it comes from", () => {
    expect(codeOf({ method: "POST" })).toBe("wrong_origin");
    expect(codeOf({ method: "DELETE" })).toBe("wrong_origin");
  });

  it("is refused when another page embeds it, also one of this machine, but a link may be followed", () => {
    expect(codeOf({ fetchSite: "cross-site", fetchMode: "no-cors" })).toBe("wrong_origin");
    expect(codeOf({ fetchSite: "same-site", fetchMode: "no-cors" })).toBe("wrong_origin");
    expect(codeOf({ fetchSite: "cross-site", fetchMode: "navigate" })).toBeUndefined();
  });
});

describe("a secret", () => {
  it("is the same only when it is the same", () => {
    expect(isSameSecret("secret", "secret")).toBe(true);
    expect(isSameSecret("secreT", "secret")).toBe(false);
    expect(isSameSecret("secret and more", "secret")).toBe(false);
    expect(isSameSecret("", "secret")).toBe(false);
    expect(isSameSecret(undefined, "secret")).toBe(false);
  });
});
