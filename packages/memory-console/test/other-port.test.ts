import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startConsole } from "../src/index.ts";
import { launchBrowser, type WatchedBrowser } from "./browser.ts";
import { saveStory } from "./stories.ts";

let browser: WatchedBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

interface OtherServer {
  readonly origin: string;
  readonly received: IncomingHttpHeaders[];
}

/** A server of another program of this machine, which notes what browsers send to it. */
async function startOther(html: string): Promise<OtherServer> {
  const received: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    received.push(request.headers);
    response.setHeader("Content-Type", "text/html").end(html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, received };
}

describe("a page of another port of this machine", () => {
  it("is sent nothing with which its server could read or erase what the console shows", async () => {
    const storage = new InMemoryStorage();
    const session = await saveStory(storage);
    const shown = await startConsole({ storage, write: true });
    onTestFinished(() => shown.close());
    const page = await browser.freshPage();
    await page.goto(shown.url);
    await page.getByRole("link", { name: "Centrifuge 3" }).waitFor();
    const other = await startOther("<title>other</title>");
    await page.goto(other.origin);
    // Chromium sends the cookie of the console here, as a cookie knows no port.
    const [headers = {}] = other.received;
    expect(headers.cookie).toContain("rivet-console-");
    expect(headers.authorization).toBeUndefined();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    const stolen = { cookie: headers.cookie ?? "", origin: shown.origin, "content-type": "application/json" };
    const body = JSON.stringify({ userId: session.userId });
    for (const [route, init] of [
      ["/api/sessions", { headers: stolen }],
      ["/api/opening", { headers: stolen }],
      ["/api/live", { headers: stolen }],
      ["/api/write/erase-user", { method: "POST", headers: stolen, body }],
    ] as const) {
      const response = await fetch(shown.origin + route, init);
      expect(response.status, route).toBe(401);
    }
    expect(await (await fetch(shown.origin, { headers: stolen })).text()).not.toContain("Centrifuge");
    expect(await storage.loadSession(session.sessionId)).not.toBeNull();
  });

  it("reads nothing of the console by a script of its own", async () => {
    const storage = new InMemoryStorage();
    await saveStory(storage);
    const shown = await startConsole({ storage });
    onTestFinished(() => shown.close());
    const page = await browser.strangersPage();
    await page.goto(shown.url);
    await page.getByRole("link", { name: "Centrifuge 3" }).waitFor();
    const other = await startOther("<title>other</title>");
    await page.goto(other.origin);
    const address = JSON.stringify(`${shown.origin}/api/sessions`);
    const read = await page.evaluate(`fetch(${address}, { credentials: "include" }).then((r) => r.text(), String)`);
    expect(read).not.toContain("Centrifuge");
  });
});
