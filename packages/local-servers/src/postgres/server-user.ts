import { userInfo } from "node:os";

/** The user of the servers. PostgreSQL refuses to run as root, so for root this is `nobody`, which every Unix has. */
export const SERVER_USER = userInfo().uid === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
