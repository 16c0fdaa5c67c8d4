import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumProgram } from "@rivet/local-servers";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { ProviderServers } from "../src/providers.ts";
import { Conversation } from "../src/web/conversation.ts";
import { Stage } from "../src/web/stage.ts";
import { replyTo } from "../src/web/technician.ts";
import { startWebDemo, type WebDemo } from "../src/web/web-demo.ts";

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
    { timeout: 120_000 },
    async () => {
      const acts = [
        ["Stop neon", "stopped", "neon is gone"],
        ["Cut off supabase", "cut off", "supabase is silent"],
        ["Pause railway", "paused", "none of the servers is left"],
      ] as const;
      for (const [action, status, message] of acts) {
        await page.getByRole("button", { name: action }).click();
        const [name = ""] = action.split(" ").slice(-1);
        await page.getByRole("region", { name }).getByText(status, { exact: true }).waitFor();
        await say(message);
        await article("User", message).waitFor();
      }
      await article("Assistant", "a local journal keeps it").last().waitFor();
      for (const name of ["neon", "supabase", "railway"]) {
        await page.getByRole("button", { name: `Start ${name}` }).click();
        await page.getByRole("region", { name }).getByText("running", { exact: true }).waitFor();
      }
      expect(await article("User", "none of the servers is left").count()).toBe(1);
    },
  );
});

describe("the stage", () => {
  it("stops a server that is still starting, once it has started", { timeout: 120_000 }, async () => {
    await using servers = await ProviderServers.start();
    const stage = new Stage(servers);
    await stage.act("stop neon");
    await Promise.all([stage.act("start neon"), stage.act("stop neon")]);
    const port = Number(new URL(servers.urls["neon"] ?? "").port);
    expect(stage.sections()[0]?.status).toBe("stopped");
    await expect(connectTo(port)).rejects.toThrow("ECONNREFUSED");
  });
});

/** Resolves when somebody listens there. */
async function connectTo(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

describe("the conversation", () => {
  it("goes on when a model cannot be asked, and says why", async () => {
    await using storage = new InMemoryStorage();
    const session = new Session({ userId: "visitor", storage });
    const conversation = new Conversation(session, storage, () => Promise.reject(new Error("no network")));
    await conversation.ask("F0002?");
    const kept = await storage.loadSession(session.sessionId);
    expect(kept?.history.messages().map(({ content }) => content)).toEqual([
      "F0002?",
      expect.stringContaining("The model did not answer: no network"),
    ]);
  });
});

describe("the technician", () => {
  it("answers the same to the same, and says what it does not know", () => {
    expect(replyTo("F0002!").decision).toMatchObject({ confidence: 0.86 });
    expect(replyTo("It gets hot")).toBe(replyTo("the temperature"));
    expect(replyTo("What is for lunch?").text).toContain("nothing of that");
  });
});
