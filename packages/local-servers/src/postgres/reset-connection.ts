import type { Socket } from "node:net";

/**
 * Resets a connection. One whose own end is just being sent is closed instead: Node.js 24 fails to reset that with
 * `EINVAL`, never closes it, and goes round in circles when the process is to end.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
