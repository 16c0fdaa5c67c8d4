import { startProxy } from "@rivet/local-servers";
import { SupabaseMemoryStorage } from "@rivet/memory-supabase";
import { medianTimes, type Measure } from "../measure.ts";
import { VoltAgentConversation } from "../voltagent-supabase.ts";
import { withSupabase } from "../with-supabase.ts";
import { saveTurn, sessionOf } from "../workload.ts";

/** One turn after another, against the bare insert. */
export function saveTurnToSupabase(): Promise<Measure> {
  return withSupabase(async ({ storage, bare }) => {
    const session = await sessionOf(storage, 2);
    const times = await medianTimes({
      ours: () => saveTurn(session),
      reference: () => bare.saveTurn("session_reference"),
      rounds: 1_000,
    });
    return {
      name: "Supabase: save one turn",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.3 },
      against: "a bare insert() of two rows with supabase-js, one table with its primary key",
    };
  });
}

export function loadFromSupabase(): Promise<Measure> {
  return withSupabase(async ({ project, storage, bare }) => {
    // One less than a page: more would take the reference a second request.
    const { sessionId } = await sessionOf(storage, 999);
    // As autovacuum does within a minute: without statistics either side is planned for a handful of rows.
    await project.server.query("ANALYZE");
    const times = await medianTimes({
      ours: () => storage.loadSession(sessionId),
      reference: () => bare.loadMessages(sessionId),
      rounds: 200,
    });
    return {
      name: "Supabase: load 1,000 messages",
      unit: "ms",
      ...times,
      bar: { kind: "at most", value: 1.3 },
      against: "a bare select() of the same rows with supabase-js, in pages",
    };
  });
}

/** How far a project is, one way: one in the same region is a millisecond away, others ten or a hundred. */
const DISTANCE_MS = 1;

/** On the same machine the two requests of the reference cost what they compute; elsewhere they also cost two journeys. */
export function saveTurnBesideVoltAgent(): Promise<Measure[]> {
  return withSupabase(async ({ project }) => {
    await using proxy = await startProxy({ port: Number(new URL(project.url).port) });
    const [url, key] = [proxy.url(project.url), project.keys.secret];
    await using storage = new SupabaseMemoryStorage({ url, key });
    const session = await sessionOf(storage, 2);
    const conversation = await VoltAgentConversation.create(project, url);
    const measure = async (where: string): Promise<Measure> => {
      const { ours, reference } = await medianTimes({
        ours: () => saveTurn(session),
        reference: () => conversation.saveTurn(),
        rounds: 500,
      });
      return {
        name: `Supabase, ${where}: save one turn, how much faster`,
        unit: "ms",
        ours,
        reference,
        ratio: reference / ours,
        bar: { kind: "at least", value: 1.7 },
        against: `VoltAgent's addMessages (${VoltAgentConversation.packageName})`,
      };
    };
    const near = await measure("on the same machine");
    proxy.setMode("delay", DISTANCE_MS);
    return [near, await measure(`${2 * DISTANCE_MS} ms there and back`)];
  });
}
