import { encodeText, MemoryError, readOptions, type OptionFields } from "@rivet/memory-core";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { newSecret } from "./security/access.ts";
import { failure, RequestError, toFailure } from "./failures.ts";
import { ImageLinks } from "./reading/image-links.ts";
import { LiveHub } from "./live/live.ts";
import type { LiveSource } from "./live/live-source.ts";
import { openingOf, withOpening } from "./opening.ts";
import { readPage, type BuiltPage } from "./page-files.ts";
import type { ConsolePanel } from "./panel.ts";
import { panelRequest } from "./routes/parameters.ts";
import { ProviderWatch } from "./live/provider-watch.ts";
import { readRoutes } from "./routes/read-routes.ts";
import { requireOwnOrigin, requirePass, requireToken } from "./security/security.ts";
import { sessionDetail } from "./reading/sessions.ts";
import { providersOf, replicationOf, type ConsoleStorage, type ReplicationStatus } from "./reading/storage.ts";
import type { Overview, ProvidersView } from "./wire.ts";
import { writeRoutes } from "./routes/write-routes.ts";

export interface ConsoleOptions {
  /** The storage to show. The caller owns and closes it. */
  readonly storage: ConsoleStorage;
  /** Whether sessions may be deleted, users erased and providers repaired. Default: false. */
  readonly write?: boolean;
  /** The name of the storage on the page. Default: `storage`. */
  readonly label?: string;
  /** Opens the page. Default: a random one of 256 bits. */
  readonly token?: string;
  /** A panel of the application's own. Default: none. */
  readonly panel?: ConsolePanel;
  /** Routes of the application's own, under `/api/app`; the token guards them too. Default: none. */
  readonly routes?: Hono;
}

export const CONSOLE_FIELDS: OptionFields<ConsoleOptions> = {
  storage: "setting",
  write: "setting",
  label: "setting",
  token: "setting",
  panel: "setting",
  routes: "setting",
};

export interface Console {
  /** Answers requests; `fetch` of it is a handler for any server. */
  readonly app: Hono;
  readonly token: string;
  /** The path to append to the server's address. It contains the token. */
  readonly path: string;
  /** Ends what is told live. Idempotent. */
  close(): void;
}

/** Appends show on the page within a second: this, the query, and drawing. */
const LIVE_INTERVAL_MS = 200;
/** Asking for the hints costs each provider a query. */
const REPLICATION_INTERVAL_MS = 1_000;
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The console as an application to mount on a server of one's own; {@link startConsole} starts one.
 *
 * Guarantees: every request for data needs the token, which the page sends in the header `Authorization`, and no cookie
 * is enough; it must come from this machine, to `127.0.0.1`, `localhost` or `[::1]`, and from no other page. Nothing is
 * changed unless `write` is set. The page loads nothing from anywhere else.
 *
 * @throws {MemoryError} `invalid_input` for an empty token, a missing storage, and an option that is none.
 * @example
 * const { app, path } = createConsole({ storage });
 * serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 4_983 });
 */
export function createConsole(options: ConsoleOptions): Console {
  const given = readOptions(options, CONSOLE_FIELDS, "options");
  const { storage, write = false, label = "storage", token = newSecret(), panel, routes } = given;
  if (storage === undefined) throw withoutStorage();
  if (token === "") throw emptyToken();
  const manager = providersOf(storage);
  const watch = manager && new ProviderWatch(manager, Date.now);
  const replication = replicationOf(storage);
  const closing = new AbortController();
  const hub = new LiveHub(closing.signal);
  const links = new ImageLinks();
  let page: Promise<BuiltPage> | undefined;

  const overview: Overview = {
    label,
    isWritable: write,
    hasProviders: watch !== undefined,
    canRepair: write && replication !== undefined,
    ...(panel === undefined
      ? {}
      : {
          panel: {
            title: panel.title,
            ...(panel.sessionId === undefined ? {} : { sessionKey: encodeText(panel.sessionId) }),
          },
        }),
  };

  const providers = async (): Promise<ProvidersView | null> => {
    if (watch === undefined) return null;
    return watch.view(await replication?.getReplicationStatus().catch(asError));
  };
  let lastStatus: ReplicationStatus | Error | undefined;
  const liveProviders: LiveSource[] =
    watch === undefined
      ? []
      : [
          // The states at once, with the hints that were last known: they take as long as the slowest provider.
          {
            key: "providers",
            event: "providers",
            intervalMs: LIVE_INTERVAL_MS,
            read: () => withoutClock(watch.view(lastStatus)),
          },
          {
            key: "replication",
            event: "replication",
            intervalMs: REPLICATION_INTERVAL_MS,
            read: async () => {
              lastStatus = await replication?.getReplicationStatus().catch(asError);
              return null;
            },
          },
        ];

  const sourcesFor = (context: Context): LiveSource[] => {
    const key = context.req.query("session");
    const sources: LiveSource[] = [
      {
        key: "sessions",
        event: "sessions",
        intervalMs: LIVE_INTERVAL_MS,
        read: async () => (await storage.listSessions({ limit: 1 }))[0]?.lastAtomId ?? null,
      },
    ];
    if (key !== undefined && key !== "") {
      sources.push({
        key: `session ${key}`,
        event: "session",
        intervalMs: LIVE_INTERVAL_MS,
        read: async () => (await sessionDetail(storage, key)) ?? null,
      });
    }
    if (panel !== undefined) {
      sources.push({ key: "panel", event: "panel", intervalMs: LIVE_INTERVAL_MS, read: () => panel.state() });
    }
    return [...sources, ...liveProviders];
  };

  const api = new Hono()
    .use(requireToken(token, links))
    .use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
    .get("/providers", async (context) => context.json(await providers()))
    .get("/opening", async (context) => context.json(await openingOf(storage, overview)))
    .get("/live", (context) => hub.stream(context, sourcesFor(context)))
    .post("/panel", async (context) => {
      if (panel === undefined) throw new RequestError(404, "not_found", "there is no panel");
      const request = await panelRequest(context);
      try {
        await panel.act(request);
      } catch (error) {
        // The application speaks to its visitor.
        throw new RequestError(409, "refused", error instanceof Error ? error.message : String(error));
      }
      return context.json({});
    })
    .route("/", readRoutes(storage, links))
    .route("/write", writeRoutes(storage, write));
  if (routes !== undefined) api.route("/app", routes);
  api.all("*", nothingHere);

  const app = new Hono()
    .use(requireOwnOrigin())
    .route("/api", api)
    .get("*", requirePass(token), async (context) => {
      page ??= readPage();
      const { html, files } = await page;
      const { path } = context.req;
      if (path === "/") {
        // A page that is loaded again shows its token first.
        const hasToken = context.req.query("token") !== undefined;
        const text = hasToken ? withOpening(html, () => openingOf(storage, overview)) : html;
        const body = ReadableStream.from<string>(typeof text === "string" ? [text] : text).pipeThrough(
          new TextEncoderStream(),
        );
        return context.body(body, 200, { "Content-Type": "text/html; charset=utf-8" });
      }
      const file = files.get(path);
      if (file === undefined) return nothingHere(context);
      if (file.isImmutable) context.header("Cache-Control", "private, max-age=31536000, immutable");
      return context.body(file.body, 200, { "Content-Type": file.contentType });
    });
  app.notFound(nothingHere);
  app.onError((error, context) => {
    const { status, body } = toFailure(error);
    if (body.error.code === "unknown") console.error(error);
    return context.json(body, status);
  });

  return {
    app,
    token,
    path: `/?token=${encodeURIComponent(token)}`,
    close: () => {
      closing.abort();
      watch?.close();
    },
  };
}

function withoutStorage(): MemoryError {
  const message = "options.storage is missing; give the storage to look at";
  return new MemoryError({ code: "invalid_input", message, path: "options.storage" });
}

function emptyToken(): MemoryError {
  const message = "options.token is empty, and would let everybody in; leave it out for a random one";
  return new MemoryError({ code: "invalid_input", message, path: "options.token" });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Removes the time, so that a view that changes only with the clock counts as unchanged. */
function withoutClock(view: ProvidersView): ProvidersView {
  return { ...view, nowMs: 0 };
}

function nothingHere(context: Context): Response {
  return context.json(failure("not_found", "there is nothing here"), 404);
}

function tooLarge(context: Context): Response {
  return context.json(failure("invalid_input", `a request holds at most ${MAX_BODY_BYTES} bytes`), 413);
}
