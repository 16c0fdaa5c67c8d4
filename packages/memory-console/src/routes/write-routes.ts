import { Hono } from "hono";
import { RequestError } from "../failures.ts";
import { nameOfKey, requiredField } from "./parameters.ts";
import { replicationOf, type ConsoleStorage } from "../reading/storage.ts";

/** The routes that change a storage. They refuse every request unless writing is allowed. */
export function writeRoutes(storage: ConsoleStorage, isWritable: boolean): Hono {
  return new Hono()
    .use(async (_, next) => {
      if (isWritable) return next();
      throw new RequestError(403, "read_only", "the console only reads; start it with --write to change anything");
    })
    .post("/delete-session", async (context) => {
      const sessionId = nameOfKey(await requiredField(context, "session"));
      return context.json({ wasThere: await storage.deleteSession(sessionId) });
    })
    .post("/erase-user", async (context) => {
      return context.json(await storage.deleteUser(await requiredField(context, "userId")));
    })
    .post("/repair", async (context) => {
      const replication = replicationOf(storage);
      if (replication === undefined)
        throw new RequestError(404, "not_found", "this storage is one store: there is nothing to repair");
      return context.json(await replication.repair());
    });
}
