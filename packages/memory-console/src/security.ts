import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { isSameSecret, newSecret, refusalOf, type RequestFacts } from "./access.ts";
import { failure } from "./failures.ts";

/** Nothing may be loaded but our own files, nothing may run that is no file, and no text becomes markup. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cache-Control": "no-store",
};

const LOCKED =
  "This is the Rivet Memory console. It opens with the address that it printed when it started, which holds a token: copy the whole of it.\n";

/** Lets through what comes from this machine, from our own page, and from somebody who was given the token. */
export function guard(token: string): MiddlewareHandler {
  // Its own secret: who reads the cookie has not got the token, and the cookie ends with the process.
  const pass = newSecret();
  return async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    const facts = factsOf(context);
    const refusal = refusalOf(facts);
    if (refusal !== undefined) return context.json(failure(refusal.code, refusal.message), refusal.status);
    const cookie = `rivet-console-${facts.localPort ?? 0}`;
    const given = context.req.query("token");
    if (given !== undefined && context.req.method === "GET") {
      if (!isSameSecret(given, token)) return locked(context);
      setCookie(context, cookie, pass, { httpOnly: true, sameSite: "Strict", path: "/" });
      return context.redirect(new URL(context.req.url).pathname, 303);
    }
    if (!isSameSecret(getCookie(context, cookie), pass)) return locked(context);
    return next();
  };
}

function locked(context: Context): Response {
  if (context.req.path.includes("/api/")) return context.json(failure("locked", LOCKED.trim()), 401);
  return context.text(LOCKED, 401);
}

function factsOf(context: Context): RequestFacts {
  const { incoming }: Partial<HttpBindings> = context.env ?? {};
  const { req } = context;
  return {
    method: req.method,
    host: req.header("host"),
    origin: req.header("origin"),
    fetchSite: req.header("sec-fetch-site"),
    fetchMode: req.header("sec-fetch-mode"),
    remoteAddress: incoming?.socket.remoteAddress,
    localPort: incoming?.socket.localPort,
  };
}
