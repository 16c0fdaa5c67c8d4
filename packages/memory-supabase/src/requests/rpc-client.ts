/** The part of a client of `@supabase/supabase-js` that the storage uses, and the client that it creates itself. */
import { createClient } from "@supabase/supabase-js";

/** The result of a request. A failure is not an exception. */
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
 * A client for a key of either form. Of one that is no token, supabase-js knows itself that it goes into the `apikey`
 * header alone.
 */
export function makeClient(url: string, key: string, schema?: string): RpcClient {
  const client = createClient(url, key, {
    // No user ever signs in: the key stands for itself, and no request has to ask for a session first.
    accessToken: async () => null,
    // Otherwise it fails where there is no WebSocket, although nobody asks for one.
    realtime: { transport: openNoWebSocket as unknown as NonNullable<Realtime["transport"]> },
  });
  return schema === undefined ? client : client.schema(schema);
}

type Realtime = NonNullable<NonNullable<Parameters<typeof createClient>[2]>["realtime"]>;

function openNoWebSocket(): never {
  throw new Error("the client of @rivet/memory-supabase opens no WebSocket");
}
