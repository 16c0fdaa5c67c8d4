/** What the storage needs of a client of `@supabase/supabase-js`, and the one that it makes itself. */
import { createClient } from "@supabase/supabase-js";

/** What a request ended with; a failure is no exception. */
export interface RpcResponse {
  readonly data: unknown;
  readonly error: unknown;
  readonly status: number;
}

export interface RpcRequest extends PromiseLike<RpcResponse> {
  abortSignal(signal: AbortSignal): PromiseLike<RpcResponse>;
}

/** `SupabaseClient`, and any of its copies: the API's schema is the client's. */
export interface RpcClient {
  rpc(name: string, args: object): RpcRequest;
}

/**
 * A client that keeps no session of its own, refreshes nothing in the background and opens no socket. A key of the new form
 * goes into the header `apikey`; the client knows the two kinds.
 */
export function makeClient(url: string, key: string): RpcClient {
  return createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    // Otherwise it fails where there is no WebSocket, although nobody asks for one.
    realtime: { transport: openNoWebSocket as unknown as NonNullable<Realtime["transport"]> },
  });
}

type Realtime = NonNullable<NonNullable<Parameters<typeof createClient>[2]>["realtime"]>;

function openNoWebSocket(): never {
  throw new Error("the client of @rivet/memory-supabase opens no WebSocket");
}
