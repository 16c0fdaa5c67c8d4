import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Session, type SessionSummary } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { startConsole, type PanelState, type RunningConsole, type StartOptions } from "../src/index.ts";
import type { ProviderManager } from "../src/reading/storage.ts";
import type { AtomPage, Opening, SessionPage } from "../src/wire.ts";
import { HOSTILE_TEXT, PNG_BASE64, saveHostileStory, saveStory } from "./stories.ts";

async function start(
  options: Partial<StartOptions> = {},
): Promise<{ shown: RunningConsole; storage: InMemoryStorage }> {
  const storage = new InMemoryStorage();
  const shown = await startConsole({ storage, ...options });
  onTestFinished(() => shown.close());
  return { storage, shown };
}

/** The header that the page sends. */
function authorization({ token }: RunningConsole): Record<string, string> {
  return { authorization: `Bearer ${encodeURIComponent(token)}` };
}

/** The cookie that the printed address gives a browser. */
async function cookieOf({ url }: RunningConsole): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function get(shown: RunningConsole, route: string): Promise<Response> {
  return fetch(`${shown.origin}/api/${route}`, { headers: authorization(shown) });
}

async function json<Body>(response: Response): Promise<Body> {
  const body: unknown = await response.json();
  return body as Body;
}

async function post(
  shown: RunningConsole,
  route: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const own = { ...authorization(shown), origin: shown.origin, "content-type": "application/json" };
  return fetch(`${shown.origin}/api/${route}`, {
    method: "POST",
    headers: { ...own, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("the address", () => {
  it("opens with its token, and gives a cookie that no script can read and that does not hold it", async () => {
    const { shown } = await start();
    const response = await fetch(shown.url);
    expect(response.headers.get("set-cookie")).toMatch(
      /^rivet-console-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(response.headers.get("set-cookie")).not.toContain(shown.token);
    expect(await response.text()).not.toContain(shown.token);
  });

  it.each([["read"], ["write"]])(
    "lets nobody %s with the cookie alone, which every port of this machine is sent",
    async (use) => {
      const { shown, storage } = await start({ write: true });
      const session = await saveStory(storage);
      const headers = { cookie: await cookieOf(shown), origin: shown.origin, "content-type": "application/json" };
      const body = JSON.stringify({ userId: session.userId });
      const requests = {
        read: ["opening", "sessions", "live", `atoms?session=${session.sessionId}`].map((route) => ({
          route,
          init: { headers },
        })),
        write: ["write/erase-user", "write/delete-session", "panel"].map((route) => ({
          route,
          init: { headers, body, method: "POST" },
        })),
      };
      for (const { route, init } of requests[use === "read" ? "read" : "write"]) {
        const response = await fetch(`${shown.origin}/api/${route}`, init);
        expect(response.status, route).toBe(401);
        expect(await response.text()).not.toContain("Centrifuge");
      }
      const page = await (await fetch(shown.origin, { headers })).text();
      expect(page).not.toContain("Centrifuge");
      expect(await storage.loadSession(session.sessionId)).not.toBeNull();
    },
  );

  it("opens with a token of any characters", async () => {
    const { shown } = await start({ token: "Schlüssel & Co/%" });
    expect((await get(shown, "sessions")).status).toBe(200);
    expect((await fetch(shown.url)).status).toBe(200);
  });

  it.each([
    "/",
    "/?token=wrong",
    "/?token=",
    "/api/sessions",
    "/api/live",
    "/api/nothing",
    "/favicon.svg",
    "/assets/x.js",
  ])("shows nothing at %s without the token", async (path) => {
    const { shown } = await start();
    const response = await fetch(shown.origin + path, { redirect: "manual" });
    expect(response.status).toBe(401);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("does not open with the cookie of another console", async () => {
    const { shown } = await start();
    const { shown: other } = await start();
    const [, value = ""] = (await cookieOf(other)).split("=");
    const name = `rivet-console-${new URL(shown.origin).port}`;
    const response = await fetch(shown.origin, { headers: { cookie: `${name}=${value}` } });
    expect(response.status).toBe(401);
  });

  it("has no empty token, which would let everybody in", async () => {
    await expect(start({ token: "" })).rejects.toThrow("options.token is empty");
  });

  it("has another token each time", async () => {
    const { shown } = await start();
    const { shown: other } = await start();
    expect(shown.token).toHaveLength(43);
    expect(shown.token).not.toBe(other.token);
  });
});

/** A storage whose calls take as long as a test lets them. */
class SlowStorage extends InMemoryStorage {
  readonly #answer: Promise<void>;

  constructor(answer: Promise<void>) {
    super();
    this.#answer = answer;
  }

  override async listSessions(...query: Parameters<InMemoryStorage["listSessions"]>): Promise<SessionSummary[]> {
    await this.#answer;
    return super.listSessions(...query);
  }
}

describe("the page", () => {
  /** The page, and what it came with. */
  async function opening(shown: RunningConsole): Promise<{ response: Response; html: string; opening: Opening }> {
    const response = await fetch(shown.url);
    const html = await response.text();
    const [, text = ""] = /<script id="opening" type="application\/json">([^<]*)<\/script>/.exec(html) ?? [];
    return { response, html, opening: JSON.parse(text) };
  }

  it("comes with the first sessions, and is kept by no cache", async () => {
    const { shown, storage } = await start({ label: "here", write: true });
    await saveStory(storage);
    const { response, opening: brought } = await opening(shown);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(brought.overview).toMatchObject({ label: "here", isWritable: true });
    expect(brought.sessions).toEqual(await (await get(shown, "sessions")).json());
    expect(brought.sessions?.sessions).toHaveLength(1);
  });

  it("has no markup of what is stored", async () => {
    const { shown, storage } = await start({ label: "</script><img>" });
    await saveHostileStory(storage);
    const { html, opening: brought } = await opening(shown);
    expect(brought.sessions?.sessions[0]?.metadata["title"]).toBe(HOSTILE_TEXT);
    expect(brought.overview.label).toBe("</script><img>");
    const empty = await opening((await start()).shown);
    const tags = (text: string): number => text.split("<").length;
    expect(tags(html)).toBe(tags(empty.html));
  });

  it("comes without them from a storage that takes long, or fails", async () => {
    const slow = Promise.withResolvers<void>();
    onTestFinished(() => slow.resolve());
    const failed = Promise.reject(new Error("no"));
    failed.catch(() => undefined);
    for (const answer of [slow.promise, failed]) {
      const { shown } = await start({ storage: new SlowStorage(answer) });
      const { response, opening: brought } = await opening(shown);
      expect(response.status).toBe(200);
      expect(brought).toEqual({ overview: expect.objectContaining({ label: "storage" }) });
    }
  });
});

/** Providers of which nothing is told. */
class QuietManager extends EventEmitter implements ProviderManager {
  readonly provider = "neon";
  readonly preferred = "neon";

  getProviderStats(): {} {
    return {};
  }
}

describe("the server", () => {
  it("refuses a page of another origin, with the cookie too", async () => {
    const { shown } = await start({ write: true });
    const response = await post(shown, "write/erase-user", { userId: "ada" }, { origin: "http://evil.example" });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: "wrong_origin" } });
  });

  it("allows no markup to run, frame or load anything that is not its own", async () => {
    const { shown } = await start();
    const policy = (await get(shown, "sessions")).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|https?:|data:|blob:|\*/);
  });

  it("says what is wrong with a request", async () => {
    const { shown } = await start();
    for (const [route, message] of [
      ["sessions?limit=0", "limit must be a whole number from 1 to 1000"],
      ["sessions?before=yesterday", "before must be the id of an atom"],
      ["atoms", "session must be the key of a session"],
      ["atom?session=a", "atom must be the id of an atom"],
      ["context?session=a&maxTokens=many", "maxTokens must be a whole number"],
    ] as const) {
      const response = await get(shown, route);
      expect(response.status, route).toBe(400);
      expect(await response.text()).toContain(message);
    }
    expect((await get(shown, "session?session=nobody")).status).toBe(404);
    expect((await get(shown, "nothing")).status).toBe(404);
    expect((await post(shown, "panel", "no json")).status).toBe(404);
  });

  it("finds sessions by the beginning of their id, with the part that is always the same and without", async () => {
    const { shown, storage } = await start();
    for (const sessionId of ["session_aa1", "session_aa2", "session_ab", "aa-mine"]) {
      const session = new Session({ sessionId, userId: sessionId === "aa-mine" ? "bob" : "ada", storage });
      await session.save();
    }
    const found = async (query: string): Promise<string[]> => {
      const { sessions } = await json<SessionPage>(await get(shown, `sessions?${query}`));
      return sessions.map(({ sessionId }) => sessionId);
    };
    expect(await found("search=aa")).toEqual(["aa-mine", "session_aa1", "session_aa2"]);
    expect(await found("search=session_aa1")).toEqual(["session_aa1"]);
    expect(await found("search=aa&user=bob")).toEqual(["aa-mine"]);
    expect(await found("search=zz")).toEqual([]);
  });

  it("gives an atom with when it expires, and not after that", async () => {
    const { shown, storage } = await start();
    const fact = { sessionId: "brief", userId: "ada", memoryType: "note", content: "soon gone" };
    const expiresAt = new Date(Date.now() + 400);
    const { id } = await storage.saveMemoryAtom({ ...fact, expiresAt });
    const ask = (): Promise<Response> => get(shown, `atom?session=brief&atom=${id}`);
    expect(await (await ask()).json()).toMatchObject({ expiresAt: expiresAt.toISOString() });
    await expect.poll(async () => (await ask()).status).toBe(404);
  });

  it("gives the picture of a message as what it is, and no other data", async () => {
    const { shown, storage } = await start();
    const { sessionId } = await saveStory(storage);
    const { atoms } = await json<AtomPage>(await get(shown, `atoms?session=${sessionId}`));
    const { images, content } = atoms.find(({ images }) => images[1] !== undefined) ?? {};
    const address = images?.[1]?.replace("api/", "") ?? "";
    expect(JSON.stringify(content)).not.toContain(PNG_BASE64);
    const response = await get(shown, address);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(Buffer.from(await response.arrayBuffer()).toString("base64")).toBe(PNG_BASE64);
    expect((await get(shown, address.replace("part=1", "part=0"))).status).toBe(404);
    // A browser asks for it without the header: its address is enough, and is for this picture alone.
    const asked = (route: string): Promise<Response> => fetch(`${shown.origin}/api/${route}`);
    expect((await asked(address)).status).toBe(200);
    expect((await asked(address.replace("part=1", "part=0"))).status).toBe(401);
    expect((await asked(address.replace(/&key=.*$/, ""))).status).toBe(401);
    expect((await asked(address.replace("image?", "atom?"))).status).toBe(401);
  });

  it("mounts the routes of an application behind the same token", async () => {
    const routes = new Hono().get("/time", (context) => context.text("noon"));
    const { shown } = await start({ routes });
    expect(await (await get(shown, "app/time")).text()).toBe("noon");
    const headers = { cookie: await cookieOf(shown) };
    expect((await fetch(`${shown.origin}/api/app/time`, { headers })).status).toBe(401);
  });

  it("leaves nothing behind when its port is taken", async () => {
    const { shown } = await start();
    const storage = Object.assign(new InMemoryStorage(), { db: new QuietManager() });
    await expect(startConsole({ storage, port: Number(new URL(shown.origin).port) })).rejects.toThrow("EADDRINUSE");
    expect(storage.db.listenerCount("stateChange")).toBe(0);
  });

  it("tells what changes after one reading that took long, and asks a slow store less often", async () => {
    const startedMs: number[] = [];
    const state = async (): Promise<PanelState> => {
      startedMs.push(performance.now());
      if ([2, 4, 5].includes(startedMs.length)) await delay(150);
      return { sections: [] };
    };
    const { shown } = await start({ panel: { title: "Slow", state, act: () => undefined } });
    await get(shown, "live");
    await expect.poll(() => startedMs.length, { timeout: 10_000 }).toBe(6);
    const pause = (number: number): number => (startedMs[number] ?? Number.NaN) - (startedMs[number - 1] ?? Number.NaN);
    expect(pause(2)).toBeLessThan(1_000);
    expect(pause(5)).toBeGreaterThan(1_400);
  }, 15_000);

  it("reads once for all pages that show the same, and refuses more pages than anybody looks at", async () => {
    const answer = Promise.withResolvers<void>();
    let readings = 0;
    class WaitingStorage extends InMemoryStorage {
      override async listSessions(...query: Parameters<InMemoryStorage["listSessions"]>): Promise<SessionSummary[]> {
        readings += 1;
        await answer.promise;
        return super.listSessions(...query);
      }
    }
    const { shown } = await start({ storage: new WaitingStorage() });
    const statuses: number[] = [];
    const pages = Array.from({ length: 210 }, async () => {
      const response = await get(shown, "live");
      statuses.push(response.status);
      return response.status === 200 ? firstChunk(response) : "";
    });
    await expect.poll(() => statuses.filter((status) => status === 503)).toHaveLength(10);
    expect(readings).toBe(1);
    answer.resolve();
    const chunks = await Promise.all(pages);
    expect(chunks.filter((chunk) => chunk.includes("event: sessions"))).toHaveLength(200);
  });

  it("lets go of its port, and of those who listen, when it closes", async () => {
    const { shown } = await start();
    const live = await get(shown, "live");
    await shown.close();
    await expect(
      live.text().then(
        () => "ended",
        () => "ended",
      ),
    ).resolves.toBe("ended");
    await expect(fetch(shown.url)).rejects.toThrow();
  });
});

async function firstChunk(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  return new TextDecoder().decode(value);
}

describe("writing", () => {
  const requests = [
    ["delete-session", { session: "kept" }],
    ["erase-user", { userId: "ada" }],
    ["repair", {}],
  ] as const;

  it.each(requests)("is refused by default: %s", async (route, body) => {
    const { shown, storage } = await start();
    const session = new Session({ sessionId: "kept", userId: "ada", storage });
    await session.save();
    const response = await post(shown, `write/${route}`, body);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: "read_only" } });
    expect(await storage.loadSession("kept")).not.toBeNull();
  });

  it("deletes a session and erases a user when it is allowed", async () => {
    const { shown, storage } = await start({ write: true });
    for (const sessionId of ["one", "two"]) await new Session({ sessionId, userId: "ada", storage }).save();
    expect(await (await post(shown, "write/delete-session", { session: "one" })).json()).toEqual({ wasThere: true });
    expect(await storage.loadSession("one")).toBeNull();
    expect(await (await post(shown, "write/erase-user", { userId: "ada" })).json()).toMatchObject({ sessions: 1 });
    expect(await storage.loadSession("two")).toBeNull();
    expect((await post(shown, "write/erase-user", { userId: "" })).status).toBe(400);
    expect((await post(shown, "write/repair", {})).status).toBe(404);
  });
});
