/** Reads and checks the parameters of a request. */
import { decodeText, isAtomId } from "@rivet/memory-core";
import type { Context } from "hono";
import { isJsonObject } from "../json.ts";
import { RequestError } from "../failures.ts";
import type { PanelRequest } from "../wire.ts";

const MAX_PAGE = 1_000;

function invalid(name: string, expected: string): RequestError {
  return new RequestError(400, "invalid_input", `${name} must be ${expected}`);
}

/** The name that a key stands for: a session's or a user's. */
export function nameOfKey(key: string): string {
  try {
    return decodeText(key);
  } catch {
    throw new RequestError(400, "invalid_input", "no session and no user has this key");
  }
}

/** The key of a session. */
export function requiredKey(context: Context): string {
  const key = context.req.query("session");
  if (key === undefined || key === "") throw invalid("session", "the key of a session");
  return key;
}

export function requiredAtomId(context: Context): string {
  const id = optionalAtomId(context, "atom");
  if (id === undefined) throw invalid("atom", "the id of an atom");
  return id;
}

export function optionalAtomId(context: Context, name: string): string | undefined {
  const id = context.req.query(name);
  if (id !== undefined && !isAtomId(id)) throw invalid(name, "the id of an atom");
  return id;
}

/** The id of a user; it comes in the form of a session's key, which any URL can hold. */
export function optionalUserId(context: Context): string | undefined {
  const userId = context.req.query("user");
  return userId === undefined || userId === "" ? undefined : nameOfKey(userId);
}

export function wholeNumber(context: Context, name: string, fallback: number, largest = MAX_PAGE): number {
  const text = context.req.query(name);
  if (text === undefined) return fallback;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= largest) return number;
  throw invalid(name, `a whole number from 1 to ${largest}`);
}

/** A text field of a JSON body. */
export async function requiredField(context: Context, name: string): Promise<string> {
  const value = (await jsonBody(context))[name];
  if (typeof value !== "string" || value === "") throw invalid(name, "a string that is not empty");
  return value;
}

export async function panelRequest(context: Context): Promise<PanelRequest> {
  const { type, id, text } = await jsonBody(context);
  if (type === "action" && typeof id === "string") return { type, id };
  if (type === "prompt" && typeof text === "string" && text.trim() !== "") return { type, text };
  throw invalid("the body", "an action with an id, or a prompt with a text");
}

async function jsonBody(context: Context): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (!isJsonObject(body)) throw invalid("the body", "a JSON object");
  return body;
}
