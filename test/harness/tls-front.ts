// A Front with one TLS listener in the test's own process, and clients that speak TLS to it.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { type ListenerConfig, plainListener } from "../../src/config/listener.ts";
import type { TlsMaterial } from "../../src/config/tls-material.ts";
import type { FrontConfig } from "../../src/front/context.ts";
import { Front } from "../../src/front/front.ts";
import { MemoryAccessLog, MemoryLog, testConfig } from "./front-parts.ts";
import { ManualClock } from "./manual-clock.ts";
import { ScriptedHandler } from "./running-front.ts";
import { within } from "./wait.ts";

export interface TlsFrontOptions {
  readonly tls: NonNullable<ListenerConfig["tls"]>;
  readonly material: TlsMaterial;
  readonly config?: Partial<FrontConfig>;
  readonly spoken?: Partial<ListenerConfig>;
}

export interface TlsFront {
  readonly front: Front;
  readonly port: number;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly handler: ScriptedHandler;
  /** A client after its handshake; rejects when that fails. */
  connect(options?: ConnectionOptions): Promise<TLSSocket>;
  /** A client that has said nothing yet. */
  raw(): Socket;
}

export async function runTlsFront(t: TestContext, options: TlsFrontOptions): Promise<TlsFront> {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const handler = new ScriptedHandler();
  const config = testConfig(options.config ?? {});
  const front = new Front({ config, handler, log, accessLog: new MemoryAccessLog(), clock });
  t.after(() => front.destroy());
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const settings = { ...plainListener(address), ...options.spoken, tls: options.tls };
  const { port } = await front.listen(settings, { material: options.material });
  const open = async (wishes: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...wishes });
    t.after(() => socket.destroy());
    await within(5_000, "a handshake", once(socket, "secureConnect"));
    socket.on("error", () => {}); // the test says what it expects of the end
    return socket;
  };
  const raw = (): Socket => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.on("error", () => {}); // as above
    t.after(() => socket.destroy());
    return socket;
  };
  return { front, port, clock, log, handler, connect: open, raw };
}

/** Everything that is received until the other side closes. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  if (!socket.closed && !socket.readableEnded) {
    await within(5_000, "the end of a connection", new Promise((resolve) => socket.once("close", resolve)));
  }
  return text;
}

/** One request and its whole response; the connection ends with it. */
export function ask(socket: Socket, path = "/", fields = ""): Promise<string> {
  const received = untilClosed(socket);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n`);
  return received;
}
