import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { isSameSecret, newSecret, refusalOf, type RequestFacts } from "./access.ts";
import { failure } from "../failures.ts";
import type { ImageLinks } from "../reading/image-links.ts";

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

/**
 * Lets through what comes from this machine and from no page but our own. Every answer has the headers that protect it.
 */
export function requireOwnOrigin(): MiddlewareHandler {
  return async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    const refusal = refusalOf(factsOf(context));
    if (refusal !== undefined) return context.json(failure(refusal.code, refusal.message), refusal.status);
    return next();
  };
}

/**
 * Lets through requests for data, which hold the token in a header that the page sets, or are for a picture of the
 * page.
 *
 * The page keeps the token in its `sessionStorage`, which belongs to one origin, the port included. A cookie would not
 * do: browsers send it to every port of a host, so that another server of this machine gets it.
 */
export function requireToken(token: string, images: ImageLinks): MiddlewareHandler {
  // A header holds no other characters.
  const expected = encodeURIComponent(token);
  return async (context, next) => {
    const [, given] = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "") ?? [];
    if (isSameSecret(given, expected) || isImage(context, images)) return next();
    return context.json(failure("locked", LOCKED.trim()), 401);
  };
}

/**
 * Lets through requests for the page and its files, which hold the token in their address, or the cookie that came of
 * it. The cookie opens nothing that is stored: it lets the page load again.
 */
export function requirePass(token: string): MiddlewareHandler {
  // A secret of its own: the cookie does not hold the token, and ends with the process.
  const pass = newSecret();
  return async (context, next) => {
    const cookie = `rivet-console-${factsOf(context).localPort ?? 0}`;
    const given = context.req.query("token");
    if (given === undefined) {
      return isSameSecret(getCookie(context, cookie), pass) ? next() : context.text(LOCKED, 401);
    }
    if (!isSameSecret(given, token)) return context.text(LOCKED, 401);
    setCookie(context, cookie, pass, { httpOnly: true, sameSite: "Strict", path: "/" });
    return next();
  };
}

/** A browser asks for the pictures of a page without the header: their addresses hold a key of their own. */
function isImage({ req }: Context, images: ImageLinks): boolean {
  if (req.method !== "GET" || !req.path.endsWith("/api/image")) return false;
  const { session = "", atom = "", part = "", key } = req.query();
  return images.isOurs({ session, atom, part }, key);
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
