import { createContext, runInContext } from "node:vm";
import { build, type Format } from "esbuild";
import { expect, it } from "vitest";
import { sharedProject } from "./project.ts";

const project = sharedProject();

/** As for an edge worker: modules of Node's are replaced by nothing, and stay as imports if there are any. */
async function bundle(format: Format): Promise<{ imports: string[]; inputs: string[]; text: string }> {
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: `export * from "@rivet/memory-core"; export * from "@rivet/memory-supabase";`,
      resolveDir: import.meta.dirname,
    },
    conditions: ["@rivet/source"],
    bundle: true,
    format,
    globalName: "rivet",
    platform: "neutral",
    mainFields: ["module", "main"],
    external: ["node:*"],
    metafile: true,
    write: false,
  });
  const outputs = Object.values(metafile.outputs);
  return {
    imports: outputs.flatMap(({ imports }) => imports.map(({ path }) => path)),
    inputs: Object.keys(metafile.inputs),
    text: outputFiles[0]?.text ?? "",
  };
}

it("the bundle imports nothing of Node's", async () => {
  const { imports, inputs } = await bundle("esm");
  expect(imports).toEqual([]);
  expect(inputs.some((path) => path.includes("supabase-js"))).toBe(true);
});

it("the bundle saves and loads where there is nothing but what the web has", async () => {
  const { text } = await bundle("iife");
  const requests = { AbortController, AbortSignal, Event, EventTarget, Headers, Request, Response, fetch };
  const others = {
    ReadableStream,
    TextDecoder,
    TextEncoder,
    TransformStream,
    URL,
    URLSearchParams,
    console,
    crypto,
    performance,
  };
  const timers = { clearInterval, clearTimeout, queueMicrotask, setInterval, setTimeout };
  const context = createContext({ ...requests, ...others, ...timers, url: project().url, key: project().keys.secret });
  runInContext(text, context);
  const texts: unknown = await runInContext(
    `(async () => {
      const storage = new rivet.SupabaseMemoryStorage({ url, key });
      const session = new rivet.Session({ userId: "ada", storage });
      session.addUserMessage("from the edge");
      await session.save();
      const loaded = await storage.loadSession(session.sessionId);
      return JSON.stringify(loaded.history.messages().map(({ content }) => content));
    })()`,
    context,
  );
  expect(texts).toBe('["from the edge"]');
});
