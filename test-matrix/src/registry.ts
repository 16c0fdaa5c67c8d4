/** A registry on this machine, with the packages as they would be published. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { run, runWell } from "./command.ts";

export interface Registry extends AsyncDisposable {
  /** The line of an `.npmrc` that leads the packages' scope here; everything else comes from the usual registry. */
  readonly npmrc: string;
}

const ROOT = join(import.meta.dirname, "..", "..");

/**
 * Builds, packs and publishes every public package to a verdaccio of this machine.
 *
 * @param folder for its data.
 * @param verdaccio the program.
 * @param isBuilt whether `dist` is there already.
 */
export async function startRegistry(folder: string, verdaccio: string, isBuilt: boolean): Promise<Registry> {
  const port = await freePort();
  const config = join(folder, "config.yaml");
  await mkdir(folder, { recursive: true });
  await writeFile(config, CONFIG);
  const server = spawn(process.execPath, [verdaccio, "--config", config, "--listen", `127.0.0.1:${port}`], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return;
    const ended = once(server, "close");
    server.kill();
    await ended;
  };
  try {
    await listening(server);
    const npmrc = `@rivet:registry=http://127.0.0.1:${port}\n//127.0.0.1:${port}/:_authToken=anyone\n`;
    await publishAll(folder, npmrc, isBuilt);
    return { npmrc, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const CONFIG = `storage: ./storage
packages:
  "@rivet/*": { access: $all, publish: $all }
log: { type: stdout, level: http }
max_body_size: 100mb
`;

async function listening(server: ReturnType<typeof spawn>): Promise<void> {
  const { stdout, stderr } = server;
  if (stdout === null || stderr === null) throw new Error("the registry has no output");
  let said = "";
  const started = new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes("http address")) resolve();
    };
    stdout.on("data", look);
    stderr.on("data", look);
    server.once("close", () => reject(new Error(`the registry ended: ${said}`)));
  });
  await started;
}

async function publishAll(folder: string, npmrc: string, isBuilt: boolean): Promise<void> {
  const { packageManager }: { packageManager: string } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const pnpm = (args: readonly string[], where: string): Promise<string> =>
    runWell("npx", ["-y", packageManager, ...args], where, { CI: "true" });
  if (!isBuilt) await pnpm(["build"], ROOT);
  const packed = join(folder, "packed");
  await mkdir(packed);
  await writeFile(join(packed, ".npmrc"), npmrc);
  for (const name of await publicPackages()) await pnpm(["pack", "--pack-destination", packed], name);
  for (const file of (await readdir(packed)).filter((name) => name.endsWith(".tgz"))) {
    const { exitCode, errors } = await run("npm", ["publish", `./${file}`], packed);
    if (exitCode !== 0) throw new Error(`${file} was not published: ${errors}`);
  }
}

/** The folders of the packages that are published. */
async function publicPackages(): Promise<string[]> {
  const packages = join(ROOT, "packages");
  const folders = (await readdir(packages)).map((name) => join(packages, name));
  const isPublic = await Promise.all(
    folders.map(async (folder) => {
      const manifest: { private?: boolean } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      return manifest.private !== true;
    }),
  );
  return folders.filter((_, index) => isPublic[index]);
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server listens at no port");
  server.close();
  await once(server, "close");
  return address.port;
}
