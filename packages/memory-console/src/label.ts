/** An address as the page may show it: without user, password and parameters. Pure. */
export function labelOf(url: string): string {
  if (!/^postgres(?:ql)?:\/\//.test(url)) return url;
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return "postgres";
  }
}
