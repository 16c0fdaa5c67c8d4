import type { PostgresServer } from "@rivet/local-servers";

/** A new database whose transactions have a level of isolation unless they say another. @returns its name. */
export async function isolatedDatabase(server: PostgresServer, level: string): Promise<string> {
  const { pathname } = new URL(await server.createDatabase());
  const name = decodeURIComponent(pathname.slice(1));
  await server.query(`ALTER DATABASE "${name}" SET default_transaction_isolation = '${level}'`);
  return name;
}
