import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromiumProgram } from "@rivet/local-servers";
import { chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

/** A browser with one page, which every test finds empty. */
export interface WatchedBrowser extends AsyncDisposable {
  /** Fails the test when anything fails on the page, or when it asks anybody but the console for anything. */
  freshPage(): Promise<Page>;
  /** Of somebody who was never here. */
  strangersPage(): Promise<Page>;
  close(): Promise<void>;
}

export async function launchBrowser(): Promise<WatchedBrowser> {
  const { file, environment } = await chromiumProgram();
  const env = { ...process.env, ...environment };
  const browser = await chromium.launch({ executablePath: file, env, args: ["--no-sandbox"] });
  const options = { viewport: DESKTOP, reducedMotion: "reduce" } as const;
  const page = await browser.newPage(options);
  // On a machine that others keep busy, a page takes as long as it takes; the test's own limit ends one that never
  // comes.
  page.setDefaultTimeout(PATIENCE_MS);
  const problems = watch(page);
  const close = (): Promise<void> => browser.close();
  return {
    close,
    [Symbol.asyncDispose]: close,
    async freshPage() {
      onTestFinished(async () => {
        await page.goto("about:blank");
        await page.unrouteAll();
        expect(problems.splice(0)).toEqual([]);
      });
      return page;
    },
    async strangersPage() {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      context.setDefaultTimeout(PATIENCE_MS);
      return context.newPage();
    },
  };
}

const PATIENCE_MS = 120_000;

export const DESKTOP = { width: 1280, height: 860 };

function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", ({ message }) => problems.push(message));
  page.on("console", (message) => {
    const { type, text } = { type: message.type(), text: message.text() };
    // Chromium's word for a status that is not 200, which the tests look at themselves.
    if ((type === "error" || type === "warning") && !text.startsWith("Failed to load resource")) problems.push(text);
  });
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol !== "http:" || hostname !== "127.0.0.1") problems.push(`asked for ${request.url()}`);
  });
  return problems;
}

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface Violation {
  readonly id: string;
  readonly impact?: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Looks for what would keep somebody from using the view: serious faults fail. */
export async function expectAccessible(page: Page): Promise<void> {
  // Into a world of its own: the page's policy lets no foreign script run.
  const source = await readFile(axePath, "utf8");
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = { frameId: frameTree.frame.id, worldName: "axe" };
  const { executionContextId } = await session.send("Page.createIsolatedWorld", world);
  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { contextId: executionContextId, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, ...options });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? "axe failed");
    return result.value;
  };
  await evaluate(`${source}; undefined`);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const violations = (await evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(tags)}, resultTypes: ["violations"] }).then(({ violations }) => violations)`,
  )) as Violation[];
  await session.detach();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(
    serious.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`,
    ),
  ).toEqual([]);
}

const SCREENSHOTS = join(import.meta.dirname, "screenshots");

/** Kept for whoever looks; Git does not. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
