import { Session } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startConsole, type RunningConsole, type StartOptions } from "../src/index.ts";
import { launchBrowser, type WatchedBrowser } from "./browser.ts";
import { saveCrowd } from "./crowd.ts";
import { HOSTILE_TEXT, saveHostileStory, saveStory } from "./stories.ts";

let browser: WatchedBrowser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 120_000);
afterAll(() => browser.close());

interface Opened {
  readonly page: Page;
  readonly shown: RunningConsole;
  readonly storage: InMemoryStorage;
}

/** The console of a storage that was filled first, in a browser in which nothing may fail. */
async function open(
  fill: (storage: InMemoryStorage) => Promise<unknown>,
  options: Partial<StartOptions> = {},
): Promise<Opened> {
  const storage = new InMemoryStorage();
  await fill(storage);
  const shown = await startConsole({ storage, ...options });
  onTestFinished(() => shown.close());
  const page = await browser.freshPage();
  await page.goto(shown.url);
  return { page, shown, storage };
}

async function openStory(options: Partial<StartOptions> = {}): Promise<Opened & { session: Session }> {
  let session: Session | undefined;
  const opened = await open(async (storage) => (session = await saveStory(storage)), options);
  if (session === undefined) throw new Error("the story was not saved");
  await opened.page.getByRole("link", { name: "Centrifuge 3" }).click();
  await opened.page.getByText("Three stops without a trip").waitFor();
  return { ...opened, session };
}

const entry = (page: Page, text: string) => page.getByRole("article").filter({ hasText: text });

describe("the page", () => {
  it("opens with the printed address, keeps no token in it, and opens again without", async () => {
    const { page, shown } = await open(saveStory);
    await page.getByRole("link", { name: "Centrifuge 3" }).waitFor();
    expect(page.url()).toBe(`${shown.origin}/`);
    await page.reload();
    await page.getByRole("link", { name: "Centrifuge 3" }).waitFor();
    expect(await page.evaluate("document.cookie")).toBe("");
  });

  it("shows nothing to a browser without the token", async () => {
    const { shown } = await open(saveStory);
    const page = await browser.strangersPage();
    const response = await page.goto(shown.origin);
    expect(response?.status()).toBe(401);
    await expect.poll(() => page.locator("body").innerText()).toContain("opens with the address that it printed");
  });

  it("says so when there are no sessions, and shows the first one as it is saved", async () => {
    const { page, storage } = await open(async () => undefined);
    await page.getByText("No sessions yet").waitFor();
    await saveStory(storage);
    await page.getByRole("link", { name: "Centrifuge 3" }).waitFor();
  });

  it("asks for no sessions before it shows the first ones, and for those of now when it shows them again", async () => {
    const { page, shown, storage } = await open((storage) => saveCrowd(storage, 150));
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    await page.getByRole("link", { name: "000149" }).waitFor();
    expect(asked).toContain("/");
    expect(asked).not.toContain("/api/sessions");
    await page.getByRole("link", { name: "Providers" }).click();
    await page.getByText("One store, and no providers").waitFor();
    await storage.deleteSession("session_000148");
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByRole("link", { name: "000147" }).waitFor();
    expect(asked).toContain("/api/sessions");
    expect(await page.getByRole("link", { name: "000148" }).count()).toBe(0);
    // Of the list that the page did not open with, too.
    await page.goto(`${shown.origin}/?again#/providers`);
    await page.getByText("One store, and no providers").waitFor();
    await storage.deleteSession("session_000146");
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByRole("link", { name: "000147" }).waitFor();
    expect(await page.getByRole("link", { name: "000146" }).count()).toBe(0);
  });

  it("finds a session by the beginning of its id, and those of a user", async () => {
    const { page } = await open(async (storage) => {
      for (const sessionId of ["alpha-1", "alpha-2", "beta"]) {
        await new Session({ sessionId, userId: sessionId === "beta" ? "bob" : "ada", storage }).save();
      }
    });
    const rows = page.getByRole("navigation", { name: "Sessions" }).getByRole("listitem");
    await expect.poll(() => rows.count()).toBe(3);
    await page.keyboard.press("/");
    await page.keyboard.type("alpha");
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByLabel("Search by the beginning of a session id").fill("gamma");
    await page.getByText("Nothing found").waitFor();
    await page.getByLabel("Search by the beginning of a session id").fill("");
    await page.getByLabel("Only sessions of this user").fill("bob");
    await expect.poll(() => rows.allInnerTexts()).toEqual([expect.stringContaining("beta")]);
  });

  it("is used with the keyboard alone", async () => {
    const { page } = await open(async (storage) => {
      for (const sessionId of ["first", "second"]) await new Session({ sessionId, userId: "ada", storage }).save();
    });
    await page.getByRole("link", { name: "second" }).waitFor();
    await page.getByRole("group", { name: "Sessions, the latest first" }).focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "second" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "first" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Choose a session").waitFor();
  });

  it("goes from session to session by the arrows from the start, and beyond the rows that were drawn", async () => {
    const { page } = await open((storage) => saveCrowd(storage, 60));
    await page.getByRole("link", { name: "000059" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "000059" }).waitFor();
    await page.getByRole("link", { name: "000059" }).click();
    for (let step = 1; step <= 40; step++) {
      await page.keyboard.press("ArrowDown");
      await page.getByRole("heading", { name: String(59 - step).padStart(6, "0") }).waitFor();
    }
  });

  it("leaves a list of 2,000 sessions by one press of Tab, after the arrows went into it", async () => {
    const { page } = await open((storage) => saveCrowd(storage, 2_000));
    await page.getByRole("link", { name: "001999" }).waitFor();
    const list = page.getByRole("group", { name: "Sessions, the latest first" });
    await list.focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: "001999" }).waitFor();
    await page.keyboard.press("Tab");
    const isInList = (): Promise<boolean> => list.evaluate((one) => one.matches(":focus-within"));
    expect(await isInList()).toBe(false);
    await page.keyboard.press("Shift+Tab");
    expect(await isInList()).toBe(true);
  });

  it("goes through the list by PageDown, PageUp, Home and End, and opens what was searched by Enter", async () => {
    const { page } = await open((storage) => saveCrowd(storage, 90));
    await page.getByRole("link", { name: "000089" }).waitFor();
    const opened = (number: number) => page.getByRole("heading", { name: String(number).padStart(6, "0") }).waitFor();
    await page.getByRole("group", { name: "Sessions, the latest first" }).focus();
    await page.keyboard.press("End");
    await opened(0);
    await page.keyboard.press("Home");
    await opened(89);
    await page.keyboard.press("PageDown");
    await expect.poll(() => page.getByRole("heading", { level: 1 }).innerText()).not.toContain("000089");
    await page.keyboard.press("PageUp");
    await opened(89);
    await page.keyboard.press("/");
    await page.keyboard.type("000042");
    await page.getByText("1 session", { exact: true }).waitFor();
    await page.keyboard.press("Enter");
    await opened(42);
  });

  it("leaves a reader of the list where they are while sessions come in above", async () => {
    const { page, storage } = await open((storage) => saveCrowd(storage, 300));
    await page.getByRole("link", { name: "000299" }).waitFor();
    const list = page.getByRole("group", { name: "Sessions, the latest first" });
    await list.evaluate((one) => (one.scrollTop = 3_000));
    const row = page.getByRole("link", { name: "000245" });
    const place = async (): Promise<number> => Math.round((await row.boundingBox())?.y ?? Number.NaN);
    await row.waitFor();
    const before = await place();
    // One of those that are looked at, and a new one.
    const { sessionId, userId } = { sessionId: "session_000249", userId: "user-9" };
    await storage.saveMemoryAtom({ sessionId, userId, memoryType: "message_user", content: "Once more." });
    await new Session({ userId: "ada", storage }).save();
    await page.getByText("301 sessions").waitFor();
    await expect.poll(place).toBe(before);
  });

  it("says when a search finds more than it shows, and takes an id with a space in it", async () => {
    const { page } = await open(async (storage) => {
      await saveCrowd(storage, 150);
      await new Session({ sessionId: "my session", userId: "ada", storage }).save();
    });
    await page.getByRole("link", { name: "my session" }).waitFor();
    const search = page.getByLabel("Search by the beginning of a session id");
    await search.fill("000");
    await page.getByText("100 or more sessions").waitFor();
    await search.fill("");
    await search.pressSequentially("my session");
    await page.getByText("1 session", { exact: true }).waitFor();
  });

  it("says so when the console at its address is another one by now", { timeout: 20_000 }, async () => {
    const { page, shown, storage } = await open(saveStory);
    await page.getByText("Live", { exact: true }).waitFor();
    await shown.close();
    await page.getByText("Connection lost, trying again").waitFor();
    const other = await startConsole({ storage, port: Number(new URL(shown.origin).port) });
    onTestFinished(() => other.close());
    await page.getByText("Locked: open the address that the console has printed").waitFor({ timeout: 15_000 });
  });
});

describe("a session", () => {
  it("folds a tool's call with its result", async () => {
    const { page } = await openStory();
    const call = page.locator("details").filter({ hasText: "look_up_fault" });
    expect(await call.locator("summary").innerText()).toMatch(/look_up_fault[^]*F0002[^]*→[^]*Overvoltage/);
    await call.locator("summary").click();
    expect(await call.innerText()).toContain("ramp-down time too short");
    await expect.poll(() => page.getByRole("article", { name: "Tool" }).count()).toBe(0);
    await page.locator("details[data-state=failed]").filter({ hasText: "the drive did not answer" }).waitFor();
  });

  it("shows facts as cards: how sure, how they stand, and all else in a table", async () => {
    const { page } = await openStory();
    await page.getByRole("meter", { name: "Confidence 86 %" }).waitFor();
    expect(await entry(page, "Set P1237 and P1121").innerText()).toContain("in progress");
    expect(await entry(page, "Switch on dynamic braking").innerText()).toMatch(
      /reasons\s+inertia\s*resistor is fitted/,
    );
  });

  it("shows pictures, code and emphasis", async () => {
    const { page } = await openStory();
    const picture = page.getByRole("img", { name: "Image of this message" });
    await picture.scrollIntoViewIfNeeded();
    await expect.poll(() => picture.evaluate((image) => "naturalWidth" in image && image.naturalWidth)).toBe(24);
    await page.locator("pre").filter({ hasText: "P1237 = 4" }).waitFor();
    await page.locator("strong").filter({ hasText: "overvoltage of the DC link" }).waitFor();
  });

  it("has the raw JSON one click away", async () => {
    const { page } = await openStory();
    const decision = entry(page, "Switch on dynamic braking");
    await decision.getByRole("button", { name: "Raw JSON" }).click();
    await decision.getByText('"memoryType": "decision"').waitFor();
  });

  it("greys what a token budget leaves out", async () => {
    const { page, session } = await openStory();
    session.addUserMessage("word ".repeat(850));
    session.addAssistantMessage("And that was all of it.");
    await session.save();
    await page.getByLabel("Context window").selectOption("1000");
    await page.getByText(/messages in the window/).waitFor();
    await expect.poll(() => entry(page, "Three stops without a trip").getAttribute("data-outside")).toBe("true");
    expect(await entry(page, "And that was all of it").getAttribute("data-outside")).toBeNull();
    expect(await entry(page, "You are a maintenance assistant").getAttribute("data-outside")).toBeNull();
    await page.getByText("The context window begins here").waitFor();
  });

  it("grows as somebody else appends, and stays at its end", async () => {
    const { page, session } = await openStory();
    session.addAssistantMessage("And now the noise is gone, too.");
    await session.save();
    await page.getByText("And now the noise is gone, too.").waitFor();
    await expect.poll(() => entry(page, "the noise is gone").isVisible()).toBe(true);
    const scroller = page.getByRole("region", { name: "Conversation" });
    await expect
      .poll(() => scroller.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight))
      .toBeLessThan(2);
  });

  it("does not pull away a reader who has scrolled back, and says what is new", async () => {
    const { page, session } = await openStory();
    const scroller = page.getByRole("region", { name: "Conversation" });
    await scroller.hover();
    await page.mouse.wheel(0, -10_000);
    await expect.poll(() => scroller.evaluate((one) => one.scrollTop)).toBe(0);
    session.addAssistantMessage("Something new.");
    await session.save();
    await page.getByRole("button", { name: "1 new entry" }).waitFor();
    expect(await scroller.evaluate((one) => one.scrollTop)).toBe(0);
    await page.getByRole("button", { name: "1 new entry" }).click();
    await expect
      .poll(() => scroller.evaluate((one) => one.scrollHeight - one.scrollTop - one.clientHeight))
      .toBeLessThan(2);
  });

  it("says so when it is deleted while somebody looks", async () => {
    const { page, session, storage } = await openStory();
    await storage.deleteSession(session.sessionId);
    await page.getByText("No such session").waitFor();
  });

  it("shows text as text, whatever it says", async () => {
    const { page, shown } = await open(saveHostileStory);
    await page.getByRole("link", { name: "window.stolen" }).click();
    await entry(page, "THE END").or(entry(page, "All work")).first().waitFor();
    await page.getByText("a NUL ␀, half a character ⟨U+D800⟩, a turn ⟨U+202E⟩").waitFor();
    await page.getByText(HOSTILE_TEXT).first().waitFor();
    const arabic = page.getByText("متى بدأ العطل");
    expect(await arabic.evaluate((one) => one.matches(":dir(rtl)"))).toBe(true);
    expect(await page.evaluate("window.stolen")).toBeUndefined();
    expect(await page.locator("main script, main a[href^='javascript'], img[src*='example.com']").count()).toBe(0);
    expect(await page.getByText("https://example.com/beacon.png · elsewhere, and not fetched").count()).toBe(1);
    expect(page.url()).toContain(`${shown.origin}/#/sessions/hostile`);
  });

  it("shows the beginning of a message of a megabyte, and all of it on request", async () => {
    const { page } = await open(saveHostileStory);
    await page.getByRole("link", { name: "window.stolen" }).click();
    const long = entry(page, "All work and no play");
    await long.scrollIntoViewIfNeeded();
    expect((await long.innerText()).length).toBeGreaterThan(1_000);
    expect((await long.textContent())?.length).toBeLessThan(20_000);
    await long.getByRole("button", { name: "Show all as JSON" }).click();
    // Finding an entry of a megabyte takes the test's own tool a second.
    const isWhole = (): Promise<unknown> => long.locator("pre").evaluate((one) => one.textContent?.includes("THE END"));
    await expect.poll(isWhole, { timeout: 10_000 }).toBe(true);
  });
});

describe("changing", () => {
  it("is not offered by default", async () => {
    const { page } = await openStory();
    await page.getByText("read-only").waitFor();
    expect(await page.getByRole("button", { name: /Delete|Erase|Repair/ }).count()).toBe(0);
  });

  it("asks before a session is deleted", async () => {
    const { page, session, storage } = await openStory({ write: true });
    await page.getByRole("button", { name: "Delete session…" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await storage.loadSession(session.sessionId)).not.toBeNull();
    await page.getByRole("button", { name: "Delete session…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete session", exact: true }).click();
    await page.getByText("No sessions yet").waitFor();
    expect(await storage.loadSession(session.sessionId)).toBeNull();
  });

  it("takes a session that is deleted off the list, also when it is not the latest", async () => {
    const { page, storage } = await openStory({ write: true });
    await new Session({ sessionId: "later", userId: "ada", storage }).save();
    await page.getByRole("link", { name: "later" }).waitFor();
    await page.getByRole("button", { name: "Delete session…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete session", exact: true }).click();
    await page.getByText("1 session", { exact: true }).waitFor();
    expect(await page.getByRole("link", { name: "Centrifuge 3" }).count()).toBe(0);
  });

  it("gives the focus back to where it came from", async () => {
    const { page } = await openStory({ write: true });
    const button = page.getByRole("button", { name: "Delete session…" });
    await button.click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await button.evaluate((one) => one.matches(":focus"))).toBe(true);
  });

  it("erases a user only after the name was typed", async () => {
    const { page, session, storage } = await openStory({ write: true });
    await page.getByRole("button", { name: "Erase user…" }).click();
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Erase user", exact: true });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByRole("dialog").getByRole("textbox").fill("technician-7");
    await confirm.click();
    await page.getByText("No sessions yet").waitFor();
    expect(await storage.loadSession(session.sessionId)).toBeNull();
  });
});
