import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { chromiumProgram } from "@rivet/local-servers";
import { startConsole } from "@rivet/memory-console";
import { SQLiteStorage } from "@rivet/memory-sqlite";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { Measure } from "../measure.ts";
import { BenchProviders } from "../with-providers.ts";
import { fill, inTemporaryFolder, saveTurn, sessionOf } from "../workload.ts";

const SESSIONS = 100_000;
const MESSAGES = 10_000;
const ROUNDS = 7;

/** Measures the waiting times of a user of the console with a large storage, in Chromium on the same machine. */
export function lookAtConsole(): Promise<Measure[]> {
  return inTemporaryFolder(async (folder) => {
    await using storage = await new SQLiteStorage(join(folder, "ours.db"), { durability: "normal" }).open();
    await fill(storage, SESSIONS, 1);
    const { sessionId } = await sessionOf(storage, MESSAGES);
    await using shown = await startConsole({ storage });
    const { file, environment } = await chromiumProgram();
    const env = { ...process.env, ...environment };
    const browser = await chromium.launch({ executablePath: file, env, args: ["--no-sandbox"] });
    try {
      return [
        bounded(
          `first page of ${SESSIONS.toLocaleString("en")} sessions`,
          "ms",
          500,
          await medianOf(browser, (page) => firstPage(page, shown.url)),
        ),
        bounded(
          `a session of ${MESSAGES.toLocaleString("en")} messages opens at its end`,
          "ms",
          500,
          await medianOf(browser, (page) => openSession(page, shown.url, sessionId)),
        ),
        bounded(
          `longest task while it is scrolled to its beginning`,
          "ms",
          100,
          await inFreshPage(browser, (page) => scrollBack(page, shown.url, sessionId)),
        ),
        bounded(
          "until a message that is saved meanwhile is shown",
          "ms",
          1_000,
          await medianOf(browser, (page) => liveUpdate(page, shown.url, storage)),
        ),
        bounded(
          "until a server that was killed is shown to be down, and a message has gone through",
          "ms",
          1_000,
          await medianOf(browser, failoverShown),
        ),
        bounded(
          "compressed script of the page",
          "kB",
          200,
          await inFreshPage(browser, (page) => scriptSize(page, shown.url)),
        ),
      ];
    } finally {
      await browser.close();
    }
  });
}

function bounded(name: string, unit: string, bound: number, ours: number): Measure {
  return {
    name: `Console: ${name}`,
    unit,
    ours,
    reference: bound,
    ratio: ours / bound,
    bar: { kind: "at most", value: 1 },
    against: `the bound of ${bound} ${unit}`,
  };
}

async function medianOf(browser: Browser, measure: (page: Page) => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await inFreshPage(browser, measure));
  return values.toSorted((left, right) => left - right)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

/** With nothing in its cache. */
async function inFreshPage(browser: Browser, measure: (page: Page) => Promise<number>): Promise<number> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  try {
    return await measure(await context.newPage());
  } finally {
    await context.close();
  }
}

async function firstPage(page: Page, url: string): Promise<number> {
  const startMs = performance.now();
  await page.goto(url, { waitUntil: "commit" });
  await page.locator(".row").first().waitFor();
  return performance.now() - startMs;
}

async function openSession(page: Page, url: string, sessionId: string): Promise<number> {
  await firstPage(page, url);
  const startMs = performance.now();
  await page.locator(`.row[href$="${sessionId}"]`).click();
  await page.locator("article").last().waitFor();
  return performance.now() - startMs;
}

async function liveUpdate(page: Page, url: string, storage: SQLiteStorage): Promise<number> {
  const session = await sessionOf(storage, 10);
  await openSession(page, url, session.sessionId);
  const text = `live ${session.sessionId}`;
  session.addUserMessage(text);
  const startMs = performance.now();
  await session.save();
  await page.getByText(text).first().waitFor();
  return performance.now() - startMs;
}

async function failoverShown(page: Page): Promise<number> {
  await using providers = await BenchProviders.start("neon", "railway");
  const storage = await providers.storage();
  const session = await sessionOf(storage, 2);
  await using shown = await startConsole({ storage });
  await page.goto(shown.url);
  await page.goto(`${shown.origin}/#/providers`);
  const neon = page.getByRole("article", { name: "Provider neon" });
  await neon.getByText("up", { exact: true }).waitFor();
  const startMs = performance.now();
  await providers.provider("neon").server.stop("kill");
  await saveTurn(session);
  await neon.getByText("down", { exact: true }).waitFor();
  const tookMs = performance.now() - startMs;
  await storage.close();
  await storage.db.close();
  return tookMs;
}

/** Scrolls as fast as frames come, and asks the browser which tasks were long. */
async function scrollBack(page: Page, url: string, sessionId: string): Promise<number> {
  await openSession(page, url, sessionId);
  return page.evaluate<number>(`new Promise((resolve) => {
    let longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: "longtask" });
    const view = document.querySelector("[aria-label=Conversation]");
    const step = () => {
      view.scrollTop = Math.max(0, view.scrollTop - 3000);
      if (view.querySelector(".older") === null && view.scrollTop === 0) setTimeout(() => resolve(longest), 200);
      else requestAnimationFrame(step);
    };
    step();
  })`);
}

async function scriptSize(page: Page, url: string): Promise<number> {
  let bytes = 0;
  page.on("response", async (response) => {
    if (response.request().resourceType() === "script") bytes += gzipSync(await response.body()).length;
  });
  await page.goto(url, { waitUntil: "load" });
  await page.locator(".row").first().waitFor();
  return bytes / 1_000;
}
