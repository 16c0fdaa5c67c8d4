/** How a storage is called where its address, which may hold a password, must not be shown. */
export function storageName(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) return url;
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return "postgres://…";
  }
}
