import { Hono } from "hono";
import { atomPage, contextView, wholeAtom } from "../reading/atoms.ts";
import { RequestError } from "../failures.ts";
import type { ImageLinks } from "../reading/image-links.ts";
import { imageOf } from "../reading/images.ts";
import { isJsonObject } from "../json.ts";
import { optionalAtomId, optionalUserId, requiredAtomId, requiredKey, wholeNumber } from "./parameters.ts";
import { placesOf } from "../reading/places.ts";
import { recentSessions, searchSessions, sessionDetail } from "../reading/sessions.ts";
import type { ConsoleStorage } from "../reading/storage.ts";
import { FIRST_PAGE } from "../wire.ts";

const LARGEST_BUDGET = 100_000_000;

const noSession = (): RequestError =>
  new RequestError(404, "not_found", "there is no such session; it may have been deleted");

function found<Value>(value: Value | undefined, error: RequestError = noSession()): Value {
  if (value === undefined) throw error;
  return value;
}

/** The routes that read a storage. */
export function readRoutes(storage: ConsoleStorage, links: ImageLinks): Hono {
  return new Hono()
    .get("/sessions", async (context) => {
      const range = { userId: optionalUserId(context), limit: wholeNumber(context, "limit", FIRST_PAGE) };
      const search = context.req.query("search") ?? "";
      if (search !== "") return context.json(await searchSessions(storage, search, range));
      return context.json(await recentSessions(storage, { ...range, before: optionalAtomId(context, "before") }));
    })
    .get("/session", async (context) => context.json(found(await sessionDetail(storage, requiredKey(context)))))
    .get("/atoms", async (context) => {
      const range = {
        before: optionalAtomId(context, "before"),
        after: optionalAtomId(context, "after"),
        limit: wholeNumber(context, "limit", FIRST_PAGE),
      };
      return context.json(await atomPage(storage, requiredKey(context), range, links));
    })
    .get("/atom", async (context) => {
      const atom = await wholeAtom(storage, requiredKey(context), requiredAtomId(context));
      return context.json(found(atom, new RequestError(404, "not_found", "there is no such atom")));
    })
    .get("/places", async (context) =>
      context.json(await placesOf(storage, requiredKey(context), requiredAtomId(context))),
    )
    .get("/image", async (context) => {
      const atom = await wholeAtom(storage, requiredKey(context), requiredAtomId(context));
      const parts = isJsonObject(atom) && Array.isArray(atom["content"]) ? atom["content"] : [];
      const image = imageOf(parts[Number(context.req.query("part"))]);
      const { bytes, mediaType } = found(image, new RequestError(404, "not_found", "there is no such image"));
      return context.body(new Uint8Array(bytes), 200, {
        "Content-Type": mediaType,
        // Atoms never change; what is deleted should be gone from the browser too, in the end.
        "Cache-Control": "private, max-age=600",
      });
    })
    .get("/context", async (context) => {
      const maxTokens = wholeNumber(context, "maxTokens", 8_000, LARGEST_BUDGET);
      return context.json(found(await contextView(storage, requiredKey(context), maxTokens)));
    });
}
