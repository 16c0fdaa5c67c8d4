/** The name of a storage in output. Its address is not shown, because it may contain a password. */
export function storageName(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) return url;
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return "postgres://…";
  }
}
