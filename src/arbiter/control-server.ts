// The operators' control socket: one JSON object per line in, one out, in order (docs/control-socket.md). Whoever may open the
// socket may do what it offers; its file mode decides who may. A line that is no request ends the connection.

import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Line } from "../control/json-lines.ts";
import type { Log } from "../log/log.ts";
import { Channel } from "./channel.ts";
import { ListenError } from "./listen-error.ts";
import { freeName, giveName, isWithoutFolder, remover, unlinkQuietly } from "./unix-name.ts";

/** A connection that asks nothing for so long is closed. */
const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 16;
/** Requests of one connection that are not answered yet; a client that goes on is cut off. */
const UNANSWERED_MAX = 8;

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

interface SocketName {
  /** What libuv binds. */
  readonly first: string;
  readonly path: string;
  readonly mode: number;
}

/** Rejects with a ListenError, or one that says that another server answers there. Never takes what is not a dead socket. */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { path, mode } = options;
  await takeName(path);
  const clients = new Map<Socket, Client>();
  const server = createServer((socket) => serve(socket, clients, options));
  await listen(server, path, mode);
  server.on("error", (error) => options.log.error("control socket failed", { error: error.message }));
  const unlink = remover(path);
  return {
    path,
    close: () => {
      if (!server.listening) return;
      server.close();
      for (const socket of clients.keys()) socket.destroy();
      unlink();
    },
  };
}

async function takeName(path: string): Promise<void> {
  try {
    await freeName(path);
  } catch (error) {
    const isTaken = error instanceof ListenError && error.code === "EADDRINUSE";
    throw isTaken ? new Error(`another server answers at ${path}`, { cause: error }) : error;
  }
}

/**
 * The socket has its mode from the moment it exists: bind(2) happens within the call. Under another name first, because
 * libuv removes the name that it bound when it closes, whosever it is by then.
 */
async function listen(server: Server, path: string, mode: number): Promise<void> {
  const first = join(dirname(path), `.c${process.pid}`);
  unlinkQuietly(first);
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, path)));
    server.once("listening", resolve);
  });
  const inherited = process.umask(0o777 & ~mode);
  try {
    server.listen({ path: first });
  } finally {
    process.umask(inherited);
  }
  await listening;
  rename(server, { first, path, mode });
}

function rename(server: Server, { first, path, mode }: SocketName): void {
  try {
    chmodSync(first, mode);
    giveName(first, path);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    unlinkQuietly(first);
  }
}

function listenError(error: Error, path: string): ListenError {
  if (isWithoutFolder(path)) return new ListenError("ENOENT", `unix:${path}`, 0, { cause: error });
  return ListenError.fromError(error, `unix:${path}`);
}

interface Client {
  unanswered: number;
}

function serve(socket: Socket, clients: Map<Socket, Client>, { answer, log }: ControlServerOptions): void {
  if (clients.size >= CONNECTIONS_MAX) makeRoom(clients);
  const client: Client = { unanswered: 0 };
  clients.set(socket, client);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  let turn: Promise<void> = Promise.resolve();
  const channel = new Channel(socket, {
    onLine: (line) => {
      client.unanswered += 1;
      if (client.unanswered > UNANSWERED_MAX) {
        channel.destroy();
        return;
      }
      turn = turn.then(async () => {
        send(channel, await answer(line), line.type);
        client.unanswered -= 1;
      });
    },
    onClosed: (reason) => {
      clients.delete(socket);
      if (reason !== "") log.debug("control connection ended", { reason });
    },
  });
}

/** The oldest that waits for nothing goes, else the oldest: an operator must not be kept out by those who only hold on. */
function makeRoom(clients: Map<Socket, Client>): void {
  const [oldest] = clients.keys();
  const [idle] = [...clients].find(([, { unanswered }]) => unanswered === 0) ?? [oldest];
  if (idle === undefined) return;
  clients.delete(idle);
  idle.destroy();
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
