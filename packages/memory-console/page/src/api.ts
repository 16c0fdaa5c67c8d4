import type { Failure } from "../../src/wire.ts";
import { authorization } from "./token.ts";

/** An error that the server returned, or a missing answer. */
class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** The address of a route: relative, so that the page works wherever it is mounted. */
export function addressOf(route: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return `api/${route}${text === "" ? "" : `?${text}`}`;
}

export function read<Result>(route: string, parameters?: Parameters, signal?: AbortSignal): Promise<Result> {
  return request<Result>(addressOf(route, parameters), signal === undefined ? {} : { signal });
}

export function send<Result>(route: string, body: object): Promise<Result> {
  return request<Result>(addressOf(route), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

interface ApiRequest extends RequestInit {
  readonly headers?: Readonly<Record<string, string>>;
}

async function request<Result>(address: string, init: ApiRequest): Promise<Result> {
  const { response, body } = await fetched(address, init);
  if (response.ok) return body as Result;
  throw isFailure(body)
    ? new ApiError(body.error.code, body.error.message)
    : new ApiError("unknown", `The console answered with status ${response.status}.`);
}

async function fetched(address: string, init: ApiRequest): Promise<{ response: Response; body: unknown }> {
  try {
    const headers = { ...init.headers, ...authorization() };
    const response = await fetch(address, { ...init, headers });
    return { response, body: await response.json() };
  } catch (error) {
    // Whoever gave it up knows, and looks at its signal.
    if (init.signal?.aborted === true) throw error;
    throw new ApiError("unreachable", "The console does not answer. Is its process still running?");
  }
}

export function isFailure(body: unknown): body is Failure {
  return typeof body === "object" && body !== null && "error" in body;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
