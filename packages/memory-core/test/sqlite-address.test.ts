import { describe, expect, it } from "vitest";
import { sqlitePath } from "../src/index.ts";

const pathOf = (address: string): string | undefined => sqlitePath(address, () => "/home/ada");

describe("an address of SQLite", () => {
  it.each([
    ["sqlite:f.db", "f.db"],
    ["sqlite://f.db", "f.db"],
    ["sqlite://./data/f.db", "./data/f.db"],
    ["sqlite://data/f.db", "data/f.db"],
    ["sqlite:///./f.db", "./f.db"],
    ["sqlite:///../f.db", "../f.db"],
    ["sqlite:/data/f.db", "/data/f.db"],
    ["sqlite:////data/f.db", "/data/f.db"],
    ["sqlite:///C:/data/f.db", "C:/data/f.db"],
    ["sqlite:file:g.db", "g.db"],
    ["sqlite:file:./g.db", "./g.db"],
    ["sqlite:file:/data/g.db", "/data/g.db"],
    ["sqlite:file:///data/g%20h.db", "/data/g h.db"],
    ["sqlite:file://localhost/data/g.db", "/data/g.db"],
    ["file:g.db", "g.db"],
    ["sqlite:~/i.db", "/home/ada/i.db"],
    ["sqlite://~/i.db", "/home/ada/i.db"],
    ["~/i.db", "/home/ada/i.db"],
    ["sqlite::memory:", ":memory:"],
    ["sqlite://:memory:", ":memory:"],
    ["sqlite:///:memory:", ":memory:"],
    ["file::memory:", ":memory:"],
    [":memory:", ":memory:"],
    ["sqlite:", undefined],
    ["data/f.db", "data/f.db"],
    ["C:\\data\\f.db", "C:\\data\\f.db"],
    ["what?.db", "what?.db"],
    ["100%.db", "100%.db"],
    ["sqlite:my file.db", "my file.db"],
  ])("%s names %s", (address, path) => {
    expect(pathOf(address)).toBe(path);
  });

  it.each([
    ["sqlite:///data/f.db", /write sqlite:\/data\/f\.db or sqlite:data\/f\.db/],
    ["sqlite://", /has no path/],
    ["sqlite:///", /sqlite:\/\/\//],
    ["sqlite:f.db?mode=ro", /"mode"/],
    ["sqlite://f.db?cache=shared&mode=memory", /"cache", "mode"/],
    ["sqlite:file:f.db?vfs=unix", /"vfs"/],
    ["f.db?connection_limit=1", /"connection_limit"/],
    ["sqlite:f.db?", /without a parameter/],
    ["sqlite://a%20b.db", /percent escape/],
    ["sqlite:file:a%zz.db", /percent sign/],
    ["sqlite:file:a%00.db", /has no path/],
    ["sqlite:file:a#b.db", /%23/],
    ["sqlite:file://server/f.db", /host name/],
    ["sqlite://ada:secret@server/f.db", /names a server/],
    ["sqlite:~", /begins with ~/],
    ["sqlite:~bob/f.db", /begins with ~/],
    ["libsql://db.example.com", /another kind/],
    ["postgres://ada:secret@server/db", /another kind/],
    ["postgresql:secret", /another kind/],
    ["", /path of a file/],
    ["a\0b", /path of a file/],
  ])("%j is refused with what to write instead", (address, message) => {
    const refusal = expect.objectContaining({ code: "invalid_input", message: expect.stringMatching(message) });
    expect(() => pathOf(address)).toThrow(refusal);
    expect(() => pathOf(address)).not.toThrow(/secret/);
  });
});
