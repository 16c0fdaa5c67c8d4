/**
 * Whether this is Cloudflare Workers. There a request that waits for what another request has begun is ended as hung,
 * so that what different requests save must not share a request to the project.
 *
 * https://developers.cloudflare.com/workers/runtime-apis/web-standards/#navigatoruseragent
 */
export function isCloudflareWorker(scope: object = globalThis): boolean {
  const navigator: unknown = Reflect.get(scope, "navigator");
  if (typeof navigator !== "object" || navigator === null) return false;
  return Reflect.get(navigator, "userAgent") === "Cloudflare-Workers";
}
