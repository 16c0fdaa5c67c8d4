import { atLength } from "@rivet/local-servers";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startConsole, type RunningConsole } from "../src/index.ts";
import { launchBrowser, type WatchedBrowser } from "./browser.ts";
import { saveCrowd, saveLongSession } from "./crowd.ts";

const SESSIONS = atLength({ usually: 20_000, long: 100_000 });
const MESSAGES = 3_000;

let browser: WatchedBrowser;
let storage: InMemoryStorage;
let shown: RunningConsole;

beforeAll(async () => {
  browser = await launchBrowser();
  storage = new InMemoryStorage();
  await saveCrowd(storage, SESSIONS);
  await saveLongSession(storage, MESSAGES);
  shown = await startConsole({ storage });
}, 120_000);
afterAll(async () => {
  await browser.close();
  await shown.close();
  await storage.close();
});

async function open(): Promise<Page> {
  const page = await browser.freshPage();
  await page.goto(shown.url);
  return page;
}

describe(`a storage of ${SESSIONS} sessions`, () => {
  it("is paged through to its last one, with no more rows than are seen", { timeout: 120_000 }, async () => {
    const page = await open();
    await page
      .getByRole("link", { name: "session_long" })
      .or(page.getByRole("link", { name: "long" }))
      .first()
      .waitFor();
    const scroller = page.getByRole("group", { name: "Sessions, the latest first" });
    const rows = page.getByRole("navigation", { name: "Sessions" }).getByRole("listitem");
    await scroller.evaluate(
      (list) =>
        new Promise<void>((resolve) => {
          const status = list.nextElementSibling;
          const step = (): void => {
            list.scrollTop = list.scrollHeight;
            if (status?.textContent?.endsWith("sessions") === true && !status.textContent.includes("or more"))
              resolve();
            else list.ownerDocument.defaultView?.requestAnimationFrame(step);
          };
          step();
        }),
    );
    await page.getByText(`${(SESSIONS + 1).toLocaleString("en")} sessions`, { exact: true }).waitFor();
    await page.getByRole("link", { name: "000000" }).waitFor();
    expect(await rows.count()).toBeLessThan(60);
  });

  it("finds one of them at once", async () => {
    const page = await open();
    await page.getByLabel("Search by the beginning of a session id").fill("012345");
    await page.getByRole("link", { name: "012345" }).click();
    await page.getByRole("article", { name: "User" }).waitFor();
  });
});

describe("a session of 3,000 messages", () => {
  it(
    "opens at its end, and leads back to its beginning in order, with nothing missing or doubled",
    { timeout: 120_000 },
    async () => {
      const page = await open();
      await page.getByRole("link", { name: "long" }).first().click();
      await page.getByText("Message 2999 of").first().waitFor();
      expect(await page.getByRole("article").count()).toBeLessThan(200);
      const scroller = page.getByRole("region", { name: "Conversation" });
      await scroller.evaluate(
        (view) =>
          new Promise<void>((resolve) => {
            const step = (): void => {
              view.scrollTop = Math.max(0, view.scrollTop - 2_000);
              if (view.querySelector(".older") === null) resolve();
              else view.ownerDocument.defaultView?.requestAnimationFrame(step);
            };
            step();
          }),
      );
      const numbers = await scroller.evaluate((view) =>
        [...view.querySelectorAll("article")].map((article) =>
          Number(/Message (\d+)/.exec(article.textContent ?? "")?.[1]),
        ),
      );
      expect(numbers).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
    },
  );

  it("leaves the reader at the same place while earlier messages come in above", async () => {
    const page = await open();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route(/api\/atoms\?.*before=/, async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("link", { name: "long" }).first().click();
    await page.getByText("Message 2999 of").first().waitFor();
    const asked = page.waitForRequest(/api\/atoms\?.*before=/);
    await page.getByRole("region", { name: "Conversation" }).evaluate((view) => (view.scrollTop = 600));
    await asked;
    // What has come into view has its true height in the next frame.
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
    const inView = `[...document.querySelectorAll("article")].find((one) => one.getBoundingClientRect().bottom > 400)`;
    const article = (await page.evaluateHandle(inView)).asElement();
    const place = async (): Promise<number> => Math.round((await article?.boundingBox())?.y ?? Number.NaN);
    const before = await place();
    letGo();
    await expect.poll(() => page.getByRole("article").count()).toBeGreaterThan(170);
    expect(Math.abs((await place()) - before)).toBeLessThan(3);
  });
});
