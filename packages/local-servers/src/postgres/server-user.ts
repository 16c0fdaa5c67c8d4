import { userInfo } from "node:os";

/** PostgreSQL refuses to run as root: its programs then run as `nobody`, whom every Unix has. */
export const SERVER_USER = userInfo().uid === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
