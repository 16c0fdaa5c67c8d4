import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumProgram } from "@rivet/local-servers";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replyTo } from "../src/web/technician.ts";
import { startWebDemo, type WebDemo } from "../src/web/web-demo.ts";

const WITHIN_A_SECOND = { timeout: 1_000 };

let folder = "";
let demo: WebDemo;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivet-web-"));
  demo = await startWebDemo({ journalPath: join(folder, "journal.db"), environment: {} });
  const { file, environment } = await chromiumProgram();
  browser = await chromium.launch({
    executablePath: file,
    env: { ...process.env, ...environment },
    args: ["--no-sandbox"],
  });
  page = await browser.newPage();
  await page.goto(demo.url);
}, 120_000);

afterAll(async () => {
  await browser.close();
  await demo[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function say(text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const article = (name: string, text: string) => page.getByRole("article", { name }).filter({ hasText: text });

describe("the demo on a page", () => {
  it("begins with a conversation, and answers what the visitor says", async () => {
    await article("Assistant", "F0002 is an overvoltage").waitFor();
    await say("And F0011 since this morning?");
    await article("Assistant", "148 °C").last().waitFor();
  });

  it(
    "goes on while each server is stopped, paused or cut off, and while none is left",
    { timeout: 60_000 },
    async () => {
      const acts = [
        ["Stop neon", "stopped", "neon is gone"],
        ["Cut off supabase", "cut off", "supabase is silent"],
        ["Pause railway", "paused", "none of the servers is left"],
      ] as const;
      for (const [action, status, message] of acts) {
        await page.getByRole("button", { name: action }).click();
        const [name = ""] = action.split(" ").slice(-1);
        await page.getByRole("region", { name }).getByText(status).waitFor(WITHIN_A_SECOND);
        await say(message);
        await article("User", message).waitFor();
      }
      await article("Assistant", "a local journal keeps it").last().waitFor();
      for (const name of ["neon", "supabase", "railway"]) {
        await page.getByRole("button", { name: `Start ${name}` }).click();
        await page.getByRole("region", { name }).getByText("running").waitFor();
      }
      expect(await article("User", "none of the servers is left").count()).toBe(1);
    },
  );
});

describe("the technician", () => {
  it("answers the same to the same, and says what it does not know", () => {
    expect(replyTo("F0002!").decision).toMatchObject({ confidence: 0.86 });
    expect(replyTo("It gets hot")).toBe(replyTo("the temperature"));
    expect(replyTo("What is for lunch?").text).toContain("nothing of that");
  });
});
