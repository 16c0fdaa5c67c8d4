/** Draws the pictures of the READMEs: the console as it is, with a story in it. */
import { join } from "node:path";
import { Session, type MemoryStorage } from "@rivet/memory-core";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { chromiumProgram } from "@rivet/local-servers";
import { chromium } from "playwright-core";
import { startConsole } from "../src/index.ts";
import { saveStory } from "../test/stories.ts";

const TITLES = [
  "Pump 12 runs dry at start-up",
  "Conveyor 4: speed drifts under load",
  "Spare parts for line 2",
  "Mixer 1 overheats in the night shift",
  "Firmware of the north plant",
  "Centrifuge 1: bearing noise",
  "Calibrate the flow meters",
  "Press 7 stops with F0011",
];

const storage = new InMemoryStorage();
await saveOthers(storage);
const { sessionId } = await saveStory(storage);
const shown = await startConsole({ storage, label: "sqlite:./agent.db" });
const { file, environment } = await chromiumProgram();
const env = { ...process.env, ...environment };
const browser = await chromium.launch({ executablePath: file, env, args: ["--no-sandbox"] });
for (const colorScheme of ["light", "dark"] as const) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 760 }, colorScheme });
  await page.goto(shown.url);
  await page.goto(`${shown.origin}/#/sessions/${sessionId}`);
  await page.getByText("Three stops without a trip").waitFor();
  await page.screenshot({ path: join(import.meta.dirname, "..", "..", "..", "docs", `console-${colorScheme}.png`) });
}
await browser.close();
await shown.close();

async function saveOthers(storage: MemoryStorage): Promise<void> {
  for (const [index, title] of TITLES.entries()) {
    const session = new Session({ userId: `technician-${(index % 3) + 1}`, storage, metadata: { title } });
    for (let turn = 0; turn <= index; turn++) {
      session.addUserMessage("What do the readings say?");
      session.addAssistantMessage("They are within their limits.");
    }
    await session.save();
  }
}
