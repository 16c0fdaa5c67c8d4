import fc from "fast-check";
import { validate, version } from "uuid";
import { describe, expect, it } from "vitest";
import { judgeAtomId, lastIdWithinLead, MAX_ID_LEAD_MS } from "../src/atom/atom-id.ts";
import { AtomClock, atomIdTimeMs, isAtomId, NIL_ID } from "../src/index.ts";

const NOW_MS = Date.UTC(2025, 2, 4, 6, 12, 44);
const MAX_SEQUENCE = 0xffff_ffff;

/** A clock whose wall time the test sets. */
function clockAt(startMs: number): { clock: AtomClock; setTime: (timeMs: number) => void } {
  let timeMs = startMs;
  return { clock: new AtomClock({ now: () => timeMs }), setTime: (next) => (timeMs = next) };
}

/** An id with the given time and counter, written by hand from RFC 9562. */
function idOf(timeMs: number, sequence: number): string {
  const time = timeMs.toString(16).padStart(12, "0");
  const high = Math.floor(sequence / 0x10_0000);
  const low = sequence % 0x10_0000;
  const randomA = high.toString(16).padStart(3, "0");
  const randomB = (0x8000 + (low >>> 6)).toString(16);
  const rest = ((low & 0x3f) << 2).toString(16).padStart(2, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomA}-${randomB}-${rest}0000000000`;
}

const MAX_TIME_MS = 2 ** 48 - 1;

/** Often the same millisecond as others, or about as far ahead of it as ids may be. */
const anyTimeMs = fc.oneof(
  fc.integer({ min: 0, max: MAX_TIME_MS }),
  fc.integer({ min: NOW_MS - 2, max: NOW_MS + 2 }),
  fc.integer({ min: NOW_MS + MAX_ID_LEAD_MS - 2, max: NOW_MS + MAX_ID_LEAD_MS + 2 }),
);
const anySequence = fc.oneof(
  fc.integer({ min: 0, max: MAX_SEQUENCE }),
  fc.integer({ min: 0, max: 3 }),
  fc.constant(MAX_SEQUENCE),
);
const anyId = fc.tuple(anyTimeMs, anySequence).map(([timeMs, sequence]) => idOf(timeMs, sequence));

describe("AtomClock", () => {
  it("mints UUIDs of version 7 with the wall time in them", () => {
    const { clock } = clockAt(NOW_MS);
    const id = clock.next();
    expect(validate(id)).toBe(true);
    expect(version(id)).toBe(7);
    expect(isAtomId(id)).toBe(true);
    expect(atomIdTimeMs(id)).toBe(NOW_MS);
    expect(clock.wallTimeMs()).toBe(NOW_MS);
  });

  it("mints ascending ids within one millisecond", () => {
    const { clock } = clockAt(NOW_MS);
    const ids = Array.from({ length: 5_000 }, () => clock.next());
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.map(atomIdTimeMs)).toEqual(ids.map(() => NOW_MS));
  });

  it("mints ascending ids while the wall clock jumps at will within a day and ids are observed", () => {
    const step = fc.oneof(
      fc.integer({ min: 0, max: MAX_ID_LEAD_MS }).map((backMs) => ({ timeMs: NOW_MS - backMs })),
      anyId.map((observed) => ({ observed })),
      fc.constant({}),
    );
    fc.assert(
      fc.property(fc.array(step), (steps: { timeMs?: number; observed?: string }[]) => {
        const { clock, setTime } = clockAt(NOW_MS);
        let wallMs = NOW_MS;
        let greatest = clock.next();
        for (const { timeMs, observed } of steps) {
          if (timeMs !== undefined) setTime((wallMs = Math.max(timeMs, atomIdTimeMs(greatest) - MAX_ID_LEAD_MS)));
          if (observed !== undefined) {
            clock.observe(observed);
            const isLast = observed.startsWith(idOf(wallMs + MAX_ID_LEAD_MS, MAX_SEQUENCE).slice(0, 25));
            if (observed > greatest && judgeAtomId(observed, wallMs) === "good" && !isLast) greatest = observed;
          }
          const id = clock.next();
          expect(id > greatest).toBe(true);
          greatest = id;
        }
      }),
    );
  });

  it("mints ids that may enter, whatever it observes and however far its wall clock jumps", () => {
    const step = fc.record({
      timeMs: fc.oneof(anyTimeMs, fc.double()),
      observed: fc.oneof(anyId, fc.uuid(), fc.string()),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { clock, setTime } = clockAt(NOW_MS);
        const minted = new Set<string>();
        for (const { timeMs, observed } of steps) {
          setTime(timeMs);
          clock.observe(observed);
          const id = clock.next();
          expect(judgeAtomId(id, timeMs)).toBe("good");
          minted.add(id);
        }
        expect(minted.size).toBe(steps.length);
      }),
    );
  });

  it.each([
    ["a millisecond further ahead than a day", idOf(NOW_MS + MAX_ID_LEAD_MS + 1, 0)],
    ["of the year 9999", idOf(Date.UTC(9999, 11, 31), 0)],
    ["with the greatest time and counter of all", "ffffffff-ffff-7fff-bfff-ffffffffffff"],
    ["that is no UUID", "zzzzzzzz-zzzz-7zzz-bzzz-zzzzzzzzzzzz"],
    ["that is no UUIDv7", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
  ])("is not moved by an id %s", (_, id) => {
    const { clock } = clockAt(NOW_MS);
    clock.observe(id);
    expect(clock.next().slice(0, 25)).toBe(idOf(NOW_MS, 0).slice(0, 25));
  });

  it("follows an id that is a day ahead", () => {
    const { clock } = clockAt(NOW_MS);
    clock.observe(idOf(NOW_MS + MAX_ID_LEAD_MS, 7));
    expect(clock.next().slice(0, 25)).toBe(idOf(NOW_MS + MAX_ID_LEAD_MS, 8).slice(0, 25));
  });

  it("follows a wall clock that was set back by more than a day", () => {
    const { clock, setTime } = clockAt(NOW_MS + 2 * MAX_ID_LEAD_MS);
    clock.next();
    setTime(NOW_MS);
    expect(clock.next().slice(0, 25)).toBe(idOf(NOW_MS, 0).slice(0, 25));
  });

  it("refuses to mint an id after the last one that 48 bits of time hold", () => {
    const { clock } = clockAt(MAX_TIME_MS + 1);
    clock.observe(idOf(MAX_TIME_MS, MAX_SEQUENCE - 1));
    expect(clock.next().slice(0, 25)).toBe(idOf(MAX_TIME_MS, MAX_SEQUENCE).slice(0, 25));
    expect(() => clock.next()).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });

  it("keeps its time when the wall clock goes backwards", () => {
    const { clock, setTime } = clockAt(NOW_MS);
    const before = clock.next();
    setTime(NOW_MS - 60_000);
    const after = clock.next();
    expect(after > before).toBe(true);
    expect(atomIdTimeMs(after)).toBe(NOW_MS);
  });

  it("takes the wall time again once it has caught up", () => {
    const { clock, setTime } = clockAt(NOW_MS);
    clock.observe(idOf(NOW_MS + 5, 3));
    setTime(NOW_MS + 6);
    expect(atomIdTimeMs(clock.next())).toBe(NOW_MS + 6);
  });

  it("sorts after an observed id of the same millisecond and counter but greater random bits", () => {
    const { clock } = clockAt(NOW_MS);
    const observed = idOf(NOW_MS, 0).slice(0, -10) + "ffffffffff";
    clock.observe(observed);
    expect(clock.next() > observed).toBe(true);
  });

  it("is not moved by an earlier id of its own millisecond", () => {
    const { clock } = clockAt(NOW_MS);
    const ids = [clock.next(), clock.next()];
    for (const id of ids) clock.observe(id);
    clock.observe(ids[0] ?? "");
    expect(clock.next().slice(0, 25)).toBe(idOf(NOW_MS, 2).slice(0, 25));
  });

  it("is not moved by an id that is older than its own", () => {
    const { clock } = clockAt(NOW_MS);
    clock.next();
    clock.observe(idOf(NOW_MS - 1, MAX_SEQUENCE));
    const next = clock.next();
    expect(next.slice(0, 25)).toBe(idOf(NOW_MS, 1).slice(0, 25));
  });

  it("moves its time on by one millisecond when the counter runs over", () => {
    const { clock } = clockAt(NOW_MS);
    clock.observe(idOf(NOW_MS, MAX_SEQUENCE));
    const next = clock.next();
    expect(next > idOf(NOW_MS, MAX_SEQUENCE)).toBe(true);
    expect(atomIdTimeMs(next)).toBe(NOW_MS + 1);
  });

  it("counts across the border of the two fields that hold the counter", () => {
    const { clock } = clockAt(NOW_MS);
    clock.observe(idOf(NOW_MS, 0xf_ffff));
    expect(clock.next().slice(0, 25)).toBe(idOf(NOW_MS, 0x10_0000).slice(0, 25));
  });

  it("takes its random bits from the source that it was given", () => {
    const mint = (): string => new AtomClock({ now: () => NOW_MS, random: () => new Uint8Array(16).fill(7) }).next();
    expect(mint()).toBe(mint());
    const free = new AtomClock({ now: () => NOW_MS }).next();
    expect(free).not.toBe(new AtomClock({ now: () => NOW_MS }).next());
  });
});

describe("judgeAtomId", () => {
  it("calls an id ahead exactly when it is greater than the last one within the lead", () => {
    fc.assert(
      fc.property(anyId, fc.oneof(anyTimeMs, fc.double()), (id, nowMs) => {
        expect(judgeAtomId(id, nowMs)).toBe(id > lastIdWithinLead(nowMs) ? "ahead" : "good");
      }),
    );
  });

  it.each([NIL_ID, "", "0195A7C2-4F3E-7B10-8A55-3C0D9E6F1A20"])("calls %j malformed", (id) => {
    expect(judgeAtomId(id, NOW_MS)).toBe("malformed");
  });
});

describe("isAtomId", () => {
  it.each([
    ["the nil UUID", NIL_ID],
    ["a UUID of another version", "7d444840-9dc0-41d1-b245-5ffdce74fad2"],
    ["another variant", "0195a7c2-4f3e-7b10-ca55-3c0d9e6f1a20"],
    ["upper case", "0195A7C2-4F3E-7B10-8A55-3C0D9E6F1A20"],
    ["a line break after it", "0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a20\n"],
    ["braces around it", "{0195a7c2-4f3e-7b10-8a55-3c0d9e6f1a20}"],
    ["an empty string", ""],
  ])("refuses %s", (_, text) => {
    expect(isAtomId(text)).toBe(false);
  });
});
