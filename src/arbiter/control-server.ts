// The operators' control socket: one JSON object per line in, one out, in order (docs/control-socket.md). Whoever may open the
// socket may do what it offers; its file mode decides who may. A line that is no request ends the connection.

import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Line } from "../control/json-lines.ts";
import type { Log } from "../log/log.ts";
import { Channel } from "./channel.ts";

/** A connection that asks nothing for so long is closed. */
const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 16;
/** Requests of one connection that are not answered yet; a client that goes on is cut off. */
const UNANSWERED_MAX = 8;
const PROBE_MS = 1_000;

export type Reply = Readonly<Record<string, unknown>>;

export interface ControlServerOptions {
  readonly path: string;
  readonly mode: number;
  readonly log: Log;
  /** Must not reject. */
  answer(request: Line): Promise<Reply>;
}

export interface ControlServer {
  readonly path: string;
  /** Removes the socket. Harmless when repeated. */
  close(): void;
}

/** Rejects with the system's error, or one that says that another server answers there. */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { path, mode } = options;
  if (await isAlive(path)) throw new Error(`another server answers at ${path}`);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => serve(socket, sockets, options));
  await listen(server, path, mode);
  server.on("error", (error) => options.log.error("control socket failed", { error: error.message }));
  return {
    path,
    close: () => {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.destroy();
      rmSync(path, { force: true });
    },
  };
}

/** The socket has its mode from the moment it exists: bind(2) happens within the call. */
function listen(server: Server, path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const inherited = process.umask(0o777 & ~mode);
    try {
      server.listen({ path }, () => {
        server.off("error", reject);
        chmodSync(path, mode);
        resolve();
      });
    } finally {
      process.umask(inherited);
    }
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    const end = (isThere: boolean): void => {
      probe.destroy();
      resolve(isThere);
    };
    probe.setTimeout(PROBE_MS, () => end(true));
    probe.once("connect", () => end(true));
    probe.once("error", () => end(false));
  });
}

function serve(socket: Socket, sockets: Set<Socket>, { answer, log }: ControlServerOptions): void {
  if (sockets.size >= CONNECTIONS_MAX) {
    socket.destroy();
    return;
  }
  sockets.add(socket);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  let unanswered = 0;
  let turn: Promise<void> = Promise.resolve();
  const channel = new Channel(socket, {
    onLine: (line) => {
      unanswered += 1;
      if (unanswered > UNANSWERED_MAX) {
        channel.destroy();
        return;
      }
      turn = turn.then(async () => {
        send(channel, await answer(line), line.type);
        unanswered -= 1;
      });
    },
    onClosed: (reason) => {
      sockets.delete(socket);
      if (reason !== "") log.debug("control connection ended", { reason });
    },
  });
}

function send(channel: Channel, reply: Reply, type: string): void {
  try {
    channel.send({ type, ...reply });
  } catch (error) {
    // Our own limit of a line: the stacks of hundreds of threads, say.
    const message = error instanceof Error ? error.message : String(error);
    channel.send({ type, ok: false, error: message } as { readonly type: string });
  }
}
