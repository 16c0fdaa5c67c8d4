import { SQLiteStorage } from "@rivet/memory-sqlite";
import type { Place, Store } from "../store.ts";
import { storeOf } from "./rivet.ts";

/** Rivet Memory as durable as those are who choose `synchronous = NORMAL`. */
export async function openStore({ url }: Place): Promise<Store> {
  return storeOf(await new SQLiteStorage(url.slice("sqlite:".length), { durability: "normal" }).open());
}
