/** Large atoms over a link of limited speed to a project, beside small ones. */
import { startProxy } from "@rivet/local-servers";
import { Session } from "@rivet/memory-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { sharedProject, storageForTest } from "./project.ts";

const MIB = 1024 * 1024;
const project = sharedProject();

describe.each(["fair", "bloated"] as const)("a project behind a slow link whose queue is %s", (queue) => {
  it("takes and gives a message that is longer on its way than a request may take, and small ones beside it", async () => {
    const proxy = await startProxy({ port: Number(new URL(project().url).port) });
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const url = `http://127.0.0.1:${proxy.port}`;
    // One attempt: what is cut off is not made good by another.
    const storage = storageForTest({ url, key: project().keys.secret, timeoutMs: 1_000, deadlineMs: 1_000 });
    proxy.setMode("slow", { bytesPerSecond: 2 * MIB, queue });
    const texts = ["x".repeat(4 * MIB), "a", "b", "c"];
    const sessions = texts.map((text) => {
      const session = new Session({ userId: "ada", storage });
      session.addUserMessage(text);
      return session;
    });
    await Promise.all(sessions.map((session) => session.save()));
    const loaded = await Promise.all(sessions.map(({ sessionId }) => storage.loadSession(sessionId)));
    const contents = loaded.map((session) => session?.getRecentMessages(1)[0]?.content);
    expect(contents.map((content, index) => content === texts[index])).toEqual(texts.map(() => true));
  });
});
