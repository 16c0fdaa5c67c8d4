import { DatabaseManager } from "@rivet/db-manager";
import { startPostgres, type PostgresServer } from "@rivet/local-servers";
import type { Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { PostgresMemoryStorage } from "@rivet/memory-postgres";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startConsole, type ConsolePanel, type PanelRequest, type RunningConsole } from "../src/index.ts";
import { DESKTOP, expectAccessible, launchBrowser, screenshot, type WatchedBrowser } from "./browser.ts";
import { saveStory } from "./stories.ts";

const PHONE = { width: 390, height: 844 };

let browser: WatchedBrowser;
let servers: ReadonlyMap<string, PostgresServer>;
let storage: PostgresMemoryStorage;
let session: Session;
let shown: RunningConsole;

beforeAll(async () => {
  browser = await launchBrowser();
  const started = ["neon", "railway"].map(async (name) => [name, await startPostgres()] as const);
  servers = new Map(await Promise.all(started));
  const addresses = [...servers].map(async ([name, server]) => ({
    name,
    connectionString: await server.createDatabase(),
  }));
  const db = new DatabaseManager({ providers: await Promise.all(addresses) });
  storage = new PostgresMemoryStorage({ db, local: false });
  session = await saveStory(storage);
  shown = await startConsole({ storage, label: "postgres:", write: true, panel: panelOf(servers, session) });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await shown.close();
  await storage.close();
  await storage.db.close();
  await Promise.all([...servers.values()].map((server) => server[Symbol.asyncDispose]()));
});

/** Servers to kill and to start, and a conversation that goes on. */
function panelOf(servers: ReadonlyMap<string, PostgresServer>, session: Session): ConsolePanel {
  const running = new Set(servers.keys());
  const act = async (request: PanelRequest): Promise<void> => {
    if (request.type === "prompt") {
      session.addUserMessage(request.text);
      await session.save();
      return;
    }
    const [verb, name = ""] = request.id.split(" ");
    if (verb === "refuse") throw new Error("not today");
    await (verb === "kill" ? servers.get(name)?.stop("kill") : servers.get(name)?.start());
    if (verb === "kill") running.delete(name);
    else running.add(name);
  };
  return {
    title: "Servers",
    sessionId: session.sessionId,
    act,
    state: () => ({
      sections: [...servers.keys()].map((name) => ({
        title: name,
        status: running.has(name) ? "running" : "killed",
        tone: running.has(name) ? "good" : "bad",
        actions: [
          { id: `kill ${name}`, label: "Kill", isDisabled: !running.has(name) },
          { id: `start ${name}`, label: "Start", isDisabled: running.has(name) },
          { id: `refuse ${name}`, label: "Refuse" },
        ],
      })),
      prompt: { label: "Message" },
    }),
  };
}

async function open(view: string): Promise<Page> {
  const page = await browser.freshPage();
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESKTOP);
  await page.goto(shown.url);
  await page.goto(`${shown.origin}/#/${view}`);
  return page;
}

/** The view as it is when it has everything to show. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  sessions: (page) => page.getByRole("link", { name: "Centrifuge 3" }).waitFor(),
  session: async (page) => {
    await page.getByText("Three stops without a trip").waitFor();
    await page.locator("details").filter({ hasText: "read_parameters" }).locator("summary").click();
  },
  providers: async (page) => {
    await page.getByRole("article", { name: "Provider neon" }).waitFor();
    await page.getByRole("cell", { name: "equal" }).first().waitFor();
  },
  panel: (page) => page.getByRole("button", { name: "Kill neon" }).waitFor(),
};

describe("every view", () => {
  for (const [view, isReady] of Object.entries(VIEWS)) {
    it(`can be used by everyone, in light and dark: ${view}`, { timeout: 120_000 }, async () => {
      const fragment = view === "session" ? `sessions/${session.sessionId}` : view;
      const page = await open(fragment);
      await isReady(page);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await screenshot(page, `${view}-${colorScheme}`);
        await expectAccessible(page);
      }
    });

    it(`fits a phone: ${view}`, async () => {
      const page = await open(view === "session" ? `sessions/${session.sessionId}` : view);
      await isReady(page);
      await page.setViewportSize(PHONE);
      await screenshot(page, `${view}-phone`);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
    });
  }

  it("says that a storage without providers has none", async () => {
    const plain = await startConsole({ storage: new InMemoryStorage(), label: "memory:" });
    onTestFinished(() => plain.close());
    const page = await browser.freshPage();
    await page.goto(plain.url);
    await page.getByRole("link", { name: "Providers" }).click();
    await page.getByText("One store, and no providers").waitFor();
    await expectAccessible(page);
  });
});

describe("an atom", () => {
  it("is shown with the providers that hold it", async () => {
    const page = await open(`sessions/${session.sessionId}`);
    const decision = page.getByRole("article").filter({ hasText: "Switch on dynamic braking" }).first();
    await decision.getByRole("button", { name: "Raw JSON" }).click();
    await decision.getByText("Held by neon, railway.").waitFor();
  });

  it("of a storage without providers says nothing of them", async () => {
    const plain = new InMemoryStorage();
    const { sessionId } = await saveStory(plain);
    const shownPlain = await startConsole({ storage: plain });
    onTestFinished(() => shownPlain.close());
    const page = await browser.freshPage();
    await page.goto(shownPlain.url);
    await page.goto(`${shownPlain.origin}/#/sessions/${sessionId}`);
    const asked = page.waitForResponse(/api\/places/);
    await page.getByRole("button", { name: "Raw JSON" }).last().click();
    expect(await (await asked).json()).toEqual({ heldBy: [], lackedBy: [], unreachable: [] });
    await page.getByText('"sessionId"').waitFor();
    expect(await page.getByText("Held by").count()).toBe(0);
  });
});

describe("the providers", () => {
  it("are repaired on request", async () => {
    const page = await open("providers");
    await page.getByRole("button", { name: "Repair…" }).click();
    await expectAccessible(page);
    await page.getByRole("dialog").getByRole("button", { name: "Repair", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });
});

describe("an application's panel", () => {
  it("kills a server, whose state changes at once while a message goes through", async () => {
    const page = await open("panel");
    await page.getByRole("button", { name: "Kill neon" }).click();
    await page.getByLabel("Message").fill("Is anybody there?");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("article", { name: "User" }).filter({ hasText: "Is anybody there?" }).waitFor();
    await page.getByRole("region", { name: "neon" }).getByText("killed").waitFor();
    await page.goto(`${shown.origin}/#/providers`);
    await page.getByRole("article", { name: "Provider neon" }).getByText("down").waitFor();
    await page.getByRole("article", { name: "Provider railway" }).getByText("takes the work").waitFor();
    await page.getByRole("listitem").filter({ hasText: "takes over from neon" }).first().waitFor();
    await screenshot(page, "failover-light");
    await page.goto(`${shown.origin}/#/panel`);
    await page.getByRole("button", { name: "Start neon" }).click();
    await page.getByRole("region", { name: "neon" }).getByText("running").waitFor();
  });

  it("has a button that can be read while the mouse is over it", async () => {
    const page = await open("panel");
    await page.getByRole("button", { name: "Send" }).hover();
    await expectAccessible(page);
  });

  it("says why it refuses", async () => {
    const page = await open("panel");
    const failed = page.waitForResponse(/api\/panel/);
    await page.getByRole("button", { name: "Refuse neon" }).click();
    expect((await failed).status()).toBe(409);
    await page.getByText("not today").waitFor();
  });
});
